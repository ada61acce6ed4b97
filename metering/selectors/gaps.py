"""What estimates are made from: the gaps of a local day, what is known around them, similar days and groups."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from metering.domain.calendar import INTERVAL, day_bounds, interval_number
from metering.domain.estimation import LONGEST_LINE, SIMILAR_DAYS, DaySum, Energy, GroupSum, Size
from participants.models import Cluster

#: Most points have enough similar days among these nearest ones.
NEAREST = 8
_ASSIGNED = """
metering_pointassignment a WHERE a.cluster_id = %(cluster)s AND a.role = 'member' AND a.valid_from <= %(day)s
AND (a.valid_to IS NULL OR a.valid_to > %(day)s)
"""
_GAPS = f"""
SELECT a.metering_point_id, a.tariff_group, a.yearly_use_kwh, (a.generation_capacity_kw * 1000)::bigint,
       array_agg((extract(epoch FROM q.at) / 900)::bigint ORDER BY q.at)
FROM unnest(%(starts)s::timestamptz[]) q(at) CROSS JOIN {_ASSIGNED}
  AND NOT EXISTS (SELECT FROM metering_reading r WHERE r.cluster_id = %(cluster)s
                  AND r.metering_point_id = a.metering_point_id AND r.interval_start = q.at
                  AND r.interval_start >= %(first)s AND r.interval_start <= %(last)s)
GROUP BY 1, 2, 3, 4 ORDER BY 1
"""
_POINT = f"""
SELECT a.tariff_group, a.yearly_use_kwh, (a.generation_capacity_kw * 1000)::bigint
FROM {_ASSIGNED} AND a.metering_point_id = %(point)s
"""
_ANY_DELIVERED = f"""
SELECT EXISTS (SELECT FROM metering_reading r WHERE r.cluster_id = %(cluster)s AND r.quality <> 4
               AND r.interval_start >= %(start)s AND r.interval_start < %(end)s
               AND r.metering_point_id IN (SELECT a.metering_point_id FROM {_ASSIGNED}))
"""
#: The values in force. Those that were invented, by whomever, say nothing about others.
_HELD = """
SELECT DISTINCT ON (r.metering_point_id, r.interval_start) r.metering_point_id, r.interval_start, r.imported_wh,
       r.exported_wh, r.quality {more}
FROM metering_reading r {join}
WHERE r.cluster_id = %(cluster)s AND r.interval_start >= %(start)s AND r.interval_start < %(end)s {where}
ORDER BY r.metering_point_id, r.interval_start, r.version DESC
"""
_KNOWN = f"""
SELECT metering_point_id, (extract(epoch FROM interval_start) / 900)::bigint, imported_wh, exported_wh
FROM ({_HELD.format(more="", join="", where="AND r.metering_point_id = ANY(%(points)s)")}) held WHERE quality <> 4
"""
_SLOT = "(extract(hour FROM {at}) * 4 + extract(minute FROM {at})::int / 15)::int".format(
    at="interval_start AT TIME ZONE %(zone)s"
)
_NEAR = """
JOIN unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(lengths)s::int[]) WITH ORDINALITY
    n(start, stop, length, place) ON r.interval_start >= n.start AND r.interval_start < n.stop
"""
_SIMILAR = f"""
WITH held AS (
    {_HELD.format(more=", n.length, n.place", join=_NEAR, where="AND r.metering_point_id = ANY(%(points)s)")}
), complete AS (
    SELECT metering_point_id, place, count(*) OVER mine AS days, row_number() OVER (mine ORDER BY place) AS nearness
    FROM (SELECT metering_point_id, place FROM held WHERE quality <> 4
          GROUP BY metering_point_id, place, length HAVING count(*) = length) whole
    WINDOW mine AS (PARTITION BY metering_point_id)
)
SELECT metering_point_id, {_SLOT}, sum(imported_wh)::bigint, sum(exported_wh)::bigint, count(*), min(days)
FROM held JOIN complete USING (metering_point_id, place) WHERE nearness <= {SIMILAR_DAYS} GROUP BY 1, 2
"""
_GROUPS = f"""
WITH held AS ({_HELD.format(more="", join=_NEAR, where="")})
SELECT a.tariff_group, a.generation_capacity_kw > 0, {{place}}, sum(imported_wh)::bigint, sum(exported_wh)::bigint,
       sum(a.yearly_use_kwh)::bigint, sum(a.generation_capacity_kw * 1000)::bigint, count(*)
FROM held JOIN metering_pointassignment a ON a.cluster_id = %(cluster)s
    AND a.metering_point_id = held.metering_point_id AND a.role = 'member'
    AND daterange(a.valid_from, a.valid_to) @> (interval_start AT TIME ZONE %(zone)s)::date
