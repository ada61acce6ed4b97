"""The physical balance of grid nodes: what the members below one counted, against the meters at its boundary.

Import is what came to a member, or into the node; so a node's members and its boundary meters agree if
`boundary import − boundary export = Σ member import − Σ member export` in each quarter-hour.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from metering.domain.calendar import day_bounds

_BELOW = """
WITH RECURSIVE below(top, node) AS (
    SELECT id, id FROM unnest(%(tops)s::bigint[]) AS t(id)
    UNION
    SELECT b.top, n.id FROM metering_gridnode n JOIN below b ON n.parent_id = b.node WHERE n.cluster_id = %(cluster)s
)
"""
_POINTS = f"""{_BELOW}
SELECT b.top, d.place, count(*) FILTER (WHERE a.role = 'member'),
       count(*) FILTER (WHERE a.role = 'boundary' AND b.node = b.top)
FROM unnest(%(days)s::date[]) WITH ORDINALITY AS d(day, place)
JOIN metering_pointassignment a
  ON a.cluster_id = %(cluster)s AND a.valid_from <= d.day AND (a.valid_to IS NULL OR a.valid_to > d.day)
JOIN below b ON b.node = a.grid_node_id
GROUP BY 1, 2
"""
# Points hang at one node at a time, so readings are added up by node first and only then for each node above.
_SUMS = f"""{_BELOW}, held AS (
    SELECT DISTINCT ON (metering_point_id, interval_start) metering_point_id AS point, interval_start AS at,
           imported_wh, exported_wh, quality
    FROM metering_reading
    WHERE cluster_id = %(cluster)s AND interval_start >= %(start)s AND interval_start < %(end)s
    ORDER BY metering_point_id, interval_start, version DESC
), placed AS (
    SELECT metering_point_id AS point, grid_node_id AS node, role = 'boundary' AS boundary,
           valid_from::timestamp AT TIME ZONE %(zone)s AS first,
           coalesce(valid_to::timestamp AT TIME ZONE %(zone)s, 'infinity') AS stop
    FROM metering_pointassignment
    WHERE cluster_id = %(cluster)s AND grid_node_id IN (SELECT node FROM below)
), by_node AS (
    SELECT p.node, p.boundary, h.at, count(*) AS readings, sum(h.imported_wh) AS imported,
           sum(h.exported_wh) AS exported, coalesce(sum(h.imported_wh) FILTER (WHERE h.quality = 4), 0) AS guessed_in,
           coalesce(sum(h.exported_wh) FILTER (WHERE h.quality = 4), 0) AS guessed_out
    FROM held h JOIN placed p ON p.point = h.point AND h.at >= p.first AND h.at < p.stop
    GROUP BY 1, 2, 3
), by_top AS (
    SELECT b.top, n.at, width_bucket(n.at, %(starts)s::timestamptz[]) AS place,
           coalesce(sum(readings) FILTER (WHERE NOT boundary), 0) AS members,
           coalesce(sum(readings) FILTER (WHERE boundary AND b.node = b.top), 0) AS boundaries,
           coalesce(sum(imported) FILTER (WHERE NOT boundary), 0) AS drawn,
           coalesce(sum(exported) FILTER (WHERE NOT boundary), 0) AS fed,
           coalesce(sum(guessed_in) FILTER (WHERE NOT boundary), 0) AS guessed_in,
           coalesce(sum(guessed_out) FILTER (WHERE NOT boundary), 0) AS guessed_out,
           coalesce(sum(imported) FILTER (WHERE boundary AND b.node = b.top), 0) AS came_in,
           coalesce(sum(exported) FILTER (WHERE boundary AND b.node = b.top), 0) AS went_out
    FROM by_node n JOIN below b ON b.node = n.node GROUP BY 1, 2
), compared AS (
    SELECT t.*, e.boundaries > 0 AND t.members = e.members AND t.boundaries = e.boundaries AS whole
    FROM by_top t
    JOIN unnest(%(tops_of)s::bigint[], %(places)s::bigint[], %(members)s::bigint[], %(boundaries)s::bigint[])
      AS e(top, place, members, boundaries) ON e.top = t.top AND e.place = t.place
)
SELECT top, {{bucket}}, sum(fed)::bigint, sum(drawn)::bigint, sum(least(drawn, fed))::bigint,
       sum(guessed_out)::bigint, sum(guessed_in)::bigint, sum(members)::bigint,
       sum(came_in)::bigint, sum(went_out)::bigint, sum(boundaries)::bigint, count(*) FILTER (WHERE whole),
       coalesce(sum(came_in - went_out) FILTER (WHERE whole), 0)::bigint,
       coalesce(sum(drawn - fed) FILTER (WHERE whole), 0)::bigint,
       coalesce(sum(drawn + fed) FILTER (WHERE whole), 0)::bigint
