"""The market's prices."""

from datetime import date, datetime
from decimal import Decimal

from django.db import connection

from contracts.models import MarketPrice

_DAYS = """
SELECT (interval_start AT TIME ZONE %s)::date AS day, count(*), min(pln_mwh), max(pln_mwh), avg(pln_mwh),
       max(version), max(published_at), max(received_at)
FROM (
    SELECT DISTINCT ON (interval_start) * FROM contracts_marketprice
    WHERE interval_start >= %s AND interval_start < %s ORDER BY interval_start, version DESC
) held
GROUP BY 1 ORDER BY 1
"""


def market_prices(start: datetime, end: datetime) -> dict[datetime, Decimal]:
    """The price in force of each quarter-hour of [start, end) that has any [PLN/MWh]."""
    rows = MarketPrice.objects.filter(interval_start__gte=start, interval_start__lt=end).order_by("version")
    return dict(rows.values_list("interval_start", "pln_mwh"))


def market_days(start: datetime, end: datetime, zone: str) -> list[tuple[date, int, Decimal, Decimal, Decimal]]:
    """Local days of [start, end) with their quarter-hours, lowest, highest, mean price, versions and times."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [zone, start, end])
        return cursor.fetchall()
