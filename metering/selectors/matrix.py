"""Metering points by local day: what is there of each, and what is missing.

A page of points is read by the key (cluster, point, start), however many there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from metering.domain.calendar import INTERVAL_SECONDS, day_bounds, each_day, interval_of, next_month

POINTS_A_PAGE = 100
#: Ids of the grid nodes to look at; None: all.
Nodes = frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Cell:
    """Quarter-hours of a point's local day by quality, and how many were due; None due: not in the cluster then."""

    day: date
    due: int | None
    measured: int = 0
    split: int = 0
    substituted: int = 0
    estimated: int = 0

    @property
    def missing(self) -> int:
        there = self.measured + self.split + self.substituted + self.estimated
        return max(0, (self.due or 0) - there)

    @property
    def state(self) -> str:
        """In one word: the worst that is true of any quarter-hour."""
        if self.due is None:
            return "outside"
        if not self.due:
            return "ahead"
        if self.missing:
            return "missing" if self.missing == self.due else "partly"
        return next(name for name in ("estimated", "substituted", "split", "measured") if getattr(self, name))


@dataclass(frozen=True, slots=True)
class Row:
    """A metering point in a month: whose it is, who owes its readings and since when."""

    point: int
    code: str
    participant: str
    node: str
    owner: str
    since: datetime | None
    cells: list[Cell]


@dataclass(frozen=True)
class Wanted:
    """Which points are asked for."""

    search: str = ""
    only_gaps: bool = False
    owner: str = ""
    nodes: Nodes = None


@dataclass(frozen=True)
class Matrix:
    """A page of a month."""

    days: list[date]
    rows: list[Row]
    points: int


# Of several assignments in the month the last one names the participant and the node.
_POINTS = """
WITH gappy AS MATERIALIZED (
    SELECT DISTINCT metering_point_id FROM metering_readinggap
    WHERE %(only_gaps)s AND cluster_id = %(cluster)s AND day >= %(first)s AND day < %(last)s
), here AS (
    SELECT DISTINCT ON (m.code) m.id, m.code, m.readings_from, coalesce(p.code || ' ' || p.name, '') AS participant,
           n.code AS node
    FROM metering_pointassignment a
    JOIN metering_meteringpoint m ON m.cluster_id = a.cluster_id AND m.id = a.metering_point_id
    JOIN metering_gridnode n ON n.cluster_id = a.cluster_id AND n.id = a.grid_node_id
    LEFT JOIN participants_participant p ON p.cluster_id = a.cluster_id AND p.id = a.participant_id
    WHERE a.cluster_id = %(cluster)s AND a.valid_from < %(last)s AND (a.valid_to IS NULL OR a.valid_to > %(first)s)
      AND (%(nodes)s::bigint[] IS NULL OR a.grid_node_id = ANY(%(nodes)s::bigint[]))
      AND (%(owner)s = '' OR m.readings_from = %(owner)s)
      AND (%(search)s = '' OR m.code LIKE %(like)s OR p.code ILIKE %(like)s OR p.name ILIKE %(like)s)
      AND (NOT %(only_gaps)s OR m.id IN (SELECT metering_point_id FROM gappy))
    ORDER BY m.code, a.valid_from DESC
)
SELECT h.*, gap.since, (SELECT count(*) FROM here)
FROM (SELECT * FROM here ORDER BY code LIMIT %(limit)s OFFSET %(offset)s) h
LEFT JOIN LATERAL (
    SELECT min(g.first_at) AS since FROM metering_readinggap g
    WHERE g.cluster_id = %(cluster)s AND g.metering_point_id = h.id
) gap ON true
ORDER BY h.code
"""
_CELLS = """
WITH counted AS (
    SELECT metering_point_id, width_bucket(interval_start, %(starts)s::timestamptz[]) AS place,
           count(*) FILTER (WHERE quality = 1) AS measured, count(*) FILTER (WHERE quality = 2) AS split,
           count(*) FILTER (WHERE quality = 3) AS substituted, count(*) FILTER (WHERE quality = 4) AS estimated
    FROM (SELECT DISTINCT ON (metering_point_id, interval_start) metering_point_id, interval_start, quality
          FROM metering_reading
          WHERE cluster_id = %(cluster)s AND metering_point_id = ANY(%(points)s)
            AND interval_start >= %(start)s AND interval_start < %(end)s
          ORDER BY metering_point_id, interval_start, version DESC) held
    GROUP BY 1, 2
    UNION ALL
    SELECT metering_point_id, array_position(%(days)s::date[], day), measured, split, substituted, estimated
    FROM metering_readingday
    WHERE cluster_id = %(cluster)s AND metering_point_id = ANY(%(points)s) AND day = ANY(%(days)s::date[])
)
SELECT a.metering_point_id, d.place, d.due, coalesce(c.measured, 0), coalesce(c.split, 0),
       coalesce(c.substituted, 0), coalesce(c.estimated, 0)
FROM unnest(%(days)s::date[], %(due)s::int[]) WITH ORDINALITY AS d(day, due, place)
JOIN metering_pointassignment a
  ON a.cluster_id = %(cluster)s AND a.metering_point_id = ANY(%(points)s)
 AND a.valid_from <= d.day AND (a.valid_to IS NULL OR a.valid_to > d.day)
 AND (%(nodes)s::bigint[] IS NULL OR a.grid_node_id = ANY(%(nodes)s::bigint[]))
LEFT JOIN counted c ON c.metering_point_id = a.metering_point_id AND c.place = d.place
"""


