"""A month's sums per metering point and slot, added up by PostgreSQL.

Two temporary tables say what counts where: `billing_interval`, the run in force of each cleared interval with its slot
and prices, and `billing_span`, the instants for which a row of a metering point was under a P2P contract. The runs
are picked once: a run that is replaced meanwhile is billed as it was, in all sums alike. Memory does not grow
with the month, and with the members only by what one of them needs.
"""

from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection
from django.db.models import Q

from billing.domain.inputs import Member, PositionSums, Span, StandardSums, TradeSums
from billing.models import Statement
from billing.selectors.terms import Month, MonthTerms
from contracts.domain.tariff import Profile
from contracts.models import ClusterTerms, Contract
from metering.models import PointAssignment
from participants.models import Cluster, Participant

#: The cluster stands twice in each query, there and in the table's policy, so the planner expects one row where there
#: are hundreds of thousands: it must not loop over them or sort them. (For the same reason sums are grouped in a
#: materialised part, and ordered after.)
_PLAN = "SET LOCAL enable_nestloop = off; SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'"
_INTERVALS = """
CREATE TEMPORARY TABLE billing_interval ON COMMIT DROP AS
SELECT u.interval_start, u.slot, r.id AS run_id,
       (r.buy_pln_kwh * 1000000)::bigint AS buy_micro, (r.sell_pln_kwh * 1000000)::bigint AS sell_micro
FROM unnest(%s::timestamptz[], %s::int[]) AS u(interval_start, slot)
JOIN clearing_intervalstate s ON s.cluster_id = %s AND s.interval_start = u.interval_start
JOIN clearing_clearingrun r ON r.cluster_id = s.cluster_id AND r.id = s.run_id
"""
_SPANS = """
CREATE TEMPORARY TABLE billing_span ON COMMIT DROP AS
SELECT * FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
    AS u(span, metering_point_id, first, finish)
"""
_POSITIONS = """
WITH sums AS MATERIALIZED (
SELECT s.span, i.slot,
       sum(p.local_bought_wh) AS local_bought, sum(p.local_sold_wh) AS local_sold,
       sum(p.external_bought_wh) AS bought, sum(p.external_bought_wh * i.buy_micro) AS bought_nano,
       sum(p.external_sold_wh) AS sold, sum(p.external_sold_wh * i.sell_micro) AS sold_nano,
       coalesce(sum(p.equalisation_pln) FILTER (WHERE p.net_wh < 0), 0) * 1000000000 AS bought_equalisation,
       coalesce(sum(p.equalisation_pln) FILTER (WHERE p.net_wh > 0), 0) * 1000000000 AS sold_equalisation
FROM clearing_position p
JOIN billing_interval i ON i.interval_start = p.interval_start AND i.run_id = p.run_id
JOIN billing_span s ON s.metering_point_id = p.metering_point_id
    AND s.first <= p.interval_start AND p.interval_start < s.finish
WHERE p.cluster_id = %s AND p.interval_start >= %s AND p.interval_start < %s
GROUP BY 1, 2
) SELECT * FROM sums ORDER BY 1, 2
"""
_TRADES = """
WITH sums AS MATERIALIZED (
SELECT s.span, i.slot, '{side}', t.sharing_level,
       sum(t.wh) AS wh, sum(t.wh * (t.energy_pln_kwh * 1000000)::bigint) AS nano
FROM clearing_trade t
JOIN billing_interval i ON i.interval_start = t.interval_start AND i.run_id = t.run_id
JOIN billing_span s ON s.metering_point_id = t.{column}
    AND s.first <= t.interval_start AND t.interval_start < s.finish
WHERE t.cluster_id = %s AND t.interval_start >= %s AND t.interval_start < %s
GROUP BY 1, 2, 4
) SELECT * FROM sums ORDER BY 1, 2, 4
"""
_BOUGHT = _TRADES.format(side="buy", column="buyer_id")
_SOLD = _TRADES.format(side="sell", column="seller_id")
#: Net per metering point and UTC hour; an hour counts in the slot of its first interval.
_HOURS = """
SELECT h.span, i.slot, sum(greatest(-h.net_wh, 0)), sum(greatest(h.net_wh, 0))
FROM (
    SELECT s.span, min(p.interval_start) AS first, sum(p.net_wh) AS net_wh
    FROM clearing_position p
    JOIN billing_interval i ON i.interval_start = p.interval_start AND i.run_id = p.run_id
    JOIN billing_span s ON s.metering_point_id = p.metering_point_id
        AND s.first <= p.interval_start AND p.interval_start < s.finish
    WHERE p.cluster_id = %s AND p.interval_start >= %s AND p.interval_start < %s
    GROUP BY 1, date_trunc('hour', p.interval_start, 'UTC')
) h
JOIN billing_interval i ON i.interval_start = h.first
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A participant and the rows of its metering points that the month bills, each clipped to its days."""

    participant: Participant
    rows: tuple[tuple[PointAssignment, date, date], ...]

    @property
    def member(self) -> Member:
        """Who the statement is for."""
        return Member(self.participant.code, self.participant.legal_form, self.participant.vat_payer)


