"""Laws of a tariff made of several books: on each day it says what the book that holds then says, and nothing else."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.domain.composition import Book, compose, divide
from contracts.domain.tariff import Rate, TariffBook
from contracts.domain.zones import ZoneRow

START = date(2026, 1, 1)
DAYS = [START + timedelta(days=n) for n in range(40)]
days = st.integers(0, 30).map(lambda n: START + timedelta(days=n))


@st.composite
def rates(draw: st.DrawFn) -> tuple[Rate, ...]:
    """Rates of two components, each once to three times, one after the other, no two alike side by side."""
    found = []
    for component in ("network", "quality"):
        # A published book has rates from its first day on.
        edges = sorted(draw(st.sets(days, min_size=1, max_size=3)) | ({START} if component == "network" else set()))
        start = draw(st.integers(0, 1))
        for turn, (first, end) in enumerate(pairwise([*edges, None])):
            micro = 100 + (start + turn) % 2
            found.append(Rate("G", None, None, None, component, "flat", "PLN/kWh", micro, "full", first, end))
    return tuple(found)


zones = st.lists(
    st.builds(ZoneRow, st.just("G"), st.sampled_from(["day", "night"]), st.just("1-12"), st.just("all"),
              st.sampled_from([0, 360]), st.just(720)),
    unique=True, max_size=3,
).map(tuple)  # fmt: skip
discounts = st.sampled_from([{}, {"station": Decimal("0.25")}, {"station": Decimal("0.3")}])
books = st.lists(st.builds(Book, days, rates(), zones, discounts), min_size=1, max_size=4)


def without_days(rows: tuple[Rate, ...] | tuple[ZoneRow, ...]) -> list[object]:
    return sorted((replace(row, valid_from=START, valid_to=None) for row in rows), key=repr)


def holding(found: list[Book], day: date) -> Book | None:
    begun = [(book.valid_from, number) for number, book in enumerate(found) if book.valid_from <= day]
    return found[max(begun)[1]] if begun else None


@settings(deadline=None)
@given(books)
def test_each_day_is_that_of_the_book_that_holds(found: list[Book]) -> None:
    tariff = compose(found)
    whole = TariffBook(tariff.rates, tariff.zones, (), tariff.discounts)
    for day in DAYS:
        book = holding(found, day)
        on = tuple(rate for rate in tariff.rates if rate.on(day))
        assert without_days(on) == (without_days(tuple(r for r in book.rates if r.on(day))) if book else [])
        if book:
            assert without_days(tuple(z for z in tariff.zones if z.in_force(day))) == without_days(book.zones)
        assert whole.discounts_on(day, {}) == (book.discounts if book else {})


@settings(deadline=None)
@given(books)
def test_nothing_is_divided_but_what_changes(found: list[Book]) -> None:
    """No two rows that touch say the same."""
    tariff = compose(found)
    for row in tariff.rates:
        for other in tariff.rates:
            if row.valid_to == other.valid_from:
                assert replace(row, valid_from=START, valid_to=None) != replace(other, valid_from=START, valid_to=None)


@settings(deadline=None)
@given(books)
def test_dividing_is_the_inverse(found: list[Book]) -> None:
    tariff = compose(found)
    again = compose(divide(tariff))
    assert set(again.rates) == set(tariff.rates)
    assert again.discounts == tariff.discounts
    # Days before the first rate, and stretches without one, need no zones.
    for day in (row.valid_from for row in tariff.rates):
        assert without_days(tuple(z for z in again.zones if z.in_force(day))) == without_days(
            tuple(z for z in tariff.zones if z.in_force(day))
        )


@settings(deadline=None)
@given(books)
def test_a_book_that_says_the_same_changes_nothing(found: list[Book]) -> None:
    tariff = compose(found)
    for book in found:
        copy = replace(book, valid_from=max(book.valid_from, DAYS[20]))
        if holding(found, copy.valid_from) == book:
            after = compose([*found, copy])
            assert (set(after.rates), set(after.zones)) == (set(tariff.rates), set(tariff.zones))
            assert after.discounts == tariff.discounts
