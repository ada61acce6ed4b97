"""PostgreSQL and Redis from Python wheels, for when no DATABASE_URL and REDIS_URL are set.

Every process that uses them holds a shared file lock under `var/`; the kernel drops it however the process ends.
One background process, the guardian (`embedded_guardian.py`), starts both servers, restarts one that died, and
stops them when nobody holds the lock any more.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

import psycopg
import redis

DATABASE = "cluster_platform"
APP_ROLE = "cluster_app"
OWNER_ROLE = "cluster_owner"

START_SECONDS = 90
# The system's limit for a socket path is 104 to 108 bytes, the longest socket name here has 13.
LONGEST_SOCKET_DIR = 85

_held: dict[Path, IO[str]] = {}


class EmbeddedServerError(Exception):
    """The embedded servers can't run; the message says why, in one sentence for the operator."""


def socket_dir(var: Path) -> Path:
    """Where the sockets of `var` lie: below it, or in a short place if its path is too long or has odd characters."""
    direct = Path(os.path.realpath(var)) / "run"
    if len(os.fsencode(direct)) <= LONGEST_SOCKET_DIR and re.fullmatch(r"[A-Za-z0-9/._-]+", str(direct)):
        return direct
    digest = hashlib.sha256(os.fsencode(direct)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"cluster-platform-{digest}"


def database_urls(var: Path) -> tuple[str, str]:
    """URLs of the application's role and of the owner's role. Pure: nothing is started."""
    host = socket_dir(var)
    return (
        f"postgres://{APP_ROLE}@/{DATABASE}?host={host}",
        f"postgres://{OWNER_ROLE}@/{DATABASE}?host={host}",
    )


def redis_url(var: Path) -> str:
    """Celery's URL of the Redis socket. Pure: nothing is started."""
    return f"redis+socket://{socket_dir(var)}/redis.sock"


def ensure_running(var: Path) -> None:
    """Without DATABASE_URL and REDIS_URL start both servers, and keep them for the life of this process and its forks.

    Raises EmbeddedServerError with one sentence that says what is wrong.
    """
    given = [name for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)]
    if len(given) == 1:
        raise EmbeddedServerError(f"Only {given[0]} is set; set both DATABASE_URL and REDIS_URL, or neither.")
    if not given:
        start(var)


def start(var: Path) -> None:
    """Make both servers answer for this process; a second call is free."""
    var = Path(os.path.realpath(var))
    if var in _held:
        return
    deadline = time.monotonic() + START_SECONDS
    try:
        (var / "run").mkdir(parents=True, exist_ok=True)
        handle = open(var / "run" / "users.lock", "a")
        # A guardian that is stopping holds it exclusively for a moment.
        while not _try_lock(handle, fcntl.LOCK_SH):
            _wait(deadline, var)
        while not _answering(var):
            if _guardian_is_gone(var):
                _start_guardian(var)
            _wait(deadline, var)
        if _guardian_is_gone(var):
            _start_guardian(var)
    except OSError as error:
        raise EmbeddedServerError(
            f"The embedded servers can't use {error.filename or var}: {error.strerror}; "
            "run as the user who owns it, or set DATABASE_URL and REDIS_URL."
        ) from error
    _held[var] = handle


def release(var: Path) -> None:
    """Give the servers up. If nobody else uses them they are stopped when this returns."""
    var = Path(os.path.realpath(var))
    handle = _held.pop(var, None)
    if handle is None:
        return
    handle.close()
    deadline = time.monotonic() + START_SECONDS
    while not _guardian_is_gone(var) and not _used_by_others(var) and time.monotonic() < deadline:
        time.sleep(0.05)


def _answering(var: Path) -> bool:
    try:
        psycopg.connect(database_urls(var)[0], connect_timeout=5).close()
        with redis.Redis(unix_socket_path=str(socket_dir(var) / "redis.sock"), socket_timeout=5) as client:
            client.ping()
    except (psycopg.OperationalError, redis.RedisError):
        return False
    return True


def _try_lock(handle: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _guardian_is_gone(var: Path) -> bool:
    with open(var / "run" / "guardian.lock", "a") as handle:
        return _try_lock(handle, fcntl.LOCK_EX)


def _used_by_others(var: Path) -> bool:
    with open(var / "run" / "users.lock", "a") as handle:
        # The guardian, while it stops the servers, lets nobody share the lock.
        return not _try_lock(handle, fcntl.LOCK_EX) and _try_lock(handle, fcntl.LOCK_SH)


def _start_guardian(var: Path) -> None:
    # -I keeps this folder off sys.path, where celery.py would hide the package of that name.
    guardian = Path(__file__).with_name("embedded_guardian.py")
    command = [sys.executable, "-I", str(guardian), str(var), str(socket_dir(var)), DATABASE, APP_ROLE, OWNER_ROLE]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if done.stdout:
        raise EmbeddedServerError(done.stdout.strip())


def _wait(deadline: float, var: Path) -> None:
    if time.monotonic() > deadline:
        raise EmbeddedServerError(
            f"The embedded servers did not answer within {START_SECONDS} seconds; see the logs in {var / 'log'}."
        )
    time.sleep(0.05)
