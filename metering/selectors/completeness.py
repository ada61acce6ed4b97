"""Which readings are still to come."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from metering.domain.calendar import INTERVAL, interval_number
from metering.selectors.points import PointSpan, point_spans
from participants.models import Cluster

_COUNTS = """
SELECT to_char(interval_start AT TIME ZONE %s, 'YYYY-MM'), metering_point_id, count(*), min(interval_start),
       max(interval_start)
FROM metering_reading
WHERE cluster_id = %s AND interval_start >= %s AND interval_start < %s AND version = 1
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class MonthGaps:
    """A local month, and how many readings each metering point (by code) lacks between its first and last one."""

    month: str
    missing: dict[str, int]


def missing_readings(cluster: Cluster, start: datetime, end: datetime) -> Iterator[MonthGaps]:
    """Local months of `[start, end)` with readings, from the earliest to the latest of any point. Needs the scope."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [cluster.timezone, cluster.pk, start, end])
        rows = cursor.fetchall()
    points = point_spans(cluster)
    for month in sorted({row[0] for row in rows}):
        of_month = [row for row in rows if row[0] == month]
        first, last = min(row[3] for row in of_month), max(row[4] for row in of_month) + INTERVAL
        counts = {row[1]: row[2] for row in of_month}
        lacking = {code: _expected(point, first, last) - counts.get(point.id, 0) for code, point in points.items()}
        yield MonthGaps(month, {code: count for code, count in sorted(lacking.items()) if count > 0})


def _expected(point: PointSpan, first: datetime, end: datetime) -> int:
    """Quarter-hours of `[first, end)` for which the point belongs to the cluster."""
    parts = ((max(first, start), min(end, stop)) for start, stop in point.spans)
    return sum(interval_number(stop) - interval_number(start) for start, stop in parts if start < stop)
