"""Worked examples: what a typical member pays for the grid in a winter and a summer month, by one tariff and another.

All energy comes from outside the cluster. Rates are those of one day, as if they held in the whole month, so that both
tariffs are compared over the same energy; zones are those of the month. Amounts as in a statement: `wh × micro`
exactly, monthly rates in full, each line rounded half up to 0.01, VAT on the sum of the lines.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from contracts.domain.book_difference import so_far
from contracts.domain.money import from_micro, from_nano, half_up
from contracts.domain.tariff import PER_KW_MONTH, Profile, Rate, Slot, TariffBook
from contracts.domain.typical_members import TypicalMember, member_of
from contracts.domain.zones import ANY_GROUP, FREE, ZoneRow
from metering.domain.calendar import interval_starts, local_midnight, next_month

WINTER, SUMMER = 1, 7


@dataclass(frozen=True, slots=True)
class BillLine:
    """One component in one zone: `quantity` [kWh, months, or kW × months] × `micro`; `net` in PLN with 2 decimals."""

    component: str
    zone: str
    unit: str
    quantity: Decimal
    micro: int
    net: Decimal


@dataclass(frozen=True, slots=True)
class ExampleBill:
    """Lines in the order of the book, and their sum with VAT [PLN]."""

    lines: tuple[BillLine, ...]
    net: Decimal
    vat: Decimal

    @property
    def gross(self) -> Decimal:
        return self.net + self.vat


@dataclass(frozen=True, slots=True)
class Example:
    """A member's month by both tariffs; None: the tariff has no such group."""

    group: str
    member: TypicalMember
    month: date
    wh: int
    old: ExampleBill | None
    new: ExampleBill | None

    @property
    def change(self) -> Decimal | None:
        """(new − old) / old of the gross sums; None where there is no such number."""
        if self.old is None or self.new is None or not self.old.gross:
            return None
        return (self.new.gross - self.old.gross) / self.old.gross

    def rows(self) -> Iterator[tuple[str, str, BillLine | None, BillLine | None]]:
        """Lines of both side by side, by component and zone."""
        old, new = ({(x.component, x.zone): x for x in bill.lines} if bill else {} for bill in (self.old, self.new))
        for component, zone in sorted({**old, **new}, key=lambda key: _place(key, [*new, *old])):
            yield component, zone, old.get((component, zone)), new.get((component, zone))


@dataclass(frozen=True, slots=True)
class Prices:
    """A tariff as examples need it."""

    rates: Sequence[Rate]
    zones: Sequence[ZoneRow]


def examples(
    old: Prices, new: Prices, day: date, holidays: Container[date], tz: ZoneInfo, vat_rate: Decimal
) -> list[Example]:
    """A winter and a summer month for each group that somebody is typical of, at the rates of the local day."""
    books = [_book_of_day(prices, day, holidays) for prices in (old, new)]
    months = [date(day.year, month, 1) for month in (WINTER, SUMMER)]
    slots = {(position, month): _slots(book, month, tz) for position, book in enumerate(books) for month in months}
    found = []
    for group in sorted({rate.group for book in books for rate in book.rates} - {ANY_GROUP}):
        member = member_of(group)
        if member is None:
            continue
        for month in months:
            wh = month_wh(member, month)
            bills = [
                _bill(book, group, member, month, wh, slots[position, month], vat_rate)
                for position, book in enumerate(books)
            ]
            found.append(Example(group, member, month, wh, *bills))
    return found


def month_wh(member: TypicalMember, month: date) -> int:
    """What the member draws in the month [Wh]."""
    return member.yearly_use_kwh * 1000 * member.months[month.month - 1] // sum(member.months)


def _place(key: tuple[str, str], order: Sequence[tuple[str, str]]) -> int:
    return order.index(key)


def _book_of_day(prices: Prices, day: date, holidays: Container[date]) -> TariffBook:
    """The rates of one day, open on both sides."""
    first = date(day.year, 1, 1)
    rates = tuple(replace(rate, valid_from=first, valid_to=None) for rate in so_far(prices.rates, day))
    return TariffBook(rates, tuple(prices.zones), holidays)


def _bill(
    book: TariffBook, group: str, member: TypicalMember, month: date, wh: int, slots: "_Slots", vat_rate: Decimal
) -> ExampleBill | None:
    if group not in {rate.group for rate in book.rates}:
        return None
    profile = Profile(group, member.phases, member.yearly_use_kwh, member.capacity_factor, member.contracted_power_kw)
    lines = (*_energy_lines(book, profile, member, wh, slots), *_monthly_lines(book, profile, month))
    net = sum((line.net for line in lines), Decimal("0.00"))
    return ExampleBill(lines, net, half_up(net * vat_rate, 2))


@dataclass(frozen=True, slots=True)
class _Slots:
    """The quarter-hours of a month by slot: how many there are of each hour on workdays and on free days."""

    slots: tuple[Slot, ...]
    counts: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]

    def weights(self, member: TypicalMember) -> list[int]:
        return [
            sum(
                n * weight
                for hours, shape in zip(kinds, (member.workday, member.free), strict=True)
                for n, weight in zip(hours, shape, strict=True)
            )
            for kinds in self.counts
        ]


def _slots(book: TariffBook, month: date, tz: ZoneInfo) -> _Slots:
    starts = interval_starts(local_midnight(month, tz), local_midnight(next_month(month), tz))
    index = book.slot_index(starts, tz)
    counts = np.zeros((len(index.slots), 2, 24), dtype=int)
    for start, number in zip(starts, index.of.tolist(), strict=True):
        local = start.astimezone(tz)
        counts[number, int(book.day_type(local.date()) == FREE), local.hour] += 1
    return _Slots(index.slots, tuple((tuple(w.tolist()), tuple(f.tolist())) for w, f in counts))


def _energy_lines(
    book: TariffBook, profile: Profile, member: TypicalMember, wh: int, slots: _Slots
) -> Iterator[BillLine]:
    sums: dict[tuple[str, str, int], int] = {}
    for slot, energy in zip(slots.slots, _shared(wh, slots.weights(member)), strict=True):
        for item in book.kwh_components(profile, slot):
            key = (item.component, item.zone, item.micro)
            sums[key] = sums.get(key, 0) + energy
    order = [(rate.component, rate.zone) for rate in book.rates_of(profile.group)]
    for (component, zone, micro), energy in sorted(sums.items(), key=lambda pair: order.index(pair[0][:2])):
        kwh = Decimal(energy).scaleb(-3)
        yield BillLine(component, zone, "kWh", kwh, micro, half_up(from_nano(energy * micro), 2))


def _monthly_lines(book: TariffBook, profile: Profile, month: date) -> Iterator[BillLine]:
    for item in book.monthly_components(profile, month, next_month(month)):
        by_power = item.unit == PER_KW_MONTH
        quantity = profile.contracted_power_kw if by_power else Decimal(1)
        unit = "kW*month" if by_power else "month"
        net = half_up(from_micro(item.micro) * quantity, 2)
        yield BillLine(item.component, "", unit, quantity, item.micro, net)


def _shared(whole: int, weights: Sequence[int]) -> list[int]:
    """`whole` in proportion to the weights, by largest remainder: the parts sum to it exactly.

    >>> _shared(10, [1, 1, 1])
    [4, 3, 3]
    """
    total = sum(weights) or 1
    parts = [whole * weight // total for weight in weights]
    first = sorted(range(len(weights)), key=lambda i: (-(whole * weights[i] % total), i))
    for position in first[: whole - sum(parts)]:
        parts[position] += 1
    return parts
