"""What the coordinator aggregates: the members' generation by source and by station, month by month."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from metering.domain.calendar import local_midnight, next_month
from metering.models import PointAssignment
from participants.models import Cluster

# Metering points that generate, with the span of the month in which each row of theirs holds; their readings are
# found by point, so that the others' are not touched.
_SPANS = """
WITH span AS (
    SELECT a.metering_point_id AS point, a.participant_id AS participant, a.generation_source AS source,
           n.code AS node, a.generation_capacity_kw AS kw,
           greatest(a.valid_from::timestamp AT TIME ZONE %(zone)s, %(start)s) AS starts,
           least(coalesce(a.valid_to::timestamp AT TIME ZONE %(zone)s, 'infinity'), %(end)s) AS ends
    FROM metering_pointassignment a
    JOIN metering_gridnode n ON n.cluster_id = a.cluster_id AND n.id = a.grid_node_id
    WHERE a.cluster_id = %(cluster)s AND a.role = 'member' AND a.generation_capacity_kw > 0
      AND a.valid_from < %(last)s AND (a.valid_to IS NULL OR a.valid_to > %(first)s)
)
"""
_GROUPS = f"""{_SPANS}
SELECT s.source, s.node, s.point, s.participant, s.kw, s.ends >= %(end)s,
       coalesce(fed.wh, 0)::bigint, coalesce(sold.inside, 0)::bigint, coalesce(sold.outside, 0)::bigint
FROM span s
LEFT JOIN LATERAL (
    SELECT sum(exported_wh) AS wh FROM (
        SELECT DISTINCT ON (interval_start) exported_wh FROM metering_reading r
        WHERE r.cluster_id = %(cluster)s AND r.metering_point_id = s.point
          AND r.interval_start >= s.starts AND r.interval_start < s.ends
          AND r.interval_start >= %(start)s AND r.interval_start < %(end)s
        ORDER BY interval_start, version DESC
    ) held
) fed ON true
LEFT JOIN LATERAL (
    SELECT sum(p.local_sold_wh) AS inside, sum(p.external_sold_wh) AS outside
    FROM clearing_position p
    JOIN clearing_intervalstate i
      ON i.cluster_id = p.cluster_id AND i.interval_start = p.interval_start AND i.run_id = p.run_id
    WHERE p.cluster_id = %(cluster)s AND p.metering_point_id = s.point
      AND p.interval_start >= s.starts AND p.interval_start < s.ends
      AND p.interval_start >= %(start)s AND p.interval_start < %(end)s
) sold ON true
"""


@dataclass(frozen=True)
class Group:
    """Members' generation of one source, at one station, or altogether.

    Capacity (kW) is that at the end of the month. Fed in (Wh) is measured, whoever buys it; sold inside and outside is
    what was settled, net of what the same point drew in the quarter-hour.
    """

    name: str
    points: frozenset[int]
    members: frozenset[int]
    kw: Decimal
    fed_wh: int
    inside_wh: int
    outside_wh: int


@dataclass(frozen=True)
class Shown:
    """Altogether, by source, by station, and each source at each station."""

    total: Group
    sources: list[Group]
    nodes: list[Group]
    cells: list[tuple[str, list[Group]]]

    @property
    def most_wh(self) -> int:
        return max((group.fed_wh for group in (*self.sources, *self.nodes)), default=0)

    @property
    def few(self) -> frozenset[int]:
        """Metering points whose own figures can be read off: of groups with fewer than five."""
        groups = [self.total, *self.sources, *self.nodes, *(cell for _node, cells in self.cells for cell in cells)]
        return frozenset().union(*(group.points for group in groups if len(group.points) < FEWEST))


FEWEST = 5
_Row = tuple[str, str, int, int, Decimal, bool, int, int, int]


def show(cluster: Cluster, first: date, tz: ZoneInfo) -> Shown:
    """The month that begins on `first`. Needs the scope."""
    last = next_month(first)
    asked: dict[str, Any] = {
        "cluster": cluster.pk, "zone": tz.key, "first": first, "last": last, "start": local_midnight(first, tz),
        "end": local_midnight(last, tz),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, asked)
        rows: list[_Row] = cursor.fetchall()
    labels = dict(PointAssignment.Source.choices)
    sources = [source for source in labels if any(row[0] == source for row in rows)]
    nodes = sorted({row[1] for row in rows})
    return Shown(
        _group("", rows),
        [_group(str(labels[source]), [row for row in rows if row[0] == source]) for source in sources],
        [_group(node, [row for row in rows if row[1] == node]) for node in nodes],
        [
            (node, [_group(str(labels[s]), [row for row in rows if row[:2] == (s, node)]) for s in sources])
            for node in nodes
        ],
    )


def _group(name: str, rows: Iterable[_Row]) -> Group:
    rows = list(rows)
    return Group(
        name,
        frozenset(row[2] for row in rows),
        frozenset(row[3] for row in rows),
        sum((row[4] for row in rows if row[5]), Decimal(0)),
        sum(row[6] for row in rows),
        sum(row[7] for row in rows),
        sum(row[8] for row in rows),
    )