FROM compared GROUP BY 1, 2
"""
_BY_DAY = _SUMS.replace("{bucket}", "place")
_BY_QUARTER_HOUR = _SUMS.replace("{bucket}", "at")


@dataclass(frozen=True, slots=True)
class Balance:
    """Of a grid node with all below it, over some time [Wh].

    Members fed in `generation_wh` and drew `demand_wh`, of which `inside_wh` came from other members below the node
    in the same quarter-hour. Boundary meters counted what came in and went out. Compared are only quarter-hours of
    which every reading is there: `boundary_net_wh` against `members_net_wh`, in and out netted, import positive.
    """

    generation_wh: int = 0
    demand_wh: int = 0
    inside_wh: int = 0
    generation_estimated_wh: int = 0
    demand_estimated_wh: int = 0
    readings: int = 0
    boundary_in_wh: int = 0
    boundary_out_wh: int = 0
    boundary_readings: int = 0
    compared: int = 0
    boundary_net_wh: int = 0
    members_net_wh: int = 0
    compared_wh: int = 0

    def __add__(self, other: "Balance") -> "Balance":
        return Balance(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def drawn_wh(self) -> int:
        """What the members together drew from above the node."""
        return self.demand_wh - self.inside_wh

    @property
    def given_wh(self) -> int:
        """What the members together gave to above the node."""
        return self.generation_wh - self.inside_wh

    @property
    def difference_wh(self) -> int | None:
        """Boundary less members; positive: more came in than the members counted. None: nothing can be compared."""
        return self.boundary_net_wh - self.members_net_wh if self.compared else None

    @property
    def difference_share(self) -> float | None:
        """The difference as a share of what the members counted in the same quarter-hours, drawn and fed in."""
        return self.difference_wh / self.compared_wh if self.difference_wh is not None and self.compared_wh else None

    @property
    def estimated_wh(self) -> int:
        return self.generation_estimated_wh + self.demand_estimated_wh


@dataclass(frozen=True, slots=True)
class NodePoints:
    """Metering points at or below a node on one local day: members', and those at its boundary."""

    members: int = 0
    boundary: int = 0


@dataclass(frozen=True)
class Balances:
    """Of each node (by id) by local day or by quarter-hour, and its metering points by local day."""

    by_time: Mapping[int, Mapping[Any, Balance]]
    points: Mapping[int, Mapping[date, NodePoints]]

    def total(self, node: int) -> Balance:
        return sum(self.by_time.get(node, {}).values(), Balance())

    def most(self, node: int) -> NodePoints:
        """The most points on any of the days."""
        days = self.points.get(node, {}).values()
        return NodePoints(max((d.members for d in days), default=0), max((d.boundary for d in days), default=0))

    def fewest_members(self, node: int) -> int:
        """The fewest members' points on any day that has any."""
        return min((d.members for d in self.points.get(node, {}).values() if d.members), default=0)


def balances(cluster_id: int, nodes: Sequence[int], days: Sequence[date], tz: ZoneInfo, by_day: bool) -> Balances:
    """Over consecutive local days, of the readings in force. Needs the scope."""
    bounds = [day_bounds(day, tz) for day in days]
    asked: dict[str, Any] = {
        "cluster": cluster_id, "tops": list(nodes), "days": list(days), "zone": tz.key, "start": bounds[0][0],
        "end": bounds[-1][1], "starts": [start for start, _ in bounds],
    }  # fmt: skip
    rows = _rows(_POINTS, asked)
    points: dict[int, dict[date, NodePoints]] = {}
    for top, place, members, boundary in rows:
        points.setdefault(top, {})[days[place - 1]] = NodePoints(members, boundary)
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    asked |= dict(zip(("tops_of", "places", "members", "boundaries"), map(list, columns), strict=True))
    found: dict[int, dict[Any, Balance]] = {}
    for top, bucket, *sums in _rows(_BY_DAY if by_day else _BY_QUARTER_HOUR, asked):
        found.setdefault(top, {})[days[bucket - 1] if by_day else bucket] = Balance(*sums)
    return Balances(found, points)


def _rows(statement: str, asked: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())


def points_below(cluster_id: int, node: int, days: Sequence[date]) -> Iterator[int]:
    """Ids of the metering points that are counted for a node on any of the days. Needs the scope."""
    statement = f"""{_BELOW}
    SELECT DISTINCT a.metering_point_id FROM metering_pointassignment a JOIN below b ON b.node = a.grid_node_id
    WHERE a.cluster_id = %(cluster)s AND a.valid_from <= %(last)s AND (a.valid_to IS NULL OR a.valid_to > %(first)s)
    """
    asked = {"cluster": cluster_id, "tops": [node], "first": days[0], "last": days[-1]}
    return (point for (point,) in _rows(statement, asked))
