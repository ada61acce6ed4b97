"""The energy shared in the statutory hours, and each metering point's part of it, worked out by PostgreSQL.

All members count, also those without a P2P contract. Who has one counts with the positions that are billed, net by
quarter-hour, so no more is relieved than was charged; the others with their readings in force, netted alike.
`billing_member` says whose energy is whose, a span of those without a contract has a negative number;
`billing_energy` is what each drew and injected by local hour and slot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django.db import connection
from django.db.models import Q

from billing.domain.relief import self_consumption
from billing.selectors.terms import Month
from metering.domain.generation import NOT_RENEWABLE
from metering.models import PointAssignment
from participants.models import Cluster

Row = tuple[PointAssignment, date, date]

_MEMBERS = """
CREATE TEMPORARY TABLE billing_member ON COMMIT DROP AS
SELECT * FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::boolean[], %s::int[])
    AS u(span, metering_point_id, first, finish, renewable, rank)
"""
_ENERGY = """
CREATE TEMPORARY TABLE billing_energy ON COMMIT DROP AS
WITH other AS MATERIALIZED (
    SELECT DISTINCT ON (r.metering_point_id, r.interval_start)
           r.metering_point_id, r.interval_start, r.exported_wh - r.imported_wh AS net_wh
    FROM metering_reading r
    WHERE r.cluster_id = %(cluster)s AND r.interval_start >= %(first)s AND r.interval_start < %(end)s
      AND r.metering_point_id = ANY(%(others)s)
    ORDER BY r.metering_point_id, r.interval_start, r.version DESC
)
SELECT m.span, m.rank, i.hour, i.slot, min(i.number) AS first, count(*) AS intervals,
       sum(greatest(-p.net_wh, 0))::bigint AS drawn,
       sum(CASE WHEN m.renewable THEN greatest(p.net_wh, 0) ELSE 0 END)::bigint AS injected
FROM clearing_position p
JOIN billing_interval i ON i.interval_start = p.interval_start AND i.run_id = p.run_id
JOIN billing_member m ON m.metering_point_id = p.metering_point_id AND m.span >= 0
    AND m.first <= p.interval_start AND p.interval_start < m.finish
WHERE p.cluster_id = %(cluster)s AND p.interval_start >= %(first)s AND p.interval_start < %(end)s
GROUP BY 1, 2, 3, 4
UNION ALL
SELECT m.span, m.rank, i.hour, i.slot, min(i.number), count(*),
       sum(greatest(-o.net_wh, 0))::bigint, sum(CASE WHEN m.renewable THEN greatest(o.net_wh, 0) ELSE 0 END)::bigint
FROM other o
JOIN billing_interval i ON i.interval_start = o.interval_start
JOIN billing_member m ON m.metering_point_id = o.metering_point_id AND m.span < 0
    AND m.first <= o.interval_start AND o.interval_start < m.finish
GROUP BY 1, 2, 3, 4
"""
_TOTALS = """
WITH hours AS (SELECT hour, sum(drawn) AS drawn, sum(injected) AS injected FROM billing_energy GROUP BY 1)
SELECT coalesce(sum(injected), 0), coalesce(sum(drawn), 0), coalesce(sum(least(drawn, injected)), 0),
       (SELECT count(*) FROM billing_member m
        JOIN billing_interval i ON m.first <= i.interval_start AND i.interval_start < m.finish WHERE m.span < 0)
       - (SELECT coalesce(sum(intervals), 0) FROM billing_energy WHERE span < 0)
