"""A month's sums per metering point and slot, added up by PostgreSQL.

Two temporary tables say what counts where: `billing_interval`, the run in force of each cleared interval with its slot
and prices, and `billing_span`, the days on which a row of a metering point was under a P2P contract. The runs
are picked once: a run that is replaced meanwhile is billed as it was, in all sums alike. Memory does not grow
with the month, and with the members only by what one of them needs.
"""

from bisect import bisect_right
from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext
from fractions import Fraction
from typing import Any

from django.db import connection

from billing.domain.inputs import PositionSums, ReliefSums, Span, TradeSums
from billing.selectors.accounts import Account
from billing.selectors.relief import SHARED, relief_sums
from billing.selectors.standard_sums import OWN_STANDARD, StandardSpans
from billing.selectors.stream import Stream
from billing.selectors.terms import Month, MonthTerms
from contracts.domain.tariff import Profile
from metering.models import PointAssignment
from participants.models import Cluster

#: The cluster stands twice in each query, there and in the table's policy, so the planner expects one row where there
#: are hundreds of thousands: it must not loop over them or sort them. (For the same reason sums of relief and of
#: standards are grouped in a materialised part, and ordered after.) It expects many times the sums there are, too, and
#: would spare itself the workers rather than gather them: gathering costs nothing.
_PLAN = """
SET LOCAL enable_nestloop = off; SET LOCAL enable_sort = off; SET LOCAL parallel_tuple_cost = 0;
SET LOCAL work_mem = '64MB'
"""
_TEMPORARY = (
    "billing_interval",
    "billing_span",
    "billing_standard",
    "billing_market",
    "billing_member",
    "billing_energy",
    "billing_positions",
    "billing_bought",
    "billing_sold",
)
_INTERVALS = """
CREATE TEMPORARY TABLE billing_interval ON COMMIT DROP AS
SELECT u.interval_start, u.number, u.slot, u.hour, r.id AS run_id,
       (r.buy_pln_kwh * 1000000)::bigint AS buy_micro, (r.sell_pln_kwh * 1000000)::bigint AS sell_micro
FROM unnest(%s::timestamptz[], %s::int[], %s::int[], %s::int[]) AS u(interval_start, number, slot, hour)
JOIN clearing_intervalstate s ON s.cluster_id = %s AND s.interval_start = u.interval_start
JOIN clearing_clearingrun r ON r.cluster_id = s.cluster_id AND r.id = s.run_id
"""
#: Segments of the month, between days on which somebody's span begins or ends, are numbered from 0; `[first, finish)`.
_SPANS = """
CREATE TEMPORARY TABLE billing_span ON COMMIT DROP AS
SELECT * FROM unnest(%(spans)s::int[], %(points)s::bigint[], %(first)s::int[], %(finish)s::int[])
    AS u(span, metering_point_id, first, finish)
"""
#: One pass over the month's rows by parallel workers; temporary tables would keep the query to one process, so the
#: intervals come as arrays. They come distinct, as the planner has no statistics of arrays and would else put the
#: millions of rows into its hash table, not the intervals. A cell is a slot in a segment; point and cell are one
#: number, for of two the planner takes every combination for likely, and gives up on workers.
_ROWS = """
    JOIN (
        SELECT DISTINCT ON (run_id) unnest(%(runs)s::bigint[]) AS run_id, unnest(%(in_cell)s::int[]) AS cell,
               unnest(%(buy)s::bigint[]) AS buy_micro, unnest(%(sell)s::bigint[]) AS sell_micro
    ) i ON i.run_id = {row}.run_id
    WHERE {row}.cluster_id = %(cluster)s AND {row}.interval_start >= %(start)s AND {row}.interval_start < %(end)s
"""
_POSITIONS = f"""
CREATE TEMPORARY TABLE billing_positions ON COMMIT DROP AS
SELECT key / %(cells)s AS point, key %% %(cells)s AS cell,
       sum(local_bought_wh) AS local_bought, sum(local_sold_wh) AS local_sold,
       sum(external_bought_wh) AS bought, sum(external_bought_wh * buy_micro) AS bought_nano,
       sum(external_sold_wh) AS sold, sum(external_sold_wh * sell_micro) AS sold_nano,
       coalesce(sum(equalisation_pln) FILTER (WHERE net_wh < 0), 0) * 1000000000 AS bought_equalisation,
       coalesce(sum(equalisation_pln) FILTER (WHERE net_wh > 0), 0) * 1000000000 AS sold_equalisation
FROM (
    SELECT p.metering_point_id * %(cells)s + i.cell AS key, p.net_wh, p.local_bought_wh, p.local_sold_wh,
           p.external_bought_wh, p.external_sold_wh, p.equalisation_pln, i.buy_micro, i.sell_micro
    FROM clearing_position p {_ROWS.format(row="p")}
) AS placed
GROUP BY key
"""
_TRADES = """
CREATE TEMPORARY TABLE billing_{name} ON COMMIT DROP AS
SELECT key / %(cells)s AS point, key %% %(cells)s AS cell, sharing_level, sum(wh) AS wh, sum(nano) AS nano
FROM (
    SELECT t.{party} * %(cells)s + i.cell AS key, t.sharing_level, t.wh,
           t.wh * (t.energy_pln_kwh * 1000000)::bigint AS nano
    FROM clearing_trade t {rows}
) AS placed
GROUP BY key, sharing_level
"""
_BOUGHT = _TRADES.format(name="bought", party="buyer_id", rows=_ROWS.format(row="t"))
_SOLD = _TRADES.format(name="sold", party="seller_id", rows=_ROWS.format(row="t"))
_IN_SPAN = """
JOIN billing_span s ON s.metering_point_id = b.point
    AND s.first <= b.cell / %(slots)s AND b.cell / %(slots)s < s.finish
"""
_SPAN_POSITIONS = f"""
SELECT s.span, (b.cell %% %(slots)s)::int AS slot, sum(local_bought)::bigint, sum(local_sold)::bigint,
       sum(bought)::bigint, sum(bought_nano)::bigint, sum(sold)::bigint, sum(sold_nano)::bigint,
       sum(bought_equalisation)::bigint, sum(sold_equalisation)::bigint
FROM billing_positions b {_IN_SPAN} GROUP BY 1, 2 ORDER BY 1, 2
"""
_SPAN_TRADES = f"""
SELECT s.span, (b.cell %% %(slots)s)::int AS slot, '{{side}}' AS side, sharing_level, sum(wh)::bigint, sum(nano)::bigint
FROM billing_{{name}} b {_IN_SPAN} GROUP BY 1, 2, 4 ORDER BY 1, 2, 4
"""
_SPAN_BOUGHT, _SPAN_SOLD = _SPAN_TRADES.format(side="buy", name="bought"), _SPAN_TRADES.format(side="sell", name="sold")


