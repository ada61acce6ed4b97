"""Keeps the market's prices: what is published again becomes new versions, only where it differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from contracts.domain.market_prices import MarketPricesRefused, Price, PriceFault
from contracts.models import MarketPrice
from metering.domain.calendar import format_instant

#: The publisher's clock may be ahead of ours by so much.
CLOCKS_DIFFER = timedelta(minutes=5)

# A price that was published before the one that holds does not replace it, and a coordinator's file replaces nothing
# that the live source or the operator brought: all clusters are priced from this list.
_STORE = """
WITH given AS (
    SELECT * FROM unnest(%(starts)s::timestamptz[], %(prices)s::numeric[], %(published)s::timestamptz[])
             AS u(at, price, published)
), judged AS (
    SELECT g.*, coalesce(h.version, 0) AS version,
           CASE WHEN h.version IS NULL THEN 'new'
                WHEN h.pln_mwh = g.price THEN 'unchanged'
                WHEN %(via)s = 'coordinator' AND h.via <> 'coordinator' THEN 'kept'
                WHEN g.published < h.published_at THEN 'older'
                ELSE 'replaced' END AS fate
    FROM given g
    LEFT JOIN LATERAL (
        SELECT * FROM contracts_marketprice m WHERE m.interval_start = g.at ORDER BY version DESC LIMIT 1
    ) h ON true
), stored AS (
    INSERT INTO contracts_marketprice
        (interval_start, version, pln_mwh, published_at, received_at, via, source, user_id)
    SELECT at, version + 1, price, published, %(now)s, %(via)s, %(source)s, %(user)s
    FROM judged WHERE fate IN ('new', 'replaced') ORDER BY at
)
SELECT fate, count(*) FROM judged GROUP BY fate
"""


@dataclass(frozen=True)
class Stored:
    """What became of prices, in quarter-hours.

    `kept`: another price holds, from the live source or the operator. `older`: one that was published later holds.
    """

    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    kept: int = 0
    older: int = 0

    @property
    def changed(self) -> int:
        return self.new + self.replaced


@transaction.atomic
def store_market_prices(
    prices: Sequence[Price], via: MarketPrice.Via, source: str, now: datetime, user_id: int | None = None
) -> Stored:
    """Store what differs from what holds; equal prices store nothing. All or nothing.

    Raises MarketPricesRefused for a price that claims to be published in the future.
    """
    for price in prices:
        if price.published_at is not None and price.published_at > now + CLOCKS_DIFFER:
            text = f"{format_instant(price.published_at.replace(microsecond=0))} is yet to come"
            raise MarketPricesRefused([PriceFault(0, "publication_ts_utc", text)])
    with connection.cursor() as cursor:
        # One at a time: each sees what the one before has stored.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('contracts_marketprice'), 0)")
        cursor.execute(
            _STORE,
            {
                "starts": [price.start for price in prices],
                "prices": [price.pln_mwh for price in prices],
                "published": [price.published_at for price in prices],
                "via": via, "source": source[:200], "now": now, "user": user_id,
            },
        )  # fmt: skip
        return Stored(**dict(cursor.fetchall()))