WHERE quality <> 4 GROUP BY 1, 2, 3
"""
_GROUPS_THEN = _GROUPS.format(place="(extract(epoch FROM interval_start) / 900)::bigint")
_GROUPS_BY_SLOT = _GROUPS.format(place=_SLOT)

#: Tariff group, and whether it generates.
GroupKey = tuple[str, bool]
Groups = Mapping[GroupKey, Mapping[int, GroupSum]]


@dataclass(frozen=True, slots=True)
class PointGaps:
    """A metering point, its group and size, and the numbers of the quarter-hours that it lacks any reading for."""

    point: int
    group: GroupKey
    size: Size
    numbers: tuple[int, ...]


def gaps(cluster: Cluster, day: date, starts: Sequence[datetime]) -> list[PointGaps]:
    """Of the members' points on a local day, those without any reading for some of these quarter-hours of it."""
    asked = {"cluster": cluster.pk, "day": day, "starts": list(starts), "first": starts[0], "last": starts[-1]}
    return [
        PointGaps(point, (group, capacity > 0), Size(use, capacity), tuple(numbers))
        for point, group, use, capacity, numbers in _rows(_GAPS, asked)
    ]


def point_as_gap(cluster: Cluster, day: date, point: int, starts: Sequence[datetime]) -> list[PointGaps]:
    """One point as if it lacked these quarter-hours of a local day; nothing if it is no member's on that day."""
    asked = {"cluster": cluster.pk, "day": day, "point": point}
    numbers = tuple(interval_number(start) for start in starts)
    return [
        PointGaps(point, (group, capacity > 0), Size(use, capacity), numbers)
        for group, use, capacity in _rows(_POINT, asked)
    ]


def anything_delivered(cluster: Cluster, day: date, tz: ZoneInfo) -> bool:
    """Whether any member's point delivered anything for the local day."""
    start, end = day_bounds(day, tz)
    return bool(_rows(_ANY_DELIVERED, {"cluster": cluster.pk, "day": day, "start": start, "end": end})[0][0])


def known_around(
    cluster: Cluster, points: Sequence[int], start: datetime, end: datetime
) -> dict[int, dict[int, Energy]]:
    """What the points' meters counted in `[start, end)` and as far around as a line may reach."""
    reach = (LONGEST_LINE + 1) * INTERVAL
    asked = {"cluster": cluster.pk, "points": list(points), "start": start - reach, "end": end + reach}
    found: dict[int, dict[int, Energy]] = defaultdict(dict)
    for point, number, imported, exported in _rows(_KNOWN, asked):
        found[point][number] = Energy(imported, exported)
    return found


def similar_sums(
    cluster: Cluster, points: Sequence[int], days: Sequence[date], tz: ZoneInfo
) -> dict[int, dict[int, DaySum]]:
    """Per point and slot the sums over its nearest complete days; `days` stand in order of nearness."""
    found, enough = _similar(cluster, points, days[:NEAREST], tz)
    rest = [point for point in points if point not in enough]
    if rest and len(days) > NEAREST:
        found |= _similar(cluster, rest, days, tz)[0]
    return found


def _similar(
    cluster: Cluster, points: Sequence[int], days: Sequence[date], tz: ZoneInfo
) -> tuple[dict[int, dict[int, DaySum]], set[int]]:
    """The sums, and the points that have as many similar days as wanted."""
    found: dict[int, dict[int, DaySum]] = defaultdict(dict)
    enough = set()
    asked = _spans(cluster, days, tz) | {"points": list(points)}
    for point, slot, imported, exported, readings, complete in _rows(_SIMILAR, asked):
        found[point][slot] = DaySum(imported, exported, readings)
        if complete >= SIMILAR_DAYS:
            enough.add(point)
    return dict(found), enough


def groups_then(cluster: Cluster, day: date, tz: ZoneInfo) -> Groups:
    """What each group counted in the quarter-hours of a local day, by their number."""
    return _groups(_GROUPS_THEN, _spans(cluster, [day], tz))


def groups_by_slot(cluster: Cluster, days: Sequence[date], tz: ZoneInfo) -> Groups:
    """What each group counted on these days, by slot."""
    return _groups(_GROUPS_BY_SLOT, _spans(cluster, days, tz))


def _groups(statement: str, asked: dict[str, Any]) -> Groups:
    found: dict[GroupKey, dict[int, GroupSum]] = defaultdict(dict)
    for group, generates, place, *sums in _rows(statement, asked):
        found[group, generates][place] = GroupSum(*sums)
    return found


def _spans(cluster: Cluster, days: Sequence[date], tz: ZoneInfo) -> dict[str, Any]:
    bounds = [day_bounds(day, tz) for day in days]
    return {
        "cluster": cluster.pk,
        "zone": cluster.timezone,
        "starts": [start for start, _ in bounds],
        "ends": [end for _, end in bounds],
        "lengths": [interval_number(end) - interval_number(start) for start, end in bounds],
        "start": min(start for start, _ in bounds),
        "end": max(end for _, end in bounds),
    }


def _rows(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