FROM hours
"""
#: The largest remainder among the metering points of an hour; a point's part falls into the slots of its hour in order
#: of time, by running sums. One Wh more than the whole part goes only where a rest is left: never above what was drawn.
_PARTS = """
WITH hours AS MATERIALIZED (
    SELECT hour, sum(drawn)::bigint AS drawn, least(sum(drawn), sum(injected))::bigint AS shared
    FROM billing_energy GROUP BY 1
), points AS MATERIALIZED (
    SELECT e.span, e.rank, e.hour, min(e.slot) AS slot, count(*) AS slots, h.shared, sum(e.drawn)::bigint AS drawn,
           (h.shared * sum(e.drawn)::bigint) / h.drawn AS whole, (h.shared * sum(e.drawn)::bigint) % h.drawn AS rest
    FROM billing_energy e JOIN hours h ON h.hour = e.hour
    WHERE h.shared > 0 AND e.drawn > 0 GROUP BY e.span, e.rank, e.hour, h.shared, h.drawn
), given AS MATERIALIZED (
    SELECT span, hour, slot, slots, drawn,
           whole + (row_number() OVER (PARTITION BY hour ORDER BY rest DESC, rank)
                    <= shared - sum(whole) OVER (PARTITION BY hour))::int AS wh
    FROM points
), divided AS MATERIALIZED (
    SELECT span, slot, div(wh * run, drawn) - div(wh * (run - part), drawn) AS wh
    FROM (SELECT g.span, e.slot, g.wh, g.drawn, e.drawn AS part,
                 sum(e.drawn) OVER (PARTITION BY e.span, e.hour ORDER BY e.first) AS run
          FROM given g JOIN billing_energy e ON e.span = g.span AND e.hour = g.hour AND e.drawn > 0
          WHERE g.slots > 1) hour_of_several
), sums AS MATERIALIZED (
    SELECT span, slot, sum(wh) AS wh
    FROM (SELECT span, slot, wh FROM given WHERE slots = 1 UNION ALL SELECT * FROM divided) placed
    WHERE wh > 0 GROUP BY 1, 2
)
"""
SHARED = f"{_PARTS} SELECT span, slot, wh::bigint FROM sums WHERE span >= 0 ORDER BY 1, 2"


@dataclass(frozen=True, slots=True)
class ReliefTotals:
    """The month's statutory hours of the whole cluster [Wh]: `missing` readings of members without a P2P contract."""

    injected_wh: int
    drawn_wh: int
    shared_wh: int
    missing: int

    @property
    def self_consumption(self) -> Fraction:
        """Shared ÷ injected."""
        return self_consumption(self.shared_wh, self.injected_wh)


def relief_sums(cluster: Cluster, month: Month, billed: Sequence[Row]) -> ReliefTotals:
    """Work out what was shared, once the intervals are pinned; `SHARED` gives the spans' parts of it afterwards."""
    others = _without_contract(cluster, month, billed)
    spans = [*enumerate(billed), *((-1 - number, row) for number, row in enumerate(others))]
    codes = sorted({row.metering_point.code for _, (row, _, _) in spans})
    rank = {code: number for number, code in enumerate(codes)}
    columns: list[Any] = [
        [span for span, _ in spans],
        [row.metering_point_id for _, (row, _, _) in spans],
        [month.midnight(first) for _, (_, first, _) in spans],
        [month.midnight(end) for _, (_, _, end) in spans],
        [row.generation_source != NOT_RENEWABLE for _, (row, _, _) in spans],
        [rank[row.metering_point.code] for _, (row, _, _) in spans],
    ]
    bounds: dict[str, Any] = {
        "cluster": cluster.pk, "first": month.midnight(month.first), "end": month.midnight(month.end),
        "others": [row.metering_point_id for row, _, _ in others],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS, columns)
        cursor.execute("ANALYZE billing_member")
        cursor.execute(_ENERGY, bounds)
        cursor.execute("ANALYZE billing_energy")
        cursor.execute(_TOTALS)
        return ReliefTotals(*map(int, cursor.fetchone()))


def _without_contract(cluster: Cluster, month: Month, billed: Sequence[Row]) -> list[Row]:
    """The members' metering points on the days of the month for which they are not billed."""
    days: dict[int, list[tuple[date, date]]] = {}
    for row, first, end in billed:
        days.setdefault(row.pk, []).append((first, end))
    in_month = Q(valid_from__lt=month.end) & (Q(valid_to=None) | Q(valid_to__gt=month.first))
    rows = PointAssignment.objects.filter(in_month, cluster=cluster, role=PointAssignment.Role.MEMBER)
    found = []
    for row in rows.select_related("metering_point").order_by("metering_point__code", "valid_from"):
        first, end = max(month.first, row.valid_from), min(month.end, row.valid_to or month.end)
        for start, stop in [*sorted(days.get(row.pk, [])), (end, end)]:
            if first < start:
                found.append((row, first, start))
            first = max(first, stop)
    return found
