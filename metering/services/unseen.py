"""The short way for what nobody has delivered before: from the staged lines straight into the readings."""

from itertools import pairwise
from typing import Any

from django.db import IntegrityError, transaction

from metering.services.inputs import touch_intervals
from metering.services.progress import Progress
from metering.services.resolving import Resolved

INSERT = """
INSERT INTO metering_reading
    (cluster_id, metering_point_id, interval_start, version, imported_wh, exported_wh, quality)
"""
_ROWS_A_STEP = 50_000
# What was stored has touched its quarter-hour, so most often the first question answers the second.
_ANY_STORED = """
SELECT EXISTS (
    SELECT FROM metering_intervalinput
    WHERE cluster_id = %(cluster)s AND interval_start >= %(first)s AND interval_start <= %(last)s
) AND EXISTS (
    SELECT FROM metering_reading
    WHERE cluster_id = %(cluster)s AND interval_start >= %(first)s AND interval_start <= %(last)s
      AND metering_point_id = ANY(ARRAY(
          SELECT id FROM known_point WHERE code IN (SELECT metering_point FROM staged GROUP BY 1))))
"""
_STORE = """
SELECT %(cluster)s, metering_point_id, interval_start,
       CASE WHEN quality = %(estimated)s THEN 1 ELSE stamp END, imported_wh, exported_wh, quality
FROM ({resolved}) i WHERE place >= %(from)s::tid AND place < %(to)s::tid
"""


def store_unseen(cursor: Any, cluster_id: int, resolved: Resolved, count: int, progress: Progress) -> int | None:
    """Store what is right of the `count` staged lines, in steps in their order; returns how many that were.

    None, and nothing is stored, if readings have stamps of their own, break a rule of the table or are there twice, or
    if anything is stored of these points between the first and the last of the quarter-hours. Needs the scope and the
    cluster's lock.
    """
    if not resolved.starts:
        return 0
    if resolved.own_stamps:
        return None
    span = {"cluster": cluster_id, "first": min(resolved.starts), "last": max(resolved.starts)}
    cursor.execute(_ANY_STORED, span)
    if cursor.fetchone()[0]:
        return None
    cursor.execute("SELECT pg_relation_size('staged') / current_setting('block_size')::int")
    pages, steps = cursor.fetchone()[0], 1 + count // _ROWS_A_STEP
    edges = sorted({pages * step // steps for step in range(steps + 1)})
    statement = INSERT + _STORE.format(resolved=resolved.sql)
    known = resolved.parameters | {"cluster": cluster_id}
    stored = 0
    try:
        with transaction.atomic(), progress("Storing readings", count) as advance:
            for first, end in pairwise(edges):
                cursor.execute(statement, known | {"from": f"({first},0)", "to": f"({end},0)"})
                stored += cursor.rowcount
                advance(cursor.rowcount)
    except IntegrityError:
        return None
    touch_intervals(cluster_id, resolved.starts if stored == count else resolved.times(cursor))
    return stored