def matrix(cluster_id: int, month: date, tz: ZoneInfo, now: datetime, wanted: Wanted, page: int) -> Matrix:
    """The page (from 1) of the points that are in the cluster on any day of the month. Needs the scope."""
    days = list(each_day(month, next_month(month)))
    points = _rows(_POINTS, {
        "cluster": cluster_id, "first": month, "last": next_month(month), "limit": POINTS_A_PAGE,
        "offset": (page - 1) * POINTS_A_PAGE, "search": wanted.search, "like": f"%{_escaped(wanted.search)}%",
        "only_gaps": wanted.only_gaps, "owner": wanted.owner, "nodes": _listed(wanted.nodes),
    })  # fmt: skip
    cells = _cells(cluster_id, [row[0] for row in points], days, tz, now, wanted.nodes)
    rows = [
        Row(point, code, participant, node, owner, since, [_cell(cells, point, place, day) for place, day in
            enumerate(days, start=1)])
        for point, code, owner, participant, node, since, _count in points
    ]  # fmt: skip
    return Matrix(days, rows, points[0][-1] if points else 0)


def due_by_day(days: Sequence[date], tz: ZoneInfo, now: datetime) -> list[int]:
    """How many quarter-hours of each local day are finished: 92, 96 or 100 of one that is over."""
    finished = interval_of(now)
    bounds = (day_bounds(day, tz) for day in days)
    return [max(0, (min(end, finished) - start) // timedelta(seconds=INTERVAL_SECONDS)) for start, end in bounds]


def _cells(
    cluster_id: int, points: Sequence[int], days: Sequence[date], tz: ZoneInfo, now: datetime, nodes: Nodes
) -> Mapping[tuple[int, int], tuple[int, ...]]:
    """Due, and there by quality, by point and place of the day; nothing where the point is not in the cluster."""
    if not points:
        return {}
    asked = {
        "cluster": cluster_id, "points": list(points), "days": list(days), "due": due_by_day(days, tz, now),
        "starts": [day_bounds(day, tz)[0] for day in days], "start": day_bounds(days[0], tz)[0],
        "end": day_bounds(days[-1], tz)[1], "nodes": _listed(nodes),
    }  # fmt: skip
    return {(point, place): tuple(counts) for point, place, *counts in _rows(_CELLS, asked)}


def _cell(cells: Mapping[tuple[int, int], tuple[int, ...]], point: int, place: int, day: date) -> Cell:
    counts = cells.get((point, place))
    return Cell(day, *counts) if counts else Cell(day, None)


def _listed(nodes: Nodes) -> list[int] | None:
    return None if nodes is None else list(nodes)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _rows(statement: str, asked: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
