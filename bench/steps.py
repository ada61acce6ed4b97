"""One measured step, in a process of its own: `python -m bench.steps load|clear|…`."""

import io
import json
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

import django
import mip
from django.conf import settings
from django.core.management import call_command, get_commands, load_command_class
from django.db import connections

from bench.database import Measured, copy_again, read_all, timed, vacuum
from cluster_platform import embedded

SLUG = "three-stations"
EXAMPLE = settings.BASE_DIR / "demo" / SLUG
JUNE = ("--from", "2026-06-01", "--to", "2026-07-01")
SETTLED = ("clearing_clearingrun", "clearing_position", "clearing_trade")


def load() -> Measured:
    call_command("migrate", verbosity=0)
    seconds = timed(lambda: call_command("load_cluster", str(EXAMPLE), verbosity=0))
    return seconds, copy_again("SELECT * FROM metering_reading")


def clear() -> Measured:
    floor = 0.0
    optimize = mip.Model.optimize

    def measured(model: mip.Model, *args: object, **options: object) -> object:
        nonlocal floor
        start = time.perf_counter()
        status = optimize(model, *args, **options)
        floor += time.perf_counter() - start
        return status

    with mock.patch.object(mip.Model, "optimize", measured):
        return timed(lambda: call_command("clear", SLUG, *JUNE)), floor


def bill() -> Measured:
    seconds = timed(lambda: call_command("bill", SLUG, "2026-06"))
    return seconds, timed(lambda: read_all(("metering_reading", *SETTLED)))


def bill_villages(villages: int) -> Measured:
    """A month of 251 metering points under contract a village; loading and clearing it is not measured."""
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        make_villages(EXAMPLE, Path(folder), villages)
        call_command("load_cluster", folder, verbosity=0)
    call_command("clear", VILLAGES, *JUNE)
    vacuum(("metering_reading", *SETTLED))
    cluster = Cluster.objects.get(slug=VILLAGES)
    seconds = timed(lambda: call_command("bill", VILLAGES, "2026-06"))
    return seconds, timed(lambda: read_all(SETTLED, f"cluster_id = {cluster.pk}"))


def export() -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        seconds = timed(lambda: call_command("export_results", SLUG, *JUNE, "--out", f"{folder}/june"))
    return seconds, timed(lambda: read_all(SETTLED))


if __name__ == "__main__":
    embedded.ensure_running(settings.VAR)
    django.setup()
    # Models can be imported from here on.
    from bench.http import deliver_csv, deliver_json
    from bench.ingest import deliver_again, deliver_day
    from bench.papers import make_bills
    from bench.villages import SLUG as VILLAGES
    from bench.villages import make_villages
    from participants.models import Cluster

    steps = {
        "load": load,
        "clear": clear,
        "bill": bill,
        "export": export,
        "ingest": deliver_day,
        "resend": deliver_again,
        "http csv": deliver_csv,
        "http json": deliver_json,
        "papers": make_bills,
        "bill 1k": lambda: bill_villages(4),
        "bill 10k": lambda: bill_villages(40),
    }
    step = steps[sys.argv[1]]
    for command in ("load_cluster", "clear", "bill", "export_results"):
        load_command_class(get_commands()[command], command)  # the start of the program is not measured
    with redirect_stdout(io.StringIO()):
        seconds, floor = step()
    connections.close_all()
    print(json.dumps({"seconds": seconds, "floor": floor}))
