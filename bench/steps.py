"""One measured step, in a process of its own: `python -m bench.steps load|clear|bill|export`."""

import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from unittest import mock

import django
import mip
import psycopg
from django.conf import settings
from django.core.management import call_command, get_commands, load_command_class
from django.db import connections

from cluster_platform import embedded

SLUG = "three-stations"
EXAMPLE = settings.BASE_DIR / "demo" / SLUG
JUNE = ("--from", "2026-06-01", "--to", "2026-07-01")
SETTLED = ("clearing_clearingrun", "clearing_position", "clearing_trade")

Measured = tuple[float, float]


def load() -> Measured:
    call_command("migrate", verbosity=0)
    seconds = timed(lambda: call_command("load_cluster", str(EXAMPLE), verbosity=0))
    with owner() as connection:
        rows = "".join(copied_out(connection, "SELECT * FROM metering_reading"))
        # The same columns, checks and key, without protection and partitions.
        connection.execute("CREATE TABLE bench_reading (LIKE metering_reading INCLUDING ALL)")
        connection.commit()

        def copy() -> None:
            with connection.cursor().copy("COPY bench_reading FROM STDIN") as stream:
                stream.write(rows)
            connection.commit()

        floor = timed(copy)
        connection.execute("DROP TABLE bench_reading")
    return seconds, floor


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


def export() -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        seconds = timed(lambda: call_command("export_results", SLUG, *JUNE, "--out", f"{folder}/june"))
    return seconds, timed(lambda: read_all(SETTLED))


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def owner() -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(embedded.database_urls(settings.VAR)[1])


def copied_out(connection: "psycopg.Connection[tuple[object, ...]]", query: str) -> Iterable[str]:
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT") as stream:
        for block in stream:
            yield bytes(block).decode()


def read_all(tables: Iterable[str]) -> None:
    with owner() as connection:
        for table in tables:
            for _ in copied_out(connection, f"SELECT * FROM {table}"):
                pass


if __name__ == "__main__":
    embedded.ensure_running(settings.VAR)
    django.setup()
    step = {"load": load, "clear": clear, "bill": bill, "export": export}[sys.argv[1]]
    for command in ("load_cluster", "clear", "bill", "export_results"):
        load_command_class(get_commands()[command], command)  # the start of the program is not measured
    with redirect_stdout(io.StringIO()):
        seconds, floor = step()
    connections.close_all()
    print(json.dumps({"seconds": seconds, "floor": floor}))
