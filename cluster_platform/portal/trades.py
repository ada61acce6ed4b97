"""A member's trades. The other side appears under a pseudonym that lasts a local day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from cluster_platform.portal.energy import OWN_POSITIONS, OwnPoints
from cluster_platform.portal.periods import Span
from cluster_platform.portal.pseudonyms import pseudonyms, shuffling_salt
from metering.domain.calendar import local_day


@dataclass(frozen=True)
class TradeRow:
    """One trade as a member sees it."""

    start: datetime
    sold: bool
    neighbour: str
    sharing_level: str
    wh: int
    price_pln_kwh: Decimal
    amount_pln: Decimal

    @property
    def earned_pln(self) -> Decimal:
        """Positive where the member gets money: a sale, or a purchase at a negative price."""
        return self.amount_pln if self.sold else -self.amount_pln


@dataclass(frozen=True)
class DayOfTrades:
    """Sums of a day's trades, and one page of them."""

    rows: list[TradeRow]
    count: int
    neighbours: int
    bought_wh: int
    sold_wh: int
    paid_pln: Decimal
    received_pln: Decimal

    @property
    def traded_wh(self) -> int:
        return self.bought_wh + self.sold_wh


_TRADED = "AND (p.local_bought_wh > 0 OR p.local_sold_wh > 0)"
_OWN_TRADES = """
    JOIN clearing_trade t
      ON t.cluster_id = o.cluster_id AND t.interval_start = o.interval_start AND t.run_id = o.run_id
     AND (t.seller_id = o.metering_point_id OR t.buyer_id = o.metering_point_id)
"""
_COLUMNS = """
    t.interval_start, t.seller_id = o.metering_point_id AS sold,
    CASE WHEN t.seller_id = o.metering_point_id THEN t.buyer_id ELSE t.seller_id END AS other,
    t.sharing_level, t.wh, t.energy_pln_kwh
"""
#: Trades alike are ordered by this, never by an id, which would be the same neighbour's on every day; parameter: salt.
_SHUFFLED = "md5(%s || t.interval_start::text || t.seller_id || ' ' || t.buyer_id) AS place"
_ORDER = "interval_start DESC, wh DESC, place"


def latest_trades(cluster_id: int, own: OwnPoints, span: Span, tz: ZoneInfo, count: int = 6) -> list[TradeRow]:
    """The member's last trades in `span`, newest first; only as many quarter-hours are read as can hold them."""
    sql = f"""
    WITH o AS (
        SELECT p.cluster_id, p.metering_point_id, p.interval_start, p.run_id {OWN_POSITIONS} {_TRADED}
        ORDER BY p.interval_start DESC LIMIT %s
    )
    SELECT {_COLUMNS}, {_SHUFFLED} FROM o {_OWN_TRADES} ORDER BY {_ORDER} LIMIT %s
    """
    parameters: list[Any] = [*own.columns, cluster_id, span.start, span.end, count, shuffling_salt(), count]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = cursor.fetchall()
    return _rows(cluster_id, found, tz)


def day_of_trades(
    cluster_id: int, own: OwnPoints, span: Span, tz: ZoneInfo, page: int = 1, page_size: int = 50
) -> DayOfTrades:
    """A page of the member's trades of one day, newest first, with the day's sums."""
    sql = f"""
    WITH o AS (
        SELECT p.cluster_id, p.metering_point_id, p.interval_start, p.run_id {OWN_POSITIONS} {_TRADED}
    ),
    mine AS MATERIALIZED (SELECT {_COLUMNS}, {_SHUFFLED} FROM o {_OWN_TRADES}),
    sums AS (
        SELECT count(*), count(DISTINCT other), coalesce(sum(wh) FILTER (WHERE NOT sold), 0)::bigint,
            coalesce(sum(wh) FILTER (WHERE sold), 0)::bigint,
            coalesce(sum(wh * energy_pln_kwh / 1000) FILTER (WHERE NOT sold), 0),
            coalesce(sum(wh * energy_pln_kwh / 1000) FILTER (WHERE sold), 0)
        FROM mine
    )
    SELECT sums.*, page.* FROM sums LEFT JOIN (
        SELECT * FROM mine ORDER BY {_ORDER} LIMIT %s OFFSET %s
    ) AS page ON true
    ORDER BY page.interval_start DESC, page.wh DESC, page.place
    """
    limits = [page_size, (page - 1) * page_size]
    parameters: list[Any] = [*own.columns, cluster_id, span.start, span.end, shuffling_salt(), *limits]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = cursor.fetchall()
    rows = _rows(cluster_id, [row[6:] for row in found if row[6] is not None], tz)
    return DayOfTrades(rows, *found[0][:6])


def _rows(cluster_id: int, found: Sequence[Any], tz: ZoneInfo) -> list[TradeRow]:
    names = {day: pseudonyms(cluster_id, day) for day in {local_day(row[0], tz) for row in found}}
    return [
        TradeRow(start, sold, names[local_day(start, tz)][other], level, wh, price, price * wh / 1000)
        for start, sold, other, level, wh, price, _place in found
    ]
