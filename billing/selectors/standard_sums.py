"""What the standard mechanism would have counted as drawn and fed in, per metering point's days, mechanism and slot.

Netted by the quarter-hour it is what the positions say. Otherwise, or where the market's price of each quarter-hour or
hour counts, PostgreSQL adds it up: temporary tables say which mechanism holds when and what the market paid.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from billing.domain.errors import BillingError
from billing.domain.inputs import PositionSums, StandardSums
from billing.domain.standard import HOUR, INTERVAL, MARKET, hour_prices
from billing.selectors.accounts import Account
from billing.selectors.standards import Standards
from billing.selectors.stream import Stream
from billing.selectors.terms import Month
from contracts.domain.money import half_up, scaled
from contracts.selectors.market import market_prices
from metering.domain.calendar import format_instant

_MECHANISMS = """
CREATE TEMPORARY TABLE billing_standard ON COMMIT DROP AS
SELECT * FROM unnest(%s::int[], %s::int[], %s::boolean[], %s::boolean[], %s::boolean[], %s::bigint[],
                     %s::timestamptz[], %s::timestamptz[])
    AS u(span, standard, hourly, at_market, floored, metering_point_id, first, finish)
"""
_MARKET = """
CREATE TEMPORARY TABLE billing_market ON COMMIT DROP AS
SELECT * FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS u(number, quarter_micro, hour_micro)
"""
_PAID = """
       sum(CASE WHEN n.at_market AND n.net_wh > 0 AND NOT (n.floored AND n.micro < 0) THEN n.net_wh * n.micro
                ELSE 0 END) AS sale_nano,
       count(*) FILTER (WHERE n.at_market AND n.net_wh > 0 AND n.micro IS NULL) AS missing,
       coalesce(extract(epoch FROM min(n.interval_start) FILTER (
           WHERE n.at_market AND n.net_wh > 0 AND n.micro IS NULL)), 0) AS first_missing
"""
_ENERGY = """
FROM clearing_position p
JOIN billing_interval i ON i.interval_start = p.interval_start AND i.run_id = p.run_id
JOIN billing_standard s ON s.metering_point_id = p.metering_point_id
    AND s.first <= p.interval_start AND p.interval_start < s.finish
"""
#: Net per metering point and quarter-hour or local hour; an hour counts in the slot of its first interval. Parameters:
#: cluster and two instants, twice.
OWN_STANDARD = f"""
WITH hours AS MATERIALIZED (
    SELECT s.span, s.standard, s.at_market, s.floored, min(p.interval_start) AS first, sum(p.net_wh) AS net_wh
    {_ENERGY} WHERE p.cluster_id = %s AND p.interval_start >= %s AND p.interval_start < %s AND s.hourly
    GROUP BY 1, 2, 3, 4, i.hour
), sums AS MATERIALIZED (
    SELECT n.span, n.slot, n.standard, sum(greatest(-n.net_wh, 0)) AS drawn, sum(greatest(n.net_wh, 0)) AS fed_in,
           {_PAID}
    FROM (
        SELECT s.span, i.slot, s.standard, s.at_market, s.floored, p.net_wh, i.interval_start,
               m.quarter_micro AS micro
        {_ENERGY} LEFT JOIN billing_market m ON m.number = i.number
        WHERE p.cluster_id = %s AND p.interval_start >= %s AND p.interval_start < %s AND NOT s.hourly
    ) n GROUP BY 1, 2, 3
    UNION ALL
    SELECT n.span, n.slot, n.standard, sum(greatest(-n.net_wh, 0)) AS drawn, sum(greatest(n.net_wh, 0)) AS fed_in,
           {_PAID}
    FROM (
        SELECT h.span, i.slot, h.standard, h.at_market, h.floored, h.net_wh, i.interval_start, m.hour_micro AS micro
        FROM hours h JOIN billing_interval i ON i.interval_start = h.first
        LEFT JOIN billing_market m ON m.number = i.number
    ) n GROUP BY 1, 2, 3
) SELECT span, slot, standard, drawn::bigint, fed_in::bigint, sale_nano::bigint, missing, first_missing::bigint
FROM sums ORDER BY 1, 2, 3
"""


class StandardSpans:
    """Which standard mechanism holds in which span. Makes the temporary tables that `OWN_STANDARD` reads."""

    def __init__(self, month: Month, standards: Standards, billed: Sequence[Account]) -> None:
        self._month = month
        #: Of a span that needs no sums of its own: the number of its only mechanism.
        self._as_positions: dict[int, int] = {}
        rows: list[tuple[Any, ...]] = []
        spans = [(account.participant, *row) for account in billed for row in account.rows]
        for span, (participant, row, first, end) in enumerate(spans):
            pieces = standards.pieces(participant, first, end)
            kinds = [standards.found[piece.standard] for piece in pieces]
            if len(pieces) == 1 and kinds[0].netting == INTERVAL and kinds[0].kind != MARKET:
                self._as_positions[span] = pieces[0].standard
                continue
            rows += [
                (
                    span, piece.standard, kind.netting == HOUR, kind.kind == MARKET, kind.floored,
                    row.metering_point_id, month.midnight(piece.first), month.midnight(piece.end),
                )
                for piece, kind in zip(pieces, kinds, strict=True)
            ]  # fmt: skip
        at_market = any(kind.kind == MARKET for kind in standards.found)
        with connection.cursor() as cursor:
            cursor.execute(_MECHANISMS, [list(column) for column in zip(*rows, strict=True)] or [[]] * 8)
            cursor.execute(_MARKET, _prices(month) if at_market else [[]] * 3)
            cursor.execute("ANALYZE billing_standard; ANALYZE billing_market")

    def sums(self, span: int, member: str, positions: Sequence[PositionSums], own: Stream) -> tuple[StandardSums, ...]:
        """Of one span, asked for in ascending order. Raises BillingError where the market's price is not known."""
        standard = self._as_positions.get(span)
        if standard is not None:
            return tuple(
                StandardSums(
                    row.slot, standard, row.local_bought_wh + row.external_bought_wh,
                    row.local_sold_wh + row.external_sold_wh,
                )
                for row in positions
            )  # fmt: skip
        found, unpriced = [], []
        for slot, number, drawn, fed_in, sale_nano, missing, first_missing in own.take(span):
            found.append(StandardSums(slot, number, drawn, fed_in, sale_nano))
            if missing:
                unpriced.append((first_missing, missing))
        if unpriced:
            first = format_instant(datetime.fromtimestamp(min(unpriced)[0], UTC))
            raise BillingError(
                f"There is no market price for {sum(count for _, count in unpriced)} quarter-hours or hours of "
                f"{self._month.name} in which {member} fed in, the first {first}: import the market prices."
            )
        return tuple(found)


def _prices(month: Month) -> list[list[Any]]:
    """Number, price and hour's price [micro-PLN/kWh] of each interval of the month; None where none is known."""
    known = market_prices(month.starts[0], month.midnight(month.end))
    quarters = [
        scaled(half_up(price, 3), 3) if (price := known.get(start)) is not None else None for start in month.starts
    ]
    return [list(range(len(quarters))), quarters, hour_prices(quarters, month.hours)]