def pin_intervals(cluster: Cluster, month: Month, month_terms: MonthTerms) -> int:
    """Fix which run of each interval is billed, for the rest of the transaction; returns how many are cleared.

    The transaction should do little else: queries that follow are planned for sums of whole months.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.{name}' for name in _TEMPORARY)}")
        cursor.execute(_PLAN)
        numbers = list(range(len(month.starts)))
        cursor.execute(_INTERVALS, [list(month.starts), numbers, list(month_terms.slot_of), month.hours, cluster.pk])
        cursor.execute("ANALYZE billing_interval")
        cursor.execute("SELECT count(*) FROM billing_interval")
        return int(cursor.fetchone()[0])


class MonthSums:
    """The month's sums of all accounts, to be used in the transaction of `pin_intervals`.

    `terms` are complete: with everybody's standard mechanism and the month's self-consumption; `relief` are the
    cluster's sums of the statutory hours, None where nothing is relieved by the hour, and `given_wh` is how much of it
    the members had that were handed out so far.
    """

    def __init__(self, cluster: Cluster, month: Month, month_terms: MonthTerms, billed: Sequence[Account]) -> None:
        start, end = month.midnight(month.first), month.midnight(month.end)
        self._bounds = [cluster.pk, start, end]
        self._billed = billed
        rows = [row for account in billed for row in account.rows]
        edges = sorted({day for _, first, finish in rows for day in (first, finish)})
        segments = [bisect_right(edges, at.astimezone(month.tz).date()) for at in month.starts]
        slots = len(month_terms.terms.slots)
        spans = {
            "spans": list(range(len(rows))),
            "points": [row.metering_point_id for row, _, _ in rows],
            "first": [bisect_right(edges, first) for _, first, _ in rows],
            "finish": [bisect_right(edges, finish) for _, _, finish in rows],
        }
        with connection.cursor() as cursor:
            cursor.execute(_SPANS, spans)
            cursor.execute("SELECT run_id, number, slot, buy_micro, sell_micro FROM billing_interval ORDER BY number")
            runs, numbers, slot_of, buy, sell = (list(each) for each in zip(*cursor.fetchall(), strict=True))
            in_cell = [segments[number] * slots + slot for number, slot in zip(numbers, slot_of, strict=True)]
            asked: dict[str, Any] = {"cluster": cluster.pk, "start": start, "end": end}
            asked |= {"cells": (len(edges) + 1) * slots, "runs": runs, "in_cell": in_cell, "buy": buy, "sell": sell}
            for sums in (_POSITIONS, _BOUGHT, _SOLD):
                cursor.execute(sums, asked)
            cursor.execute("ANALYZE billing_span, billing_positions, billing_bought, billing_sold")
        self._slots = {"slots": slots}
        self._standards = StandardSpans(month, month_terms.standards, billed)
        self.relief = relief_sums(cluster, month, rows) if month_terms.relieved else None
        shared = self.relief.self_consumption if self.relief else Fraction(0)
        self.terms = month_terms.completed(shared)
        self.given_wh = 0

    def members(self) -> Generator[tuple[Account, tuple[Span, ...]], None, None]:
        """Each account with its sums, in the order given."""
        with (
            closing(Stream(_SPAN_POSITIONS, self._slots)) as positions,
            closing(Stream(_SPAN_BOUGHT, self._slots)) as bought,
            closing(Stream(_SPAN_SOLD, self._slots)) as sold,
            closing(Stream(OWN_STANDARD, [*self._bounds, *self._bounds])) as standard,
            closing(Stream(SHARED)) if self.relief else nullcontext() as shared,
        ):
            number = 0
            for account in self._billed:
                found = []
                for row, first, end in account.rows:
                    sums = tuple(PositionSums(*values) for values in positions.take(number))
                    trades = tuple(TradeSums(*values) for values in (*bought.take(number), *sold.take(number)))
                    against = self._standards.sums(number, account.participant.code, sums, standard)
                    relief = tuple(ReliefSums(*values) for values in shared.take(number)) if shared else ()
                    self.given_wh += sum(each.wh for each in relief)
                    code = row.metering_point.code
                    found.append(Span(code, first, end, _profile(row), sums, trades, against, relief))
                    number += 1
                yield account, tuple(found)


def _profile(row: PointAssignment) -> Profile:
    return Profile(row.tariff_group, row.phases, row.yearly_use_kwh, row.capacity_factor, row.contracted_power_kw)
