"""What the demo is made of: June over again, meters that deliver it, programs that end with it."""

import datetime as dt
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from cluster_platform.demo.example import SLUG, ZONE, twin_in_june, write_dataset
from cluster_platform.demo.feeder import Feeder
from cluster_platform.demo.logins import COORDINATOR, ensure_logins
from cluster_platform.demo.prices import carry_on_prices
from cluster_platform.demo.processes import ProgramEnded, Programs, web_server
from contracts.dataset.folder import read_dataset
from contracts.models import Contract
from participants.models import Cluster, Membership, Participant, User
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast, wait_for_a_lasting_code

EXAMPLE = settings.BASE_DIR / "demo" / SLUG


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize("moment", [utc(2026, 11, 22, 11, 45), utc(2026, 10, 25, 0, 30), utc(2028, 2, 29, 23, 0)])
def test_the_twin_has_the_same_weekday_and_local_time(moment: dt.datetime) -> None:
    local, twin = moment.astimezone(ZONE), twin_in_june(moment).astimezone(ZONE)
    assert (twin.year, twin.month) == (2026, 6)
    assert (twin.weekday(), twin.time()) == (local.weekday(), local.time())


@pytest.mark.parametrize("now", [utc(2026, 11, 22, 11, 45), utc(2026, 6, 30, 22, 30), utc(2027, 1, 1, 12, 0)])
def test_the_example_carried_on_is_a_dataset_with_prices_for_yesterday_today_and_the_next_month(
    tmp_path: Path, now: dt.datetime
) -> None:
    write_dataset(EXAMPLE, tmp_path / "dataset", now, with_readings=False)
    dataset = read_dataset(tmp_path / "dataset")
    priced = {row.interval_start for row in dataset.external_prices}
    start = now.replace(minute=0) - dt.timedelta(days=1)
    assert {start + dt.timedelta(hours=hour) for hour in range(24 * 29)} <= priced
    assert dataset.cluster.name.endswith("(demo)")
    assert dataset.dso.name.endswith("(demo)")
    assert {rate.valid_to for rate in dataset.rates} == {None}


@pytest.mark.django_db
def test_a_later_start_renews_prices_and_leaves_what_people_did(tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    write_dataset(EXAMPLE, folder, utc(2026, 8, 10, 12, 0), with_readings=False)
    call_command("load_cluster", str(folder), verbosity=0)
    cluster = Cluster.objects.get(slug=SLUG)
    leaves = dt.date(2026, 12, 1)
    with scope(cluster.pk):
        contract = Contract.objects.filter(scheme="p2p", valid_to=None).first()
        assert contract is not None
        Contract.objects.filter(pk=contract.pk).update(valid_to=leaves)
        Participant.objects.filter(pk=contract.participant_id).update(name="Renamed")
    write_dataset(EXAMPLE, folder, utc(2026, 9, 10, 12, 0), with_readings=False)
    assert carry_on_prices(SLUG, folder, NOON) == 30 * 96 + 100, "of October"
    assert carry_on_prices(SLUG, folder, NOON) == 0
    with scope(cluster.pk):
        contract.refresh_from_db()
        assert contract.valid_to == leaves and contract.participant.name == "Renamed"


class Meterable(BaseHTTPRequestHandler):
    """Notes what is delivered."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.delivered.append((self.headers["Authorization"], body["readings"]))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Silence."""


@pytest.fixture
def meterable() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Meterable)
    server.delivered = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast("alfa")


def test_the_newest_quarter_hour_goes_first_and_alone_then_the_month_backwards(
    cast: Cast, meterable: HTTPServer
) -> None:
    # A Thursday of week 29: its twin is NOON, the cast's only readings.
    now = [utc(2026, 7, 16, 10, 16)]
    address = f"http://127.0.0.1:{meterable.server_port}"
    feeder = Feeder(cast.cluster, address, "alfa.secret", lambda: now[0])
    assert twin_in_june(utc(2026, 7, 16, 10, 0)) == NOON
    assert feeder.step() == [utc(2026, 7, 16, 10, 0)]
    assert feeder.step() == [utc(2026, 7, 16, 9, 45) - dt.timedelta(minutes=15 * back) for back in range(8)]
    now[0] = utc(2026, 7, 16, 10, 30)
    assert feeder.step() == [utc(2026, 7, 16, 10, 15)]
    authorization, readings = meterable.delivered[0]  # type: ignore[attr-defined]
    assert authorization == "Bearer alfa.secret"
    assert sorted((row["metering_point"], row["imported_wh"], row["exported_wh"]) for row in readings) == [
        (cast.seller_point.code, 0, 400),
        (cast.buyer_point.code, 300, 0),
    ]
    assert {(row["interval_start"], row["quality"]) for row in readings} == {("2026-07-16T10:00:00Z", "measured")}


