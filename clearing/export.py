"""Writes a settlement-package/1 from the database.

PostgreSQL formats and sorts the lines; they are copied a week at a time, so memory stays flat whatever the range.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Max, Min

from clearing.models import ClearingRun, Position, Trade
from clearing.package.lines import COLUMNS, INTERVALS, MANIFEST, POSITIONS, RUNS, TRADES
from clearing.package.manifest import Manifest
from contracts.dataset.output import complete_folder
from metering.domain.calendar import format_instant
from metering.models import MeteringPoint, ReadingAccess
from metering.services.access_log import OPERATOR, note_access
from participants.models import Cluster
from participants.tenancy.scope import scope

Progress = Callable[[list[datetime]], Iterable[datetime]]

# Positions of a month lie together by metering point: shorter pieces would read the month more often.
PIECE = timedelta(days=7)

# Runs are never changed, so "up to run number N" fixes what is in force for the whole export.
_IN_FORCE = f"""
    SELECT DISTINCT ON (interval_start) * FROM "{ClearingRun._meta.db_table}"
    WHERE cluster_id = %(cluster)s AND interval_start >= %(start)s AND interval_start < %(end)s
      AND number <= %(last)s
    ORDER BY interval_start, revision DESC
"""
_START = """to_char({}.interval_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""

_QUERIES = {
    INTERVALS: f"""
        SELECT {_START.format("r")}, r.state, r.surplus_wh, r.shortage_wh, r.matched_wh,
               r.external_import_wh, r.external_export_wh, r.local_price_pln_kwh, r.buy_pln_kwh, r.sell_pln_kwh,
               CASE WHEN r.inverted THEN 'yes' ELSE 'no' END, r.operating_cost_pln, r.status, r.revision,
               r.content_digest
        FROM ({_IN_FORCE}) r ORDER BY r.interval_start
    """,
    POSITIONS: f"""
        SELECT {_START.format("p")}, m.code, p.net_wh, p.local_bought_wh, p.local_sold_wh, p.external_bought_wh,
               p.external_sold_wh, p.external_grid_fee_pln_kwh, p.equalisation_pln
        FROM ({_IN_FORCE}) r
        JOIN "{Position._meta.db_table}" p ON p.run_id = r.id AND p.interval_start = r.interval_start
        JOIN "{MeteringPoint._meta.db_table}" m ON m.id = p.metering_point_id
        WHERE p.cluster_id = %(cluster)s AND p.interval_start >= %(start)s AND p.interval_start < %(end)s
        ORDER BY p.interval_start, m.code COLLATE "C"
    """,
    TRADES: f"""
        SELECT {_START.format("t")}, s.code, b.code, t.sharing_level, t.wh, t.energy_pln_kwh, t.grid_fee_pln_kwh,
               t.wh * t.energy_pln_kwh * 0.001, t.wh * t.grid_fee_pln_kwh * 0.001
        FROM ({_IN_FORCE}) r
        JOIN "{Trade._meta.db_table}" t ON t.run_id = r.id AND t.interval_start = r.interval_start
        JOIN "{MeteringPoint._meta.db_table}" s ON s.id = t.seller_id
        JOIN "{MeteringPoint._meta.db_table}" b ON b.id = t.buyer_id
        WHERE t.cluster_id = %(cluster)s AND t.interval_start >= %(start)s AND t.interval_start < %(end)s
        ORDER BY t.interval_start, s.code COLLATE "C", b.code COLLATE "C", t.sharing_level COLLATE "C"
    """,
}
_RUNS = f"""
    SELECT r.number, {_START.format("r")}, r.revision, r.content_digest, r.digest, r.previous_digest
    FROM "{ClearingRun._meta.db_table}" r
    WHERE r.cluster_id = %(cluster)s AND r.number BETWEEN %(first)s AND %(last)s ORDER BY r.number
"""


class ExportError(Exception):
    """The package can't be written; the text says why and what to do."""


class Exported(NamedTuple):
    """What was written: settled intervals in the package, and intervals that the range has."""

    settled: int
    intervals: int


def export_results(cluster: Cluster, start: datetime, end: datetime, out: Path, progress: Progress = iter) -> Exported:
    """Write the package of [start, end) (UTC quarter-hours) to the folder `out`, which must be absent or empty.

    The folder appears only when it is complete. Raises ExportError and FolderRefused.
    """
    with scope(cluster.pk), complete_folder(out) as folder:
        _plan_for_many_rows()
        runs = ClearingRun.objects.filter(cluster=cluster, interval_start__gte=start, interval_start__lt=end)
        numbers = runs.aggregate(first=Min("number"), last=Max("number"))
        runs = runs.filter(number__lte=numbers["last"] or 0)
        if numbers["first"] is None:
            raise ExportError(
                f"Nothing is settled in {cluster.slug} from {format_instant(start)} to {format_instant(end)}; "
                f"run: manage.py clear {cluster.slug} --from {format_instant(start)} --to {format_instant(end)}"
            )
        note_access(cluster.pk, OPERATOR, ReadingAccess.Purpose.PACKAGE, [None], start, end)
        with _Files(folder) as files:
            for piece in progress(list(_pieces(start, end))):
                span = {"cluster": cluster.pk, "start": piece, "end": min(piece + PIECE, end), **numbers}
                for name, query in _QUERIES.items():
                    files.copy(name, query, span)
            files.copy(RUNS, _RUNS, {"cluster": cluster.pk, **numbers})
        manifest = Manifest(
            cluster=cluster.slug,
            start=format_instant(start),
            end=format_instant(end),
            software=settings.VERSION,
            solvers=tuple(runs.order_by("solver").values_list("solver", flat=True).distinct()),
            files=files.digests(),
        )
        (folder / MANIFEST).write_text(manifest.text(), encoding="utf-8")
        settled = runs.values("interval_start").distinct().count()
    return Exported(settled, (end - start) // timedelta(minutes=cluster.interval_minutes))


def _plan_for_many_rows() -> None:
    """Until the end of the transaction. Just after clearing PostgreSQL still takes the tables for almost empty, and
    would look through a week's positions once for every run."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")


def _pieces(start: datetime, end: datetime) -> Iterator[datetime]:
    """Where the pieces of the range start that are copied at once."""
    while start < end:
        yield start
        start += PIECE


class _Files:
    """The package's files, open for writing, with their digests."""

    def __init__(self, folder: Path) -> None:
        self._streams: dict[str, BinaryIO] = {}
        self._digests = {name: hashlib.sha256() for name in COLUMNS}
        for name, columns in COLUMNS.items():
            self._streams[name] = (folder / name).open("wb")
            self._write(name, (",".join(columns) + "\n").encode())

    def __enter__(self) -> "_Files":
        return self

    def __exit__(self, *error: object) -> None:
        for stream in self._streams.values():
            stream.close()

    def copy(self, name: str, query: str, parameters: dict[str, object]) -> None:
        """Append what a query gives."""
        with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)", parameters) as rows:
            for block in rows:
                self._write(name, block)

    def digests(self) -> dict[str, str]:
        """SHA-256 (hex) by file name."""
        return {name: digest.hexdigest() for name, digest in self._digests.items()}

    def _write(self, name: str, block: bytes | memoryview) -> None:
        self._streams[name].write(block)
        self._digests[name].update(block)
