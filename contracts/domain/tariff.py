"""A distributor's tariff book: which rates apply to which metering point, in which slot.

A *slot* is one combination of zones (of every group) and rates in force. A month has about ten of them, so everything
that depends on the tariff is worked out per slot and never per interval.

Rates are whole micro-PLN per kWh, per month, or per kW and month (6 decimals).
"""

from bisect import bisect_right
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from contracts.domain.money import times_half_up
from contracts.domain.zones import ANY_GROUP, FLAT, FREE, WORKDAY, ZoneRow, own_zone, surcharge_zones

PER_KWH, PER_MONTH, PER_KW_MONTH = "PLN/kWh", "PLN/month", "PLN/kW/month"
UNITS = (PER_KWH, PER_MONTH, PER_KW_MONTH)
FULL, DISCOUNTED, WAIVED, HOURLY = "full", "discounted", "waived", "hourly"
TREATMENTS = (FULL, DISCOUNTED, WAIVED, HOURLY)
CAPACITY = "capacity"
#: What a statement calls what is relieved of a component: `<component>_relief`.
RELIEF_ENDING = "_relief"
SATURDAY = 5


class TariffError(ValueError):
    """A group, zone or rate that the book does not have; the text names it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One row of the book. None means: any `phases`, no lower or upper end of yearly use [kWh], open `valid_to`."""

    group: str
    phases: int | None
    use_from_kwh: int | None
    use_to_kwh: int | None
    component: str
    zone: str
    unit: str
    micro: int
    treatment: str
    valid_from: date
    valid_to: date | None

    def on(self, day: date) -> bool:
        """Whether the rate is in force on the local day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def fits(self, profile: "Profile") -> bool:
        """Whether the rate is one for this point: group, phases, and `use_from <= yearly use < use_to`."""
        return (
            self.group in (ANY_GROUP, profile.group)
            and self.phases in (None, profile.phases)
            and (self.use_from_kwh is None or self.use_from_kwh <= profile.yearly_use_kwh)
            and (self.use_to_kwh is None or profile.yearly_use_kwh < self.use_to_kwh)
        )


@dataclass(frozen=True, slots=True)
class DatedDiscounts:
    """The book's sharing discounts by level on the local days `[valid_from, valid_to)`; None = open."""

    valid_from: date
    valid_to: date | None
    discounts: Mapping[str, Decimal]

    def in_force(self, day: date) -> bool:
        """Whether they hold on the local day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True)
class Profile:
    """What the book needs to know of a metering point."""

    group: str
    phases: int
    yearly_use_kwh: int
    capacity_factor: Decimal
    contracted_power_kw: Decimal


@dataclass(frozen=True, slots=True)
class Slot:
    """Zones and rates in force in an interval.

    `own_zones`: (group, zone) of every group that has zones; `surcharges`: zones of `*` in force, sorted;
    `rates_from`: the day since which the book's rates and zones in force have not changed.
    """

    own_zones: tuple[tuple[str, str], ...]
    surcharges: tuple[str, ...]
    rates_from: date

    def zone_of(self, group: str) -> str:
        """The group's own zone; `flat` for a group without zones (also the zone of its retail price)."""
        return dict(self.own_zones).get(group, FLAT)

    def zones_of(self, group: str) -> frozenset[str]:
        """Every zone whose rates apply to the group: its own, `flat`, and the surcharges."""
        return frozenset((self.zone_of(group), FLAT, *self.surcharges))


@dataclass(frozen=True, slots=True)
class SlotIndex:
    """Slots of a list of intervals: `slots[of[i]]` is that of interval `i`; slots are in order of first use."""

    slots: tuple[Slot, ...]
    of: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class KwhComponent:
    """A per-kWh rate that applies to a point in a slot; `micro` includes its capacity factor."""

    component: str
    zone: str
    micro: int
    treatment: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class MonthlyComponent:
    """A monthly rate of a point and the local days `[first, end)` of the asked range for which it applies."""

    component: str
    unit: str
    micro: int
    first: date
    end: date
    rate: Rate


#: Group, phases, step of the yearly use, capacity factor.
KwhClass = tuple[str, int, int, Decimal]


