"""A month's sums per metering point and slot, added up by PostgreSQL.

Two temporary tables say what counts where: `billing_interval`, the run in force of each cleared interval with its slot
and prices, and `billing_span`, the instants for which a row of a metering point was under a P2P contract. The runs
are picked once: a run that is replaced meanwhile is billed as it was, in all sums alike. Memory does not grow
with the month, and with the members only by what one of them needs.
"""

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
#: are hundreds of thousands: it must not loop over them or sort them. (For the same reason sums are grouped in a
#: materialised part, and ordered after.)
_PLAN = "SET LOCAL enable_nestloop = off; SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'"
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
_SPANS = """
CREATE TEMPORARY TABLE billing_span ON COMMIT DROP AS
SELECT * FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
    AS u(span, metering_point_id, first, finish)
"""
#: The same as arrays, which parallel workers may read, where temporary tables keep a query to one process. What is
#: grouped by is one number, a cell: of two the planner takes every combination for likely, and gives up on workers.
_ROWS = """
    JOIN unnest(%(runs)s::bigint[], %(slots)s::int[], %(buy)s::bigint[], %(sell)s::bigint[])
        AS i(run_id, slot, buy_micro, sell_micro) ON i.run_id = {row}.run_id
    JOIN unnest(%(spans)s::int[], %(points)s::bigint[], %(first)s::timestamptz[], %(finish)s::timestamptz[])
        AS s(span, metering_point_id, first, finish) ON s.metering_point_id = {row}.{point}
        AND s.first <= {row}.interval_start AND {row}.interval_start < s.finish
    WHERE {row}.cluster_id = %(cluster)s AND {row}.interval_start >= %(start)s AND {row}.interval_start < %(end)s
"""
_POSITIONS = f"""
CREATE TEMPORARY TABLE billing_positions ON COMMIT DROP AS
SELECT cell / %(cells)s AS span, cell %% %(cells)s AS slot,
       sum(local_bought_wh) AS local_bought, sum(local_sold_wh) AS local_sold,
       sum(external_bought_wh) AS bought, sum(external_bought_wh * buy_micro) AS bought_nano,
       sum(external_sold_wh) AS sold, sum(external_sold_wh * sell_micro) AS sold_nano,
       coalesce(sum(equalisation_pln) FILTER (WHERE net_wh < 0), 0) * 1000000000 AS bought_equalisation,
       coalesce(sum(equalisation_pln) FILTER (WHERE net_wh > 0), 0) * 1000000000 AS sold_equalisation
FROM (
    SELECT s.span::bigint * %(cells)s + i.slot AS cell, p.net_wh, p.local_bought_wh, p.local_sold_wh,
           p.external_bought_wh, p.external_sold_wh, p.equalisation_pln, i.buy_micro, i.sell_micro
    FROM clearing_position p {_ROWS.format(row="p", point="metering_point_id")}
) AS placed
GROUP BY cell
"""
_TRADES = """
CREATE TEMPORARY TABLE billing_{name} ON COMMIT DROP AS
SELECT cell / %(cells)s AS span, cell %% %(cells)s AS slot, '{side}' AS side, sharing_level,
       sum(wh) AS wh, sum(nano) AS nano
FROM (
    SELECT s.span::bigint * %(cells)s + i.slot AS cell, t.sharing_level, t.wh,
           t.wh * (t.energy_pln_kwh * 1000000)::bigint AS nano
    FROM clearing_trade t {rows}
) AS placed
GROUP BY cell, sharing_level
"""
_BOUGHT = _TRADES.format(name="bought", side="buy", rows=_ROWS.format(row="t", point="buyer_id"))
_SOLD = _TRADES.format(name="sold", side="sell", rows=_ROWS.format(row="t", point="seller_id"))


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
        spans: dict[str, list[Any]] = {
            "spans": list(range(len(rows))),
            "points": [row.metering_point_id for row, _, _ in rows],
            "first": [month.midnight(first) for _, first, _ in rows],
            "finish": [month.midnight(end) for _, _, end in rows],
        }
        with connection.cursor() as cursor:
            cursor.execute(_SPANS, list(spans.values()))
            cursor.execute("ANALYZE billing_span")
            cursor.execute("SELECT run_id, slot, buy_micro, sell_micro FROM billing_interval ORDER BY number")
            runs, slots, buy, sell = (list(each) for each in zip(*cursor.fetchall(), strict=True))
            asked = {"cluster": cluster.pk, "start": start, "end": end, "cells": max(slots) + 1, **spans}
            asked |= {"runs": runs, "slots": slots, "buy": buy, "sell": sell}
            for sums in (_POSITIONS, _BOUGHT, _SOLD):
                cursor.execute(sums, asked)
        self._standards = StandardSpans(month, month_terms.standards, billed)
        self.relief = relief_sums(cluster, month, rows) if month_terms.relieved else None
        shared = self.relief.self_consumption if self.relief else Fraction(0)
        self.terms = month_terms.completed(shared)
        self.given_wh = 0

    def members(self) -> Generator[tuple[Account, tuple[Span, ...]], None, None]:
        """Each account with its sums, in the order given."""
        with (
            closing(Stream("SELECT * FROM billing_positions ORDER BY 1, 2")) as positions,
            closing(Stream("SELECT * FROM billing_bought ORDER BY 1, 2, 4")) as bought,
            closing(Stream("SELECT * FROM billing_sold ORDER BY 1, 2, 4")) as sold,
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
