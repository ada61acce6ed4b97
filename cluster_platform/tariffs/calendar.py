"""A group's tariff as weeks of coloured hours, one for each season, with the price of each zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext

from billing import numbers
from cluster_platform.portal import words
from contracts.domain.book_calendar import (
    Part,
    Season,
    ZonePrice,
    clock_changes,
    month_ranges,
    seasons,
    zone_prices,
)
from contracts.domain.money import from_micro
from contracts.domain.tariff import Rate
from contracts.domain.zones import DAY_MINUTES, ZoneRow, format_clock
from contracts.services.book_review import Place
from metering.domain.calendar import INTERVAL_MINUTES, next_holidays, public_holidays

#: Shades from cheap to dear.
SHADES = 5
YEAR = 366
MONDAY = date(2024, 1, 1)
HOLIDAYS_LISTED = 6
HOURS_A_HEADING = 3
SHORT = 13
#: Shade and rank of each zone.
Shades = dict[str, tuple[int, int]]
NOTHING = (0, 0)


@dataclass(frozen=True)
class Cell:
    """A stretch of hours; `rank` counts the zones from the cheapest, 0: nothing."""

    quarter_hours: int
    zone: str
    shade: int
    rank: int
    hours: str

    @property
    def short(self) -> bool:
        """Too short for a word, even on a wide screen."""
        return self.quarter_hours < SHORT


@dataclass(frozen=True)
class Row:
    """A day of the week, with its hours from midnight to midnight."""

    name: str
    short_name: str
    cells: list[Cell]


@dataclass(frozen=True)
class Band:
    """A surcharge: when it is charged, by day type."""

    zone: str
    rows: list[Row]


@dataclass(frozen=True)
class Week:
    """A season: its months, its week, and what is charged on top; `hours` says the same in words, by zone."""

    months: str
    rows: list[Row]
    bands: list[Band]
    hours: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Price:
    """What a kWh costs in a zone."""

    zone: str
    shade: int
    rank: int
    price: ZonePrice


def calendar_of(group: str, rates: Sequence[Rate], zones: Sequence[ZoneRow], day: date, place: Place) -> dict[str, Any]:
    """The context of the calendar: seasons, prices on the local day, next holidays and changes of the clock."""
    year = seasons(group, zones, rates)
    prices = zone_prices(group, zones, rates, day)
    shades = _shades(prices)
    told = [Price(price.zone, *shades.get(price.zone, NOTHING), price) for price in prices]
    holidays = next_holidays(place.country, day, HOLIDAYS_LISTED, get_language() or "")
    changes = clock_changes(year, public_holidays(place.country), place.tz, YEAR, day)
    own = sorted((price for price in told if not price.price.surcharge), key=lambda price: price.price.micro)
    cheapest, dearest = own[0], own[-1]
    return {
        "group": group,
        "day": day,
        "weeks": [_week(season, shades) for season in year],
        "prices": told,
        "cheapest": cheapest,
        "dearest": dearest,
        "one_price": cheapest.price.micro == dearest.price.micro,
        "price_unit": numbers.price_unit(),
        "hours": [f"{hour:02d}" for hour in range(0, 24, HOURS_A_HEADING)],
        "by_phases": any(price.phases for price in prices),
        "by_use": any(price.use_from_kwh for price in prices),
        "holidays": holidays,
        "clock_changes": [
            (change, format_clock(change.minute), format_clock(change.minute + 60)) for change in changes
        ],
    }


def _shades(prices: Sequence[ZonePrice]) -> Shades:
    """Shade and rank of each own zone by what it costs, the cheapest first and lightest."""
    dearest: dict[str, int] = {}
    for price in prices:
        if not price.surcharge:
            dearest[price.zone] = max(dearest.get(price.zone, 0), price.micro)
    order = sorted(dearest, key=lambda zone: (dearest[zone], zone))
    if len(order) == 1:
        return {order[0]: (2, 1)}
    return {zone: (1 + round(at * (SHADES - 1) / (len(order) - 1)), at + 1) for at, zone in enumerate(order)}


def _week(season: Season, shades: Shades) -> Week:
    dates = [MONDAY + timedelta(days=n) for n in range(7)]
    rows = [
        Row(date_format(day, "l"), date_format(day, "D"), _cells(season.workday if n < 5 else season.free, shades))
        for n, day in enumerate(dates)
    ]
    rows.append(Row(gettext("Public holiday"), gettext("holiday"), _cells(season.free, shades)))
    bands = [
        Band(
            zone,
            [
                Row(gettext("Monday to Friday"), gettext("Mon – Fri"), _cells(workday, {zone: (SHADES, 0)})),
                Row(gettext("Weekends, holidays"), gettext("free"), _cells(free, {zone: (SHADES, 0)})),
            ],
        )
        for zone, workday, free in season.surcharges
    ]
    return Week(
        months=_months(season.months),
        rows=rows,
        bands=bands,
        hours=_hours(season),
    )


def _months(months: Sequence[int]) -> str:
    """The season in words: whole year, or months from and to."""
    if len(months) == 12:
        return gettext("All year")
    names = [[_month(number) for number in pair] for pair in month_ranges(months)]
    text = ", ".join(first if first == last else f"{first} – {last}" for first, last in names)
    return text[:1].upper() + text[1:]


def _month(number: int) -> str:
    return words.dated(date(2024, number, 1), "F")


def _cells(parts: Sequence[Part], shades: Shades) -> list[Cell]:
    return [
        Cell((p.end - p.start) // INTERVAL_MINUTES, p.zone, *shades.get(p.zone, NOTHING), _span(p.start, p.end))
        for p in parts
    ]


def _hours(season: Season) -> list[tuple[str, str, str]]:
    """Each zone with its hours on workdays and on free days, then the surcharges."""
    zones = dict.fromkeys(part.zone for part in (*season.workday, *season.free))
    own = [(zone, hours_of(season.workday, zone), hours_of(season.free, zone)) for zone in zones]
    return own + [(zone, hours_of(workday, zone), hours_of(free, zone)) for zone, workday, free in season.surcharges]


def hours_of(parts: Sequence[Part], zone: str) -> str:
    """`13:00–15:00, 22:00–06:00`: a stretch over midnight is one; empty: none."""
    spans = [(part.start, part.end) for part in parts if part.zone == zone]
    if len(spans) > 1 and spans[0][0] == 0 and spans[-1][1] == DAY_MINUTES:
        spans = [*spans[1:-1], (spans[-1][0], spans[0][1])]
    if spans == [(0, DAY_MINUTES)]:
        return gettext("all day")
    return ", ".join(_span(start, end) for start, end in spans)


def _span(start: int, end: int) -> str:
    return f"{format_clock(start)}–{format_clock(end)}"


def plain_rate(micro: int) -> str:
    """PLN with two to six decimals, as many as matter."""
    value = from_micro(micro)
    places = max(2, -int(value.normalize().as_tuple().exponent))
    return numbers.number(value, places)
