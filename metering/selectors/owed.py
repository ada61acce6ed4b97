"""Who owes which delivered readings, and since when: of finished local days, as last counted."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from metering.selectors.matrix import Nodes

_GAPS = """
metering_readinggap g
JOIN metering_meteringpoint m ON m.cluster_id = g.cluster_id AND m.id = g.metering_point_id
JOIN metering_pointassignment a ON a.cluster_id = g.cluster_id AND a.metering_point_id = g.metering_point_id
 AND a.valid_from <= g.day AND (a.valid_to IS NULL OR a.valid_to > g.day)
 AND (%(nodes)s::bigint[] IS NULL OR a.grid_node_id = ANY(%(nodes)s::bigint[]))
WHERE g.cluster_id = %(cluster)s AND (%(owner)s = '' OR m.readings_from = %(owner)s)
"""
_BY_OWNER = f"""
SELECT m.readings_from, count(DISTINCT m.id), sum(g.missing)::bigint, sum(g.estimated)::bigint, min(g.first_at)
FROM {_GAPS} GROUP BY 1 ORDER BY min(g.first_at)
"""
_BY_POINT = f"""
SELECT m.id, m.code, m.readings_from, a.participant_id, sum(g.missing)::bigint, sum(g.estimated)::bigint,
       min(g.first_at)
FROM {_GAPS} GROUP BY 1, 2, 3, 4 ORDER BY min(g.first_at), m.code
"""
# Nothing delivered for any member's point, and not all of it estimated yet.
_SILENT = """
SELECT g.day, count(*) FROM metering_readinggap g
JOIN metering_pointassignment a ON a.cluster_id = g.cluster_id AND a.metering_point_id = g.metering_point_id
 AND a.role = 'member' AND a.valid_from <= g.day AND (a.valid_to IS NULL OR a.valid_to > g.day)
JOIN unnest(%(days)s::date[], %(lengths)s::int[]) AS d(day, length) ON d.day = g.day
WHERE g.cluster_id = %(cluster)s AND g.missing + g.estimated = d.length
GROUP BY g.day
HAVING sum(g.missing) > 0 AND count(*) = (
    SELECT count(*) FROM metering_pointassignment o WHERE o.cluster_id = %(cluster)s AND o.role = 'member'
    AND o.valid_from <= g.day AND (o.valid_to IS NULL OR o.valid_to > g.day))
ORDER BY g.day
"""


@dataclass(frozen=True, slots=True)
class Owed:
    """What one of `MeteringPoint.ReadingsFrom` owes: quarter-hours without any reading, and those only estimated."""

    owner: str
    points: int
    missing: int
    estimated: int
    since: datetime

    @property
    def quarter_hours(self) -> int:
        return self.missing + self.estimated


@dataclass(frozen=True, slots=True)
class OwedPoint:
    """What is owed of one metering point while it was a participant's."""

    point: int
    code: str
    owner: str
    participant: int | None
    missing: int
    estimated: int
    since: datetime

    @property
    def quarter_hours(self) -> int:
        return self.missing + self.estimated


def owed(cluster_id: int, owner: str = "", nodes: Nodes = None) -> list[Owed]:
    """By owner, who owes longest first. Needs the scope."""
    return [Owed(*row) for row in _rows(_BY_OWNER, cluster_id, owner, nodes)]


def owed_points(cluster_id: int, owner: str = "", nodes: Nodes = None) -> list[OwedPoint]:
    """By metering point, the longest first. Needs the scope."""
    return [OwedPoint(*row) for row in _rows(_BY_POINT, cluster_id, owner, nodes)]


def silent_days(cluster_id: int, days: list[date], lengths: list[int]) -> list[tuple[date, int]]:
    """Those of the days of which no member's point delivered anything and not all is estimated, with their points."""
    with connection.cursor() as cursor:
        cursor.execute(_SILENT, {"cluster": cluster_id, "days": days, "lengths": lengths})
        return list(cursor.fetchall())


def _rows(statement: str, cluster_id: int, owner: str, nodes: Nodes) -> list[Any]:
    asked: dict[str, Any] = {"cluster": cluster_id, "owner": owner, "nodes": list(nodes) if nodes is not None else None}
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
