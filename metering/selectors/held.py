"""The readings in force: of each metering point and quarter-hour the highest version.

Two ways to the same rows, measured (docs/storage.md): a scan of the span passes over every version in it and is the
faster one while there are few; a look at each quarter-hour touches one row each, whatever its history. Which one
suits is seen on a few of the points.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

#: A look costs as much as scanning past so many rows.
LOOK = 4
SAMPLE = 20

_IN_SAMPLE = """
SELECT count(*) FROM metering_reading
WHERE cluster_id = %(cluster)s AND metering_point_id = ANY(%(points)s) AND interval_start BETWEEN %(first)s AND %(last)s
"""
SCAN = """
SELECT DISTINCT ON (metering_point_id, interval_start)
       metering_point_id, extract(epoch FROM interval_start)::bigint, exported_wh - imported_wh, quality
FROM metering_reading
WHERE cluster_id = %(cluster)s AND metering_point_id = ANY(%(points)s) AND interval_start BETWEEN %(first)s AND %(last)s
ORDER BY metering_point_id, interval_start, version DESC
"""
LOOKS = """
SELECT point, extract(epoch FROM start)::bigint, held.net_wh, held.quality
FROM unnest(%(points)s::bigint[]) point CROSS JOIN unnest(%(starts)s::timestamptz[]) start
CROSS JOIN LATERAL (
    SELECT exported_wh - imported_wh AS net_wh, quality FROM metering_reading
    WHERE cluster_id = %(cluster)s AND metering_point_id = point AND interval_start = start
    ORDER BY version DESC LIMIT 1
) held
"""


def held_readings(
    cluster_id: int, points: Sequence[int], starts: Sequence[datetime]
) -> list[tuple[int, int, int, int]]:
    """Point, start (seconds since 1970), exported − imported (Wh) and quality of these quarter-hours, which ascend.

    Where most of a span is asked for, some between may come along. Needs the scope.
    """
    if not points or not starts:
        return []
    asked: dict[str, Any] = {
        "cluster": cluster_id,
        "points": list(points),
        "starts": list(starts),
        "first": starts[0],
        "last": starts[-1],
    }
    with connection.cursor() as cursor:
        cursor.execute(way(cursor, asked), asked)
        return cursor.fetchall()


def way(cursor: Any, asked: dict[str, Any]) -> str:
    """The statement that touches less, judged by some of the points."""
    sample = asked["points"][:: max(1, len(asked["points"]) // SAMPLE)]
    cursor.execute(_IN_SAMPLE, asked | {"points": sample})
    return LOOKS if cursor.fetchone()[0] > LOOK * len(sample) * len(asked["starts"]) else SCAN
