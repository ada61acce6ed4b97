"""Reads the market price as the transmission system operator publishes it (PSE, `rce-pln`): JSON, a row a quarter-hour.

`dtime_utc` is the END of the quarter-hour, `business_date` the local day, `rce_pln` PLN/MWh, which may be negative. A
day is taken as a whole: 92, 96 or 100 rows.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from metering.domain.calendar import (
    INTERVAL,
    CalendarError,
    day_bounds,
    format_instant,
    interval_starts,
    is_aligned,
    local_day,
    parse_day,
)

#: Of the market, whatever the cluster's.
MARKET_ZONE = ZoneInfo("Europe/Warsaw")
MOST_FAULTS = 50
#: Decimals of PLN/MWh, and digits before them.
PLACES, WHOLE = 6, 6


@dataclass(frozen=True, slots=True)
class Price:
    """The market price of the quarter-hour that begins at `start` (UTC) [PLN/MWh], and when it was published."""

    start: datetime
    pln_mwh: Decimal
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class PriceFault:
    """A mistake of row `row` (from 1; 0: of the whole) in `field` (or none)."""

    row: int
    field: str
    text: str

    def __str__(self) -> str:
        place = [f"row {self.row}"] if self.row else []
        return f"{', '.join([*place, *([self.field] if self.field else [])]) or 'file'}: {self.text}"


class MarketPricesRefused(ValueError):
    """Prices that can't be taken, with what is wrong and where."""

    def __init__(self, faults: Sequence[PriceFault]) -> None:
        self.faults = tuple(faults[:MOST_FAULTS])
        more = len(faults) - len(self.faults)
        super().__init__("\n".join([*map(str, self.faults), *([f"… and {more} more"] if more else [])]))


def read_prices(data: bytes) -> tuple[Price, ...]:
    """The prices of a file, whole days in order of time. Raises MarketPricesRefused."""
    return check_days(read_rows(data))


def read_rows(data: bytes) -> list[object]:
    """The rows of one file, or of one page of the live source."""
    return page_of(data)[0]


def page_of(data: bytes) -> tuple[list[object], str]:
    """The rows of one answer of the live source, and where the next ones are (empty: nowhere)."""
    try:
        content = json.loads(data.decode("utf-8-sig"), parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MarketPricesRefused([PriceFault(0, "", f"this is no JSON in UTF-8: {error}")]) from error
    rows = content.get("value") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        text = 'there is no list of rows; the file looks like {"value": [{"dtime_utc": …, "rce_pln": …}, …]}'
        raise MarketPricesRefused([PriceFault(0, "", text)])
    link = content.get("nextLink") if isinstance(content, dict) else None
    return rows, link if isinstance(link, str) else ""


def check_days(rows: Iterable[object], only: date | None = None) -> tuple[Price, ...]:
    """Prices of whole local days, in order of time; of the day `only`, if given. Raises MarketPricesRefused."""
    faults: list[PriceFault] = []
    found: dict[datetime, tuple[int, Price]] = {}
    right = True
    for number, row in enumerate(rows, start=1):
        before = len(faults)
        price = _price(number, row, only, faults)
        right = right and len(faults) == before
        if price is None:
            continue
        if price.start in found:
            text = f"{format_instant(price.start + INTERVAL)} is in row {found[price.start][0]} already; keep one"
            faults.append(PriceFault(number, "dtime_utc", text))
        found.setdefault(price.start, (number, price))
    # Where rows can't be read, what lacks is not known.
    if right:
        faults += _gaps(found)
    if not found and not faults:
        faults.append(PriceFault(0, "", "there are no rows"))
    if faults:
        raise MarketPricesRefused(faults)
    return tuple(found[start][1] for start in sorted(found))


def days_of(prices: Iterable[Price]) -> list[date]:
    """The local days of prices, in order."""
    return sorted({local_day(price.start, MARKET_ZONE) for price in prices})


def _refuse(constant: str) -> Decimal:
    raise ValueError(f"{constant} is no number")


def _price(number: int, row: object, only: date | None, faults: list[PriceFault]) -> Price | None:
    if not isinstance(row, dict):
        faults.append(PriceFault(number, "", "the row is no object with fields"))
        return None
    start = _start(number, row, faults)
    price = _pln_mwh(number, row, faults)
    published = _instant(number, row, "publication_ts_utc", faults) if row.get("publication_ts_utc") else None
    day = _business_day(number, row, faults)
    if start is not None and day is not None and (owner := local_day(start, MARKET_ZONE)) != day:
        text = f"the quarter-hour that ends at {format_instant(start + INTERVAL)} belongs to {owner}, not to {day}"
        faults.append(PriceFault(number, "business_date", text))
    elif day is not None and only is not None and day != only:
        faults.append(PriceFault(number, "business_date", f"{only} was asked for, the row is of {day}"))
    return Price(start, price, published) if start is not None and price is not None else None


def _start(number: int, row: Mapping[str, object], faults: list[PriceFault]) -> datetime | None:
    end = _instant(number, row, "dtime_utc", faults)
    if end is None:
        return None
    if end.microsecond or not is_aligned(end):
        faults.append(PriceFault(number, "dtime_utc", f"'{row['dtime_utc']}' does not end a quarter-hour"))
        return None
    return end - INTERVAL


def _instant(number: int, row: Mapping[str, object], field: str, faults: list[PriceFault]) -> datetime | None:
    """A UTC time written `2026-06-14 22:15:00`, fractions of a second allowed."""
    text = row.get(field)
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    if found is None or found.utcoffset():
        said = f"'{text}' is no UTC time such as 2026-06-14 22:15:00" if field in row else "the field is missing"
        faults.append(PriceFault(number, field, said))
        return None
    return found.replace(tzinfo=UTC)


def _business_day(number: int, row: Mapping[str, object], faults: list[PriceFault]) -> date | None:
    try:
        return parse_day(str(row.get("business_date", "")))
    except CalendarError as error:
        faults.append(PriceFault(number, "business_date", str(error)))
        return None


def _pln_mwh(number: int, row: Mapping[str, object], faults: list[PriceFault]) -> Decimal | None:
    value = row.get("rce_pln")
    if not isinstance(value, Decimal):
        said = f"'{value}' is no number" if value is not None else "the price is missing"
        faults.append(PriceFault(number, "rce_pln", said))
        return None
    plain = value.normalize()
    if plain.adjusted() >= WHOLE:
        faults.append(PriceFault(number, "rce_pln", f"{value} PLN/MWh is too large"))
    elif -int(plain.as_tuple().exponent) > PLACES:
        faults.append(PriceFault(number, "rce_pln", f"{value} has more than {PLACES} decimals"))
    else:
        return value
    return None


def _gaps(found: Mapping[datetime, object]) -> list[PriceFault]:
    """Of each day that has any row: how many lack, and the first of them."""
    faults = []
    for day in sorted({local_day(start, MARKET_ZONE) for start in found}):
        starts = interval_starts(*day_bounds(day, MARKET_ZONE))
        lacking = [start for start in starts if start not in found]
        if lacking:
            have = f"{len(starts) - len(lacking)} of {len(starts)} quarter-hours"
            text = f"{day} has {have}; the first that lacks ends at {format_instant(lacking[0] + INTERVAL)}"
            faults.append(PriceFault(0, "", text))
    return faults
