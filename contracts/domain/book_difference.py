"""What a tariff says otherwise than another one, day by day: rates per group and component, zones, sharing discounts.

Two tariffs are compared on the days on which they differ, however their rows are cut: a row that is only written in two
parts is no difference. A rate that begins where nothing was is told against the one before it, as in a new year's book.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from contracts.domain.tariff import Rate
from contracts.domain.zones import ZoneRow


class RateKey(NamedTuple):
    """What makes two rows rates of the same thing."""

    group: str
    component: str
    zone: str
    phases: int | None
    use_from_kwh: int | None
    use_to_kwh: int | None


@dataclass(frozen=True, slots=True)
class RateChange:
    """A rate on the local days `[first, end)`; `old` None = added, `new` None = removed.

    `earlier`: `old` is the last one before, not one of these days.
    """

    key: RateKey
    first: date
    end: date | None
    old: Rate | None
    new: Rate | None
    earlier: bool = False

    @property
    def share(self) -> Decimal | None:
        """(new − old) / old; None where there is no such number."""
        if self.old is None or self.new is None or not self.old.micro or self.old.unit != self.new.unit:
            return None
        return Decimal(self.new.micro - self.old.micro) / Decimal(self.old.micro)

    @property
    def same_rate(self) -> bool:
        """Whether the figure stays and only its days, unit or local treatment do not."""
        return self.old is not None and self.new is not None and self.old.micro == self.new.micro


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """A row of the zones that only one of both has."""

    row: ZoneRow
    added: bool


@dataclass(frozen=True, slots=True)
class DiscountChange:
    """The discount at a sharing level; None: the book names none."""

    level: str
    old: Decimal | None
    new: Decimal | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Sorted by group, component and days. `unchanged`: how many of the new rates hold just as before."""

    rates: tuple[RateChange, ...]
    zones: tuple[ZoneChange, ...]
    discounts: tuple[DiscountChange, ...]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.rates or self.zones or self.discounts)


@dataclass(frozen=True, slots=True)
class Said:
    """What one tariff says: rates with their days, and the zones and discounts that are compared."""

    rates: Sequence[Rate]
    zones: Sequence[ZoneRow]
    discounts: Mapping[str, Decimal]


def difference(old: Said, new: Said, since: date) -> Difference:
    """What `new` says otherwise than `old` from the local day `since` on."""
    before, after = _by_key(old.rates), _by_key(new.rates)
    changes: list[RateChange] = []
    touched: set[RateKey] = set()
    for key in sorted({*before, *after}, key=_order):
        found = list(_changes(key, before.get(key, []), after.get(key, []), since))
        changes += found
        if found:
            touched.add(key)
    levels = sorted({*old.discounts, *new.discounts})
    return Difference(
        rates=tuple(changes),
        zones=tuple(_zone_changes(old.zones, new.zones)),
        discounts=tuple(
            DiscountChange(level, old.discounts.get(level), new.discounts.get(level))
            for level in levels
            if old.discounts.get(level) != new.discounts.get(level)
        ),
        unchanged=len(after.keys() - touched),
    )


def so_far(rates: Sequence[Rate], day: date) -> list[Rate]:
    """The rates in force on the local day, or of a group whose rates have run out the last ones before it."""
    before = [rate for rate in rates if rate.valid_from <= day]
    ends: dict[str, date] = {}
    for rate in before:
        ends[rate.group] = max(ends.get(rate.group, date.min), rate.valid_to or date.max)
    return [rate for rate in before if rate.on(day) or (rate.valid_to == ends[rate.group] and ends[rate.group] <= day)]


def key_of(rate: Rate) -> RateKey:
    """What the row is a rate of."""
    return RateKey(rate.group, rate.component, rate.zone, rate.phases, rate.use_from_kwh, rate.use_to_kwh)


def _order(key: RateKey) -> tuple[object, ...]:
    return (key.group, key.component, key.zone, key.phases or 0, key.use_from_kwh or 0, key.use_to_kwh or 0)


def _by_key(rates: Sequence[Rate]) -> dict[RateKey, list[Rate]]:
    found: dict[RateKey, list[Rate]] = {}
    for rate in rates:
        found.setdefault(key_of(rate), []).append(rate)
    return found


def _changes(key: RateKey, old: Sequence[Rate], new: Sequence[Rate], since: date) -> Iterator[RateChange]:
    """Stretches of days on which both differ; neighbouring ones with the same two rows are one."""
    ends = {rate.valid_to for rate in (*old, *new)}
    days = sorted({since, *(rate.valid_from for rate in (*old, *new)), *(day for day in ends if day)})
    days = [day for day in days if day >= since]
    open_change: RateChange | None = None
    for first, end in zip(days, [*days[1:], None], strict=True):
        was = next((rate for rate in old if rate.on(first)), None)
        now = next((rate for rate in new if rate.on(first)), None)
        if _value(was) == _value(now):
            continue
        earlier = None
        if was is None and now is not None:
            earlier = max((r for r in old if r.valid_from < first), key=lambda r: r.valid_from, default=None)
            if _value(earlier) == _value(now):
                continue
        change = RateChange(key, first, end, was or earlier, now, earlier is not None)
        if open_change and open_change.end == first and (open_change.old, open_change.new) == (change.old, change.new):
            change = RateChange(key, open_change.first, end, change.old, change.new, open_change.earlier)
        elif open_change:
            yield open_change
        open_change = change
    if open_change:
        yield open_change


def _value(rate: Rate | None) -> tuple[int, str, str] | None:
    return (rate.micro, rate.unit, rate.treatment) if rate else None


def _zone_changes(old: Sequence[ZoneRow], new: Sequence[ZoneRow]) -> Iterator[ZoneChange]:
    before, after = ({_zone_place(row): row for row in rows} for rows in (old, new))
    for place in sorted({*before, *after}, key=repr):
        if place not in before:
            yield ZoneChange(after[place], added=True)
        elif place not in after:
            yield ZoneChange(before[place], added=False)


def _zone_place(row: ZoneRow) -> tuple[object, ...]:
    return row.group, row.zone, row.months, row.day_type, row.start, row.end