def test_what_was_delivered_before_a_restart_is_not_sent_again(cast: Cast, meterable: HTTPServer) -> None:
    feeder = Feeder(cast.cluster, f"http://127.0.0.1:{meterable.server_port}", "key", lambda: utc(2026, 6, 11, 10, 15))
    assert NOON not in feeder.step()


def test_logins_stay_the_same_over_restarts(cast: Cast, tmp_path: Path) -> None:
    with scope(cast.cluster.pk):
        member = Participant.objects.get(code="P0002")
        member.email = "p0002@example.org"
        member.save()
    first = ensure_logins(cast.cluster, tmp_path / "logins.json")
    assert ensure_logins(cast.cluster, tmp_path / "logins.json") == first
    assert (tmp_path / "logins.json").stat().st_mode & 0o077 == 0
    for login in first[0]:
        assert User.objects.get(email=login.email).check_password(login.password)
    with scope(cast.cluster.pk):
        roles = Membership.objects.filter(user__email__in=[login.email for login in first[0]])
        assert {membership.role: membership.participant_id for membership in roles} == {
            "member": member.pk,
            "coordinator": None,
        }


def test_the_code_that_is_shown_lets_the_coordinator_in(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "VAR", tmp_path)
    (tmp_path / "demo").mkdir()
    logins, _ = ensure_logins(cast.cluster, tmp_path / "demo" / "logins.json")
    client = Client()
    client.post("/accounts/login/", {"login": COORDINATOR, "password": logins[1].password})
    out = io.StringIO()
    wait_for_a_lasting_code()
    call_command("demo_codes", stdout=out)
    shown = re.search(rf"{COORDINATOR} +code (\d{{6}})", out.getvalue())
    assert shown
    assert client.post("/accounts/2fa/authenticate/", {"code": shown[1]})["Location"] == "/"
    assert client.get("/admin/").status_code == 200
    again = io.StringIO()
    call_command("demo_codes", stdout=again)
    secrets = [re.findall(r"secret .*: (\w+)", text.getvalue()) for text in (out, again)]
    assert secrets[0] == secrets[1]
    assert len(secrets[0]) == 2


def test_codes_of_a_demo_that_never_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "VAR", tmp_path)
    with pytest.raises(CommandError, match="make demo"):
        call_command("demo_codes")


def test_programs_and_their_children_end_with_the_demo(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    programs.start("web", ["sh", "-c", "sleep 600 & wait"], {})
    leader = psutil.Process(programs.running[0].process.pid)
    deadline = time.monotonic() + 10
    while not leader.children():
        assert time.monotonic() < deadline
    family = [leader, *leader.children()]
    programs.check()
    programs.stop()
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)
    assert list(tmp_path.glob("*.pid")) == []


def test_a_program_that_ended_is_named_with_its_log(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    programs.start("worker", ["sh", "-c", "echo no queue; exit 3"], {})
    programs.running[0].process.wait()
    with pytest.raises(ProgramEnded, match=r"The worker has ended; its log is .*worker\.log"):
        programs.check()
    assert (tmp_path / "worker.log").read_text() == "no queue\n"
    programs.stop()


def test_connections_that_browsers_leave_idle_hold_up_nobody(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(
        "def application(environ, start):\n    start('200 OK', [])\n    return [b'hello']\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    programs = Programs(tmp_path)
    programs.start("web", [sys.executable, "-m", *web_server("hello", port)], {"PYTHONPATH": str(tmp_path)})
    try:
        deadline = time.monotonic() + 30
        while not (idle := _connect(port)):
            assert time.monotonic() < deadline
        more = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        time.sleep(1)  # The workers take them up.
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read() == b"hello"
        for connection in [idle, *more]:
            connection.close()
    finally:
        programs.stop()


def _connect(port: int) -> socket.socket | None:
    try:
        return socket.create_connection(("127.0.0.1", port))
    except ConnectionRefusedError:
        time.sleep(0.2)
        return None


def test_what_a_killed_demo_left_is_ended_and_other_processes_are_not(tmp_path: Path) -> None:
    killed = Programs(tmp_path)
    killed.start("web", ["sleep", "600"], {})
    with subprocess.Popen(["sleep", "600"]) as other:
        (tmp_path / "beat.pid").write_text(f"{other.pid} 1.0")
        Programs(tmp_path).end_left_over()
        assert killed.running[0].process.wait(10) == -signal.SIGTERM
        assert other.poll() is None
        os.kill(other.pid, signal.SIGKILL)
