"""What settling again has changed: by participant or by quarter-hour, before, after and why."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

QUARTER_HOURS_A_PAGE = 96
#: Why a position differs: another reading of its own, in or out of the P2P scheme, another external price, another
#: grid fee; none of these: what the others did, or other rules.
CAUSES = ("reading", "contract", "price", "grid_fee")

# Quarter-hours whose run in force is another than the one it is compared with: the last one settled up to `since`, or
# else the first.
_PAIRS = """
SELECT r.interval_start, before.id, r.id
FROM clearing_clearingrun r
JOIN clearing_intervalstate s
  ON s.cluster_id = r.cluster_id AND s.interval_start = r.interval_start AND s.run_id = r.id
CROSS JOIN LATERAL (
    SELECT b.id FROM clearing_clearingrun b
    WHERE b.cluster_id = r.cluster_id AND b.interval_start = r.interval_start
      AND (b.revision = 1 OR b.cleared_at <= %(since)s)
    ORDER BY b.revision DESC LIMIT 1
) before
WHERE r.cluster_id = %(cluster)s AND r.revision > 1 AND before.id <> r.id
  AND r.interval_start >= %(start)s AND r.interval_start < %(end)s
"""
# Cost: energy and grid fees paid less energy sold, net of VAT. In whole nano-PLN (Wh × micro-PLN/kWh), which adds up
# several times faster than numeric and as exactly.
_CHANGED = """
WITH run AS (
    SELECT u.id, u.now, (r.buy_pln_kwh * 1000000)::bigint AS buy, (r.sell_pln_kwh * 1000000)::bigint AS sell,
           coalesce((r.local_price_pln_kwh * 1000000)::bigint, 0) AS local
    FROM unnest(%(runs)s::bigint[], %(now)s::bool[]) AS u(id, now)
    JOIN clearing_clearingrun r ON r.cluster_id = %(cluster)s AND r.id = u.id
), fee AS (
    SELECT t.run_id, t.buyer_id, sum(t.wh * (t.grid_fee_pln_kwh * 1000000)::bigint)::bigint AS nano
    FROM clearing_trade t
    WHERE t.cluster_id = %(cluster)s AND t.interval_start >= %(start)s AND t.interval_start < %(end)s
      AND t.run_id = ANY(%(runs)s)
    GROUP BY 1, 2
), side AS (
    SELECT p.interval_start, p.metering_point_id, r.now, r.buy, r.sell, p.net_wh, p.external_grid_fee_pln_kwh AS fee,
           p.local_bought_wh, p.external_bought_wh, p.local_sold_wh, p.external_sold_wh,
           (p.local_bought_wh - p.local_sold_wh) * r.local + p.external_bought_wh * r.buy - p.external_sold_wh * r.sell
           + (p.equalisation_pln * 1000000000)::bigint + coalesce(fee.nano, 0)
           + p.external_bought_wh * coalesce((p.external_grid_fee_pln_kwh * 1000000)::bigint, 0) AS nano
    FROM clearing_position p
    JOIN run r ON r.id = p.run_id
    LEFT JOIN fee ON fee.run_id = p.run_id AND fee.buyer_id = p.metering_point_id
    WHERE p.cluster_id = %(cluster)s AND p.interval_start >= %(start)s AND p.interval_start < %(end)s
      AND p.run_id = ANY(%(runs)s)
), compared AS (
    SELECT interval_start, metering_point_id, {sides}
           count(*) = 2 AND min(net_wh) <> max(net_wh) AS reading,
           count(*) = 1 AS contract,
           min(buy) <> max(buy) OR min(sell) <> max(sell) AS price,
           min(fee) <> max(fee) AS grid_fee
    FROM side GROUP BY 1, 2
), changed AS (
    SELECT * FROM compared WHERE (b1, b2, b3, b4, b5) <> (a1, a2, a3, a4, a5)
), own AS (
    SELECT c.*, a.participant_id FROM changed c
    JOIN metering_pointassignment a
      ON a.cluster_id = %(cluster)s AND a.metering_point_id = c.metering_point_id
     AND c.interval_start >= a.valid_from::timestamp AT TIME ZONE %(zone)s
     AND c.interval_start < coalesce(a.valid_to::timestamp AT TIME ZONE %(zone)s, 'infinity')
)
"""
_MEASURES = ("local_bought_wh", "external_bought_wh", "local_sold_wh", "external_sold_wh", "nano")
_SIDES = "".join(
    f"coalesce(sum({name}) FILTER (WHERE {when}), 0)::bigint AS {side}{number}, "
    for side, when in (("b", "NOT now"), ("a", "now"))
    for number, name in enumerate(_MEASURES, start=1)
)
_SUMS = """
    sum(b1)::bigint, sum(b2)::bigint, sum(b3)::bigint, sum(b4)::bigint, sum(b5) / 1000000000,
    sum(a1)::bigint, sum(a2)::bigint, sum(a3)::bigint, sum(a4)::bigint, sum(a5) / 1000000000,
    bool_or(reading), bool_or(contract), bool_or(price), bool_or(grid_fee)
