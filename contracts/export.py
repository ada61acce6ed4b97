"""Writes a stored cluster as a cluster-dataset/1 folder."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from django.db import connection, transaction

from contracts.dataset.output import complete_folder
from contracts.dataset.records import Dataset
from contracts.dataset.write import write_dataset
from contracts.selectors import stored
from contracts.selectors.book import tariff
from metering.domain.calendar import format_period, local_midnight, next_month, time_zone
from metering.domain.readings import COLUMNS, QUALITIES
from metering.models import ReadingAccess
from metering.services.access_log import OPERATOR, note_access
from metering.services.progress import Progress, silent
from participants.models import Cluster
from participants.tenancy.scope import scope

# Only points with an assignment are in metering_points.csv; no other may have readings in the folder.
_READINGS = """
SELECT m.code, to_char(r.interval_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), r.imported_wh,
       r.exported_wh, (%(qualities)s::text[])[r.quality]
FROM (
    SELECT id, code COLLATE "C" AS code FROM metering_meteringpoint m
    WHERE cluster_id = %(cluster)s
      AND EXISTS (SELECT FROM metering_pointassignment a
                  WHERE a.cluster_id = %(cluster)s AND a.metering_point_id = m.id)
    ORDER BY 2
) m CROSS JOIN LATERAL (
    SELECT DISTINCT ON (interval_start) interval_start, imported_wh, exported_wh, quality FROM metering_reading
    WHERE cluster_id = %(cluster)s AND metering_point_id = m.id
      AND interval_start >= %(start)s AND interval_start < %(end)s
    ORDER BY interval_start, version DESC
) r
ORDER BY m.code, r.interval_start
"""
_MONTHS = """
SELECT DISTINCT date_trunc('month', interval_start AT TIME ZONE %s)::date FROM metering_intervalinput
WHERE cluster_id = %s ORDER BY 1
"""


def dump_dataset(cluster: Cluster, out: Path, progress: Progress = silent) -> int:
    """Write the folder `out`, which must be empty or new; the number of readings. The latest versions only.

    The same content gives the same bytes; readings are in one file per local month, by metering point and time.
    Raises FolderRefused.
    """
    with _one_moment(), scope(cluster.pk), complete_folder(out) as folder:
        write_dataset(stored_dataset(cluster, folder), folder)
        with connection.cursor() as cursor:
            cursor.execute(_MONTHS, [cluster.timezone, cluster.pk])
            months = [month for (month,) in cursor.fetchall()]
        if months:
            tz = time_zone(cluster.timezone)
            span = local_midnight(months[0], tz), local_midnight(next_month(months[-1]), tz)
            note_access(cluster.pk, OPERATOR, ReadingAccess.Purpose.DATASET, [None], *span)
        with progress("Writing readings", len(months)) as advance:
            count = 0
            for month in months:
                count += _write_month(cluster, folder, month)
                advance(1)
    return count


@contextmanager
def _one_moment() -> Iterator[None]:
    """A transaction that sees everything as it was at its start, whatever is delivered meanwhile."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def stored_dataset(cluster: Cluster, folder: Path) -> Dataset:
    """Everything but the readings, as `folder` would hold it. Needs the scope."""
    whole = tariff(cluster.dso)
    return Dataset(
        folder=folder,
        cluster=stored.cluster_record(cluster),
        coordinator=stored.coordinators(cluster)[0][1],
        dso=stored.dso_record(cluster.dso),
        terms=stored.terms(cluster)[0][1],
        settings=tuple(record for _, record in stored.settings(cluster)),
        books=stored.book_records(whole),
        grid_nodes=stored.table("grid_nodes.csv", stored.grid_nodes(cluster)),
        participants=stored.table("participants.csv", stored.participants(cluster)),
        metering_points=stored.table("metering_points.csv", stored.metering_points(cluster)),
        contracts=stored.table("contracts.csv", stored.contracts(cluster)),
        rates=stored.rates(whole),
        zones=stored.zones(whole),
        retail=stored.table("retail.csv", stored.retail(cluster)),
        standard_sale=stored.table("standard_sale.csv", stored.standard_sale(cluster)),
        external_prices=stored.table("external_prices.csv", stored.external_prices(cluster)),
        static_keys=stored.table("static_keys.csv", stored.static_keys(cluster)),
        reading_files=(),
    )


def _write_month(cluster: Cluster, folder: Path, month: date) -> int:
    tz = time_zone(cluster.timezone)
    parameters = {
        "cluster": cluster.pk,
        "start": local_midnight(month, tz),
        "end": local_midnight(next_month(month), tz),
        "qualities": list(QUALITIES),
    }
    path = folder / f"readings-{format_period(month)}.csv.gz"
    lines = 0
    # No name and no time in the header: the same readings are the same bytes.
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0, compresslevel=6) as stream,
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({_READINGS}) TO STDOUT (FORMAT csv)", parameters) as rows,
    ):
        stream.write((",".join(COLUMNS) + "\n").encode())
        for block in rows:
            stream.write(block)
            lines += bytes(block).count(b"\n")
    if not lines:
        path.unlink()
    return lines
