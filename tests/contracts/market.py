"""Market prices as they are published."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from contracts.domain.market_prices import MARKET_ZONE
from metering.domain.calendar import INTERVAL, day_bounds, interval_starts

SAMPLE = Path(__file__).parents[1] / "data" / "market" / "rce-pln_2026-06-15.json"
PUBLISHED = "2026-06-14 12:24:05.631000"


def rows_of(day: date, first: str = "400.00", **changes: str) -> list[dict[str, Any]]:
    """A day's rows, each 1 PLN/MWh dearer than the one before. `changes`: other prices, by `at_` and the end in UTC."""
    rows = []
    for number, start in enumerate(interval_starts(*day_bounds(day, MARKET_ZONE))):
        end = start + INTERVAL
        price = changes.get(f"{end:at_%H%M}", str(Decimal(first) + number))
        rows.append(
            {
                "dtime": f"{end.astimezone(MARKET_ZONE):%Y-%m-%d %H:%M:%S}", "rce_pln": float(price),
                "dtime_utc": f"{end:%Y-%m-%d %H:%M:%S}", "business_date": f"{day}",
                "publication_ts_utc": f"{day - timedelta(days=1)} 12:24:05.631000",
            }
        )  # fmt: skip
    return rows


def as_file(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"value": rows}).encode()