"""
_BY_PARTICIPANT = f"""{_CHANGED.format(sides=_SIDES)}
SELECT own.participant_id, p.code || ' ' || p.name, count(DISTINCT interval_start), {_SUMS}
FROM own JOIN participants_participant p ON p.cluster_id = %(cluster)s AND p.id = own.participant_id
GROUP BY 1, 2 ORDER BY abs(sum(a5) - sum(b5)) DESC, 2
"""
_BY_QUARTER_HOUR = f"""{_CHANGED.format(sides=_SIDES)}
SELECT interval_start, '', 1, {_SUMS} FROM own WHERE participant_id = %(participant)s
GROUP BY 1 ORDER BY 1 LIMIT %(limit)s OFFSET %(offset)s
"""


@dataclass(frozen=True)
class Side:
    """Energy with neighbours and outside (Wh), and what it costs with its grid fees, less what is sold (PLN, net)."""

    drawn_local_wh: int
    drawn_outside_wh: int
    fed_local_wh: int
    fed_outside_wh: int
    cost_pln: Decimal

    @property
    def drawn_wh(self) -> int:
        return self.drawn_local_wh + self.drawn_outside_wh

    @property
    def fed_wh(self) -> int:
        return self.fed_local_wh + self.fed_outside_wh


@dataclass(frozen=True)
class Difference:
    """Of a participant (`key` is its id) or a quarter-hour (`key` is its start)."""

    key: Any
    name: str
    quarter_hours: int
    before: Side
    after: Side
    causes: tuple[str, ...]

    @property
    def cost_pln(self) -> Decimal:
        """By how much the cost has changed; positive: more to pay."""
        return self.after.cost_pln - self.before.cost_pln


def by_participant(
    cluster_id: int, start: datetime, end: datetime, since: datetime | None, tz: ZoneInfo
) -> list[Difference]:
    """Whose settlement of `[start, end)` has changed, the greatest difference first. Needs the scope.

    Compared with what was settled up to `since`; what was settled later, or without `since`, with its first result.
    """
    return _fetch(_BY_PARTICIPANT, cluster_id, start, end, since, tz)


def by_quarter_hour(
    cluster_id: int, start: datetime, end: datetime, since: datetime | None, tz: ZoneInfo, participant: int, page: int
) -> list[Difference]:
    """One participant's changed quarter-hours, oldest first; `page` counts from 1."""
    offset = (page - 1) * QUARTER_HOURS_A_PAGE
    place = {"participant": participant, "limit": QUARTER_HOURS_A_PAGE, "offset": offset}
    return _fetch(_BY_QUARTER_HOUR, cluster_id, start, end, since, tz, **place)


def _fetch(
    sql: str, cluster_id: int, start: datetime, end: datetime, since: datetime | None, tz: ZoneInfo, **place: int
) -> list[Difference]:
    asked: dict[str, Any] = {"cluster": cluster_id, "start": start, "end": end, "since": since, "zone": tz.key}
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, asked)
        pairs = cursor.fetchall()
        if not pairs:
            return []
        runs = {"runs": [run for _, *both in pairs for run in both], "now": [False, True] * len(pairs)}
        # The planner expects a row or two of what a month settled anew has hundreds of thousands of.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(sql, asked | runs | place)
        rows = cursor.fetchall()
        cursor.execute("SET LOCAL enable_nestloop = DEFAULT")
        return [
            Difference(
                row[0], row[1], row[2], Side(*row[3:8]), Side(*row[8:13]),
                tuple(cause for cause, true in zip(CAUSES, row[13:], strict=True) if true) or ("others",),
            )
            for row in rows
        ]  # fmt: skip