def accounts(cluster: Cluster, month: Month) -> list[Account]:
    """Everybody with a metering point under P2P contract in the month, by code.

    Also who has a statement of it from before and no such point any more: without rows, to be billed nothing.
    """
    in_month = Q(valid_from__lt=month.end) & (Q(valid_to=None) | Q(valid_to__gt=month.first))
    contracts = Contract.objects.filter(in_month, cluster=cluster, scheme=Contract.Scheme.P2P).order_by("valid_from")
    assignments: dict[int | None, list[PointAssignment]] = {}
    rows = PointAssignment.objects.filter(in_month, cluster=cluster, role=PointAssignment.Role.MEMBER)
    for row in rows.select_related("metering_point").order_by("metering_point__code", "valid_from"):
        assignments.setdefault(row.participant_id, []).append(row)
    billed: dict[int, list[tuple[PointAssignment, date, date]]] = {}
    for contract in contracts:
        for row in assignments.get(contract.participant_id, ()):
            first = max(month.first, contract.valid_from, row.valid_from)
            end = min(month.end, contract.valid_to or month.end, row.valid_to or month.end)
            if first < end:
                billed.setdefault(contract.participant_id, []).append((row, first, end))
    before = Statement.objects.filter(cluster=cluster, period=month.first).values("participant")
    people = Participant.objects.filter(Q(pk__in=before) | Q(pk__in=billed), cluster=cluster).order_by("code")
    return [Account(participant, tuple(billed.get(participant.pk, ()))) for participant in people]


def pin_intervals(cluster: Cluster, month: Month, month_terms: MonthTerms) -> int:
    """Fix which run of each interval is billed, for the rest of the transaction; returns how many are cleared.

    The transaction should do little else: queries that follow are planned for sums of whole months.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.billing_interval, pg_temp.billing_span")
        cursor.execute(_PLAN)
        cursor.execute(_INTERVALS, [list(month.starts), list(month_terms.slot_of), cluster.pk])
        cursor.execute("ANALYZE billing_interval")
        cursor.execute("SELECT count(*) FROM billing_interval")
        return int(cursor.fetchone()[0])


def spans(
    cluster: Cluster, month: Month, netting: str, billed: Sequence[Account]
) -> Generator[tuple[Account, tuple[Span, ...]], None, None]:
    """Each account with its sums, in the order given; to be closed in the transaction of `pin_intervals`."""
    rows = [row for account in billed for row in account.rows]
    columns = (
        list(range(len(rows))),
        [row.metering_point_id for row, _, _ in rows],
        [month.midnight(first) for _, first, _ in rows],
        [month.midnight(end) for _, _, end in rows],
    )
    with connection.cursor() as cursor:
        cursor.execute(_SPANS, columns)
        cursor.execute("ANALYZE billing_span")
    bounds = [cluster.pk, month.midnight(month.first), month.midnight(month.end)]
    with (
        closing(_Stream(_POSITIONS, bounds)) as positions,
        closing(_Stream(_BOUGHT, bounds)) as bought,
        closing(_Stream(_SOLD, bounds)) as sold,
        closing(_Stream(_HOURS, bounds)) if netting == ClusterTerms.Netting.HOUR else nullcontext() as hours,
    ):
        number = 0
        for account in billed:
            found = []
            for row, first, end in account.rows:
                sums = tuple(PositionSums(*values) for values in positions.take(number))
                trades = tuple(TradeSums(*values) for values in (*bought.take(number), *sold.take(number)))
                standard = tuple(StandardSums(*values) for values in hours.take(number)) if hours else _netted(sums)
                found.append(Span(row.metering_point.code, first, end, _profile(row), sums, trades, standard))
                number += 1
            yield account, tuple(found)


class _Stream:
    """Rows of a query that starts with the span, handed out span by span through a server-side cursor."""

    def __init__(self, sql: str, params: Sequence[Any]) -> None:
        self._cursor = connection.chunked_cursor()
        self._cursor.execute(sql, params)
        self._groups = groupby(self._cursor, key=itemgetter(0))
        self._next = next(self._groups, None)

    def take(self, span: int) -> list[tuple[Any, ...]]:
        """The rows of this span without its number, sums as whole numbers; asked for in ascending order."""
        if self._next is None or self._next[0] != span:
            return []
        rows = [tuple(v if isinstance(v, str) else int(v) for v in row[1:]) for row in self._next[1]]
        self._next = next(self._groups, None)
        return rows

    def close(self) -> None:
        self._cursor.close()


def _netted(sums: Sequence[PositionSums]) -> tuple[StandardSums, ...]:
    """A position is what an interval's netting leaves."""
    return tuple(
        StandardSums(each.slot, each.local_bought_wh + each.external_bought_wh,
                     each.local_sold_wh + each.external_sold_wh)
        for each in sums
    )  # fmt: skip


def _profile(row: PointAssignment) -> Profile:
    return Profile(row.tariff_group, row.phases, row.yearly_use_kwh, row.capacity_factor, row.contracted_power_kw)
