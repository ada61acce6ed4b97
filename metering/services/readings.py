"""Stores deliveries of readings. A changed value is a new version; a repeated one stores nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from metering.domain.calendar import is_aligned
from metering.domain.readings import MAX_WH, QUALITY_CODE, ReadingFault, ReadingRow, ReadingsRefused, Stored
from metering.selectors.points import PointSpans, point_spans
from metering.services.inputs import touch_intervals
from participants.models import Cluster
from participants.tenancy.scope import scope

#: Readings of these columns go in as version 1, without a look at what is stored.
INSERT = """
INSERT INTO metering_reading
    (cluster_id, metering_point_id, interval_start, version, imported_wh, exported_wh, quality)
"""
#: `incoming` gives metering_point_id, interval_start, imported_wh, exported_wh and quality (code), each reading once.
STORE_CHANGED = (
    "WITH incoming AS ({incoming}), latest AS ("
    "  SELECT DISTINCT ON (metering_point_id, interval_start) * FROM metering_reading"
    "  WHERE cluster_id = %(cluster)s AND interval_start >= %(first)s AND interval_start <= %(last)s"
    "    AND metering_point_id = ANY(%(points)s)"
    "  ORDER BY metering_point_id, interval_start, version DESC"
    "), stored AS ("
    + INSERT
    + """
    SELECT %(cluster)s, i.metering_point_id, i.interval_start, coalesce(l.version, 0) + 1,
           i.imported_wh, i.exported_wh, i.quality
    FROM incoming i LEFT JOIN latest l USING (metering_point_id, interval_start)
    WHERE l.version IS NULL
       OR (l.imported_wh, l.exported_wh, l.quality) <> (i.imported_wh, i.exported_wh, i.quality)
    RETURNING interval_start, version)
SELECT interval_start, count(*) FILTER (WHERE version = 1), count(*) FILTER (WHERE version > 1)
FROM stored GROUP BY interval_start
"""
)
_DELIVERED = """
SELECT * FROM unnest(%(point)s::bigint[], %(start)s::timestamptz[], %(imported)s::int[], %(exported)s::int[],
                     %(quality)s::smallint[])
    AS u(metering_point_id, interval_start, imported_wh, exported_wh, quality)
"""


def store_readings(cluster: Cluster, rows: Sequence[ReadingRow]) -> Stored:
    """Store a delivery, all of it or nothing; opens its own scope.

    The months' partitions must exist (`ensure_month_partitions`). Raises ReadingsRefused naming each bad row by its
    place: unknown metering point, outside its dates, not on a quarter-hour, negative, unknown quality, or twice.
    """
    if not rows:
        return Stored(0, 0, 0)
    with scope(cluster.pk):
        lock_readings(cluster)
        spans = point_spans(cluster)
        faults = check_rows(rows, spans)
        if faults:
            raise ReadingsRefused(faults)
        points = [spans[row.code].id for row in rows]
        starts = [row.interval_start for row in rows]
        delivered: dict[str, Any] = {
            "point": points,
            "start": starts,
            "imported": [row.imported_wh for row in rows],
            "exported": [row.exported_wh for row in rows],
            "quality": [QUALITY_CODE[row.quality] for row in rows],
        }
        return store_changed(cluster, _DELIVERED, delivered, points, starts, len(rows))


def store_changed(
    cluster: Cluster,
    incoming: str,
    parameters: dict[str, Any],
    points: Sequence[int],
    starts: Sequence[datetime],
    count: int,
) -> Stored:
    """Insert what is new or differs from the latest version, and note the changed quarter-hours."""
    known = {"cluster": cluster.pk, "first": min(starts), "last": max(starts), "points": sorted(set(points))}
    with connection.cursor() as cursor:
        cursor.execute(STORE_CHANGED.format(incoming=incoming), parameters | known)
        changed = cursor.fetchall()
    touch_intervals(cluster.pk, [at for at, _, _ in changed])
    new, replaced = sum(row[1] for row in changed), sum(row[2] for row in changed)
    return Stored(new, replaced, count - new - replaced)


def lock_readings(cluster: Cluster) -> None:
    """One delivery at a time and cluster: two at once would give the same version number to different values."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('metering_reading'), %s)", [cluster.pk])


def check_rows(rows: Sequence[ReadingRow], spans: PointSpans) -> tuple[ReadingFault, ...]:
    """Every reason why rows of a delivery can't be stored."""
    faults = []
    seen: set[tuple[str, datetime]] = set()
    for place, row in enumerate(rows):
        fault = _row_fault(row, spans)
        if fault is None and (row.code, row.interval_start.astimezone(UTC)) in seen:
            fault = ("interval_start", f"a second reading of {row.code} at this time; send one")
        if fault is not None:
            faults.append(ReadingFault("", place, *fault))
        else:
            seen.add((row.code, row.interval_start.astimezone(UTC)))
    return tuple(faults)


def _row_fault(row: ReadingRow, spans: PointSpans) -> tuple[str, str] | None:
    if row.code not in spans:
        return "metering_point", f"the metering point '{row.code}' is unknown in this cluster"
    if row.interval_start.tzinfo is None or not is_aligned(row.interval_start.astimezone(UTC)):
        return "interval_start", f"{row.interval_start.isoformat()} does not start a quarter-hour in UTC"
    if not spans[row.code].covers(row.interval_start):
        return "interval_start", f"the metering point {row.code} was not in the cluster at this time"
    for column, value in (("imported_wh", row.imported_wh), ("exported_wh", row.exported_wh)):
        if not 0 <= value <= MAX_WH:
            return column, f"{value} is not a whole number of watt-hours from 0 to {MAX_WH}"
    if row.quality not in QUALITY_CODE:
        return "quality", f"'{row.quality}' is not one of {', '.join(QUALITY_CODE)}"
    return None
