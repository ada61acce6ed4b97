"""Tells clearing which quarter-hours have changed: adds one to `IntervalInput.changes`.

Rows are always locked in the order of time, so that two writers never wait for each other in a circle.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

_TOUCH = """
INSERT INTO metering_intervalinput (cluster_id, interval_start, changes)
SELECT %s, at, 1 FROM (SELECT DISTINCT at FROM unnest(%s::timestamptz[]) AS u(at)) touched ORDER BY at
ON CONFLICT (cluster_id, interval_start) DO UPDATE SET changes = metering_intervalinput.changes + 1
"""
_KNOWN = """
SELECT interval_start FROM metering_intervalinput
WHERE cluster_id = %s AND interval_start >= %s AND interval_start < coalesce(%s, 'infinity'::timestamptz)
"""


def touch_intervals(cluster_id: int, starts: Iterable[datetime]) -> int:
    """Note a change of each of these quarter-hours, once each; returns how many there were. Needs the scope."""
    distinct = sorted(set(starts))
    if distinct:
        with connection.cursor() as cursor:
            cursor.execute(_TOUCH, [cluster_id, distinct])
    return len(distinct)


def known_intervals(cluster_id: int, start: datetime, end: datetime | None) -> list[datetime]:
    """The quarter-hours of `[start, end)` (None: without end) for which anything was delivered so far."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [cluster_id, start, end])
        return [at for (at,) in cursor.fetchall()]


def touch_span(cluster_id: int, start: datetime, end: datetime | None) -> int:
    """Note a change of everything that was delivered in `[start, end)`: a contract, tariff or setting changed."""
    return touch_intervals(cluster_id, known_intervals(cluster_id, start, end))