@dataclass(frozen=True)
class TariffBook:
    """All rates and zones of one distributor, with the public holidays that make a day `free`.

    `discounts` are those that hold where a cluster's settings name none for a sharing level.
    """

    rates: tuple[Rate, ...]
    zones: tuple[ZoneRow, ...]
    holidays: Container[date]
    discounts: tuple[DatedDiscounts, ...] = ()

    @cached_property
    def change_days(self) -> tuple[date, ...]:
        """The days on which any rate or zone starts or ends, ascending."""
        rows: tuple[Rate | ZoneRow, ...] = (*self.rates, *self.zones)
        days = {row.valid_from for row in rows} | {row.valid_to for row in rows}
        return tuple(sorted(day for day in days if day is not None))

    @cached_property
    def discount_days(self) -> tuple[date, ...]:
        """The days on which any discount starts or ends, ascending."""
        days = {day for row in self.discounts for day in (row.valid_from, row.valid_to)}
        return tuple(sorted(day for day in days if day is not None))

    def discounts_on(self, day: date, own: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        """Discount by sharing level on a local day: the cluster's `own`, and the book's for the levels not in it."""
        held = [row.discounts for row in self.discounts if row.in_force(day)]
        return {**(held[0] if held else {}), **own}

    @cached_property
    def zone_groups(self) -> Mapping[str, tuple[ZoneRow, ...]]:
        """Own zone rows of each group that has zones, by group; the surcharges are under `*`."""
        groups: dict[str, list[ZoneRow]] = {}
        for row in self.zones:
            groups.setdefault(row.group, []).append(row)
        return {group: tuple(groups[group]) for group in sorted(groups)}

    @cached_property
    def _rates_by_group(self) -> Mapping[str, tuple[Rate, ...]]:
        groups = {rate.group for rate in self.rates} - {ANY_GROUP}
        return {g: tuple(rate for rate in self.rates if rate.group in (ANY_GROUP, g)) for g in groups}

    @cached_property
    def _use_steps(self) -> tuple[int, ...]:
        edges = (edge for rate in self.rates if rate.unit == PER_KWH for edge in (rate.use_from_kwh, rate.use_to_kwh))
        return tuple(sorted({edge for edge in edges if edge is not None}))

    def day_type(self, day: date) -> str:
        """`free` on Saturday, Sunday and public holidays, else `workday`."""
        return FREE if day.weekday() >= SATURDAY or day in self.holidays else WORKDAY

    def rates_of(self, group: str) -> tuple[Rate, ...]:
        """The group's rates and those of `*`, in the book's order."""
        if group not in self._rates_by_group:
            raise TariffError(f"the tariff has no group '{group}'")
        return self._rates_by_group[group]

    def rates_from(self, day: date) -> date:
        """The day since which the rates in force on `day` have not changed (`day` itself before the book's start)."""
        position = bisect_right(self.change_days, day)
        return self.change_days[position - 1] if position else day

    def slot(self, day: date, minute: int) -> Slot:
        """The slot of a local day and minute after midnight."""
        return self._slot(self.rates_from(day), day.month, self.day_type(day), minute)

    def slot_index(self, starts: Sequence[datetime], tz: ZoneInfo) -> SlotIndex:
        """The slots of intervals given by their UTC starts."""
        numbers: dict[Slot, int] = {}
        known: dict[tuple[date, int], int] = {}
        by_place: dict[tuple[date, int, str, int], int] = {}
        of = np.empty(len(starts), dtype=np.int64)
        for position, start in enumerate(starts):
            local = start.astimezone(tz)
            day, minute = local.date(), local.hour * 60 + local.minute
            number = known.get((day, minute))
            if number is None:
                place = (self.rates_from(day), day.month, self.day_type(day), minute)
                number = by_place.get(place)
                if number is None:
                    number = numbers.setdefault(self._slot(*place), len(numbers))
                    by_place[place] = number
                known[day, minute] = number
            of[position] = number
        return SlotIndex(tuple(numbers), of)

    def kwh_components(self, profile: Profile, slot: Slot) -> tuple[KwhComponent, ...]:
        """The per-kWh rates of a point in a slot, in the book's order. Refuses a slot without any."""
        place = (self.kwh_class(profile), slot)
        found = self._known_components.get(place)
        if found is None:
            found = self._known_components[place] = self._kwh_components(profile, slot)
        return found

    def _kwh_components(self, profile: Profile, slot: Slot) -> tuple[KwhComponent, ...]:
        zones = slot.zones_of(profile.group)
        found = tuple(
            KwhComponent(rate.component, rate.zone, effective_micro(rate, profile), rate.treatment, rate)
            for rate in self.rates_of(profile.group)
            if rate.unit == PER_KWH and rate.zone in zones and rate.on(slot.rates_from) and rate.fits(profile)
        )
        if not found:
            raise TariffError(f"the tariff has no rate of group '{profile.group}' on {slot.rates_from}")
        return found

    @cached_property
    def _known_components(self) -> dict[tuple[KwhClass, Slot], tuple[KwhComponent, ...]]:
        return {}

    def monthly_components(self, profile: Profile, first: date, end: date) -> tuple[MonthlyComponent, ...]:
        """The monthly rates of a point in the local days `[first, end)`, each with the days for which it applies."""
        return tuple(
            MonthlyComponent(rate.component, rate.unit, rate.micro, start, stop, rate)
            for rate in self.rates_of(profile.group)
            if rate.unit != PER_KWH and rate.fits(profile)
            for start, stop in [(max(first, rate.valid_from), min(end, rate.valid_to or end))]
            if start < stop
        )

    def kwh_class(self, profile: Profile) -> KwhClass:
        """Points with the same value here pay the same per-kWh rates in every slot."""
        step = bisect_right(self._use_steps, profile.yearly_use_kwh)
        return profile.group, profile.phases, step, profile.capacity_factor

    def _slot(self, rates_from: date, month: int, day_type: str, minute: int) -> Slot:
        own = []
        for group, all_rows in self.zone_groups.items():
            rows = [row for row in all_rows if row.in_force(rates_from)]
            if group != ANY_GROUP and rows:
                zone = own_zone(rows, month, day_type, minute)
                if zone is None:
                    raise TariffError(f"group '{group}' has no zone in month {month}, {day_type} day, minute {minute}")
                own.append((group, zone))
        all_groups = [row for row in self.zone_groups.get(ANY_GROUP, ()) if row.in_force(rates_from)]
        surcharges = surcharge_zones(all_groups, month, day_type, minute)
        return Slot(tuple(own), tuple(sorted(surcharges)), rates_from)


def effective_micro(rate: Rate, profile: Profile) -> int:
    """The rate as the point pays it [micro-PLN]: a per-kWh `capacity` rate times the point's capacity factor."""
    if rate.component == CAPACITY and rate.unit == PER_KWH:
        return times_half_up(rate.micro, profile.capacity_factor)
    return rate.micro
