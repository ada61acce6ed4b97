"""manage.py demo: the example cluster loaded, cleared and billed, then served and cleared live."""

import fcntl
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone

from billing.models import Statement
from cluster_platform import embedded
from cluster_platform.demo.closing import close_in_background
from cluster_platform.demo.example import PERIOD, SLUG, ZONE, write_dataset
from cluster_platform.demo.feeder import Feeder
from cluster_platform.demo.logins import COORDINATOR, DSO, Login, ensure_logins, ensure_second_factor
from cluster_platform.demo.prices import carry_on_prices
from cluster_platform.demo.processes import ProgramEnded, Programs, web_server, workers
from metering.domain.calendar import month_days
from participants.models import Cluster
from participants.tenancy.scope import scope

EXAMPLE = settings.BASE_DIR / "demo" / SLUG
#: Seconds between two looks for intervals to settle, so that one need not wait for the quarter-hour.
LIVE = {"CLEARING_EVERY_SECONDS": "10"}
WEB_STARTS_IN_SECONDS = 60
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    help = "Loads, clears and bills the example cluster, then serves it and clears it live until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--open-june", action="store_true", help="leave June to be closed by whoever looks around")

    def handle(self, *args: Any, **options: Any) -> None:
        # Into a pipe or a file, too, each line goes when it is said.
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        for name in ENDING:
            signal.signal(name, _end)
        folder = settings.VAR / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        programs = Programs(folder)
        with open(folder / "lock", "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CommandError("The demo is running already; stop that one first.") from None
            try:
                programs.end_left_over()
                _refuse_busy(options["port"])
                self._prepare(folder)
                self._serve(folder, programs, options["port"], options["open_june"])
            except ProgramEnded as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt:
                self.stdout.write("\nStopping …")
            finally:
                _ignore_signals()
                programs.stop()
                connections.close_all()
                embedded.release(settings.VAR)
        self.stdout.write("Stopped. `make demo` continues where it was.")

    def _prepare(self, folder: Path) -> None:
        """Everything up to the settled month; what is there already is not done again."""
        self.stdout.write("Preparing the database …")
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        is_billed = _is_billed()
        write_dataset(EXAMPLE, folder / "dataset", timezone.now(), with_readings=not is_billed)
        if is_billed:
            carry_on_prices(SLUG, folder / "dataset", timezone.now())
        else:
            call_command("load_cluster", str(folder / "dataset"))
            first, end = month_days(PERIOD)
            call_command("clear", SLUG, "--from", str(first), "--to", str(end))
            call_command("bill", SLUG, PERIOD)

    def _serve(self, folder: Path, programs: Programs, port: int, open_june: bool) -> None:
        cluster = Cluster.objects.get(slug=SLUG)
        logins, key = ensure_logins(cluster, folder / "logins.json")
        address = f"http://localhost:{port}"
        python = [sys.executable, "-m"]
        celery = [*python, "celery", "--app", "cluster_platform"]
        web = [*python, *web_server("cluster_platform.wsgi", port)]
        self.stdout.write("Starting web server, worker and schedule …")
        here = {"PUBLIC_URL": address}
        programs.start("web", web, here)
        for name, arguments in workers().items():
            programs.start(name, [*celery, *arguments], here | LIVE)
        programs.start("beat", [*celery, "beat", "--schedule", str(folder / "beat-schedule")], here | LIVE)
        _wait_for_web(address, programs)
        self._announce(address, logins)
        if not open_june and close_in_background(cluster, month_days(PERIOD)[0], timezone.now()):
            self.stdout.write("June is being closed: bills, PDFs and ledger are there in a minute or two.")
        feeder = Feeder(cluster, address, key, timezone.now)
        while True:
            programs.check()
            try:
                delivered = feeder.step()
            except urllib.error.HTTPError as error:
                raise CommandError(f"The web server refused the readings: {error} {error.read().decode()}") from error
            except OSError as error:
                self.stderr.write(f"Readings could not be delivered ({error}); they will be tried again.")
                delivered = []
            if len(delivered) == 1:
                local = delivered[0].astimezone(ZONE)
                self.stdout.write(f"The meters delivered the quarter-hour from {local:%H:%M} of {local:%Y-%m-%d}.")
            time.sleep(0.2 if delivered else 2)

    def _announce(self, address: str, logins: list[Login]) -> None:
        lines = ["", f"The cluster is open at {address}", ""]
        lines += [f"  {login.role:12} {login.email:26} {login.password}" for login in logins]
        lines += ["", "The last two need a second factor. `make codes` shows new codes at any time."]
        lines += [line for email in (COORDINATOR, DSO) for line in ensure_second_factor(email).in_words()]
        lines += [
            "",
            "Where to look: sign in as the member. The newest trades show within a minute; June has its statement and",
            f"savings. The coordinator's desk is at {address}/admin/; the distributor lands on the page of its grid.",
            "Today's readings, prices and tariffs are June 2026 over again: a demo, no real offer.",
            f"E-mails of new accounts are in {settings.VAR / 'demo' / 'web.log'}",
            "Ctrl-C stops all of it.",
            "",
        ]
        self.stdout.write("\n".join(lines))


def _end(signal_number: int, frame: object) -> None:
    """The first signal ends the demo; others, such as the one that make passes on, must not disturb the stopping."""
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for name in ENDING:
        signal.signal(name, signal.SIG_IGN)


def _is_billed() -> bool:
    cluster = Cluster.objects.filter(slug=SLUG).first()
    if cluster is None:
        return False
    with scope(cluster.pk):
        return Statement.objects.filter(cluster=cluster, period=month_days(PERIOD)[0]).exists()


def _refuse_busy(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"Port {port} can't be used ({error.strerror}); take another: make demo PORT=8001"
            ) from error


def _wait_for_web(address: str, programs: Programs) -> None:
    deadline = time.monotonic() + WEB_STARTS_IN_SECONDS
    while True:
        programs.check()
        try:
            urllib.request.urlopen(f"{address}/accounts/login/", timeout=WEB_STARTS_IN_SECONDS).close()
        except (urllib.error.URLError, ConnectionError) as error:
            if isinstance(error, urllib.error.HTTPError) or time.monotonic() > deadline:
                raise CommandError(
                    f"The web server does not answer ({error}); see {settings.VAR / 'demo' / 'web.log'}"
                ) from error
            time.sleep(0.2)
        else:
            return
