"""One tariff out of a distributor's books: on each local day one of them holds.

That is the one with the latest first day not after it; of two with the same first day the later version. A book is cut
to the days on which it holds, and what two books say alike on both sides of a cut stays one row, so that a new book
divides nothing but what it changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from contracts.domain.tariff import DatedDiscounts, Rate
from contracts.domain.zones import ZoneRow

Row = TypeVar("Row", Rate, ZoneRow, DatedDiscounts)


@dataclass(frozen=True, slots=True)
class Book:
    """One version of a tariff: what it says from the local day `valid_from` on."""

    valid_from: date
    rates: tuple[Rate, ...]
    zones: tuple[ZoneRow, ...]
    discounts: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Tariff:
    """The rates, zones and discounts of all days. `starts` are the days on which another book begins to hold."""

    rates: tuple[Rate, ...]
    zones: tuple[ZoneRow, ...]
    discounts: tuple[DatedDiscounts, ...]
    starts: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """The local days `[first, end)` on which the `position`-th version holds; None = open."""

    position: int
    first: date
    end: date | None


def held(starts: Sequence[date]) -> tuple[Held, ...]:
    """When each version holds, in order of days; `starts` are the versions' first days, in order of versions.

    >>> [(h.position, h.first.isoformat()) for h in held([date(2026, 1, 1), date(2026, 7, 1), date(2026, 3, 1)])]
    [(0, '2026-01-01'), (2, '2026-03-01'), (1, '2026-07-01')]
    """
    last = {start: position for position, start in enumerate(starts)}
    days = sorted(last)
    return tuple(Held(last[day], day, end) for day, end in zip(days, [*days[1:], None] if days else [], strict=True))


def compose(books: Sequence[Book]) -> Tariff:
    """What holds on each day; `books` in order of their versions. The order of rows is that of the earliest book."""
    spans = held([book.valid_from for book in books])
    rates: list[Rate] = []
    zones: list[ZoneRow] = []
    discounts: list[DatedDiscounts] = []
    for number, span in enumerate(spans):
        book = books[span.position]
        # Zones say when in the week a rate is due: before the first book there is none, so they need no first day.
        start = span.first if number else None
        _add(rates, [part for rate in book.rates if (part := clipped(rate, span.first, span.end))], span.first)
        _add(zones, [replace(zone, valid_from=start, valid_to=span.end) for zone in book.zones], span.first)
        if book.discounts:
            _add(discounts, [DatedDiscounts(span.first, span.end, book.discounts)], span.first)
    return Tariff(tuple(rates), tuple(zones), tuple(discounts), tuple(span.first for span in spans))


def clipped(rate: Rate, first: date, end: date | None) -> Rate | None:
    """The rate within the days `[first, end)`; None if it is in force on none of them."""
    start = max(rate.valid_from, first)
    stop = min((day for day in (rate.valid_to, end) if day is not None), default=None)
    return None if stop is not None and stop <= start else replace(rate, valid_from=start, valid_to=stop)


def _add(found: list[Row], rows: Sequence[Row], day: date) -> None:
    """Append a book's rows; those that go on from `day` as they were until then make the earlier row longer."""
    until = {_but_for_days(row): place for place, row in enumerate(found) if row.valid_to == day}
    for row in rows:
        place = until.get(_but_for_days(row)) if row.valid_from == day else None
        if place is None:
            found.append(row)
        else:
            found[place] = replace(found[place], valid_to=row.valid_to)


def _but_for_days(row: Row) -> tuple[object, ...]:
    names = [name for name in row.__dataclass_fields__ if name not in ("valid_from", "valid_to")]
    return tuple(tuple(sorted(v.items())) if isinstance(v := getattr(row, n), Mapping) else v for n in names)


def stretches(tariff: Tariff) -> tuple[Held, ...]:
    """The days between the tariff's starts and those of its zones and discounts: one book says what holds on them."""
    dated: tuple[ZoneRow | DatedDiscounts, ...] = (*tariff.zones, *tariff.discounts)
    days = {*tariff.starts, *(day for row in dated for day in (row.valid_from, row.valid_to) if day)}
    first = min((rate.valid_from for rate in tariff.rates), default=None)
    if first is not None:
        days = {first, *(day for day in days if day > first)}
    return held(sorted(days))


def cut(tariff: Tariff, span: Held) -> tuple[dict[int, Rate], dict[int, ZoneRow]]:
    """What the tariff says on the days of a stretch, by the index of the row: rates cut to it, zones without days."""
    rates = {index: clipped(rate, span.first, span.end) for index, rate in enumerate(tariff.rates)}
    zones = {index: row for index, row in enumerate(tariff.zones) if row.in_force(span.first)}
    return (
        {index: rate for index, rate in rates.items() if rate is not None},
        {index: replace(row, valid_from=None, valid_to=None) for index, row in zones.items()},
    )


def divide(tariff: Tariff) -> tuple[Book, ...]:
    """The inverse of `compose`: one book for each stretch."""
    books = []
    for span in stretches(tariff):
        rates, zones = cut(tariff, span)
        inside = [row for row in tariff.discounts if row.in_force(span.first)]
        discounts = inside[0].discounts if inside else {}
        books.append(Book(span.first, tuple(rates.values()), tuple(zones.values()), discounts))
    return tuple(books)
