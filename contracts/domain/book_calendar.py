"""A group's tariff as a week: which zone holds at which hour, season by season, and what a kWh costs in it."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from contracts.domain.tariff import PER_KWH, SATURDAY, Profile, Rate
from contracts.domain.zones import ANY_GROUP, DAY_MINUTES, FLAT, FREE, WORKDAY, ZoneRow, own_zone, surcharge_zones
from metering.domain.calendar import day_bounds, each_day

DAY_TYPES = (WORKDAY, FREE)


@dataclass(frozen=True, slots=True)
class Part:
    """The minutes `[start, end)` of a day and the zone in them; empty: none (of a surcharge)."""

    start: int
    end: int
    zone: str


@dataclass(frozen=True, slots=True)
class Season:
    """Months (1 to 12, as they follow) in which every week is alike. `surcharges`: zone and its parts by day type."""

    months: tuple[int, ...]
    workday: tuple[Part, ...]
    free: tuple[Part, ...]
    surcharges: tuple[tuple[str, tuple[Part, ...], tuple[Part, ...]], ...]

    def zone_at(self, day_type: str, minute: int) -> str:
        """The group's zone on a day of the type."""
        parts = self.free if day_type == FREE else self.workday
        return next(part.zone for part in parts if part.start <= minute < part.end)


@dataclass(frozen=True, slots=True)
class ZonePrice:
    """What a kWh costs in a zone on one day [micro-PLN], for a number of phases and a yearly use (None: any)."""

    zone: str
    surcharge: bool
    phases: int | None
    use_from_kwh: int | None
    parts: tuple[tuple[str, int], ...]

    @property
    def micro(self) -> int:
        return sum(micro for _component, micro in self.parts)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A local day of 23 or 25 hours, and the zone of the hour that is left out or comes twice."""

    day: date
    hours: int
    minute: int
    zone: str


def seasons(group: str, zones: Sequence[ZoneRow], rates: Sequence[Rate]) -> tuple[Season, ...]:
    """The year in seasons, beginning with the one of January. Surcharges are those that the group has rates in."""
    own = [row for row in zones if row.group == group]
    charged = {rate.zone for rate in rates if rate.group in (group, ANY_GROUP) and rate.unit == PER_KWH}
    names = sorted({row.zone for row in zones if row.group == ANY_GROUP} & charged)
    extra = [row for row in zones if row.group == ANY_GROUP]
    weeks: dict[tuple[object, ...], list[int]] = {}
    for month in range(1, 13):
        workday, free = (_parts(own, month, kind) for kind in DAY_TYPES)
        surcharges = tuple(
            (name, *(_surcharge_parts(extra, name, month, kind) for kind in DAY_TYPES)) for name in names
        )
        weeks.setdefault((workday, free, surcharges), []).append(month)
    return tuple(Season(_as_they_follow(months), *week) for week, months in weeks.items())  # type: ignore[arg-type]


def zone_prices(group: str, zones: Sequence[ZoneRow], rates: Sequence[Rate], day: date) -> tuple[ZonePrice, ...]:
    """Σ of the per-kWh rates in each zone of the group on the local day, then those that a surcharge adds.

    A `capacity` rate stands as in the book, for a capacity factor of 1.
    """
    there = [rate for rate in rates if rate.group in (group, ANY_GROUP) and rate.unit == PER_KWH and rate.on(day)]
    own = list(dict.fromkeys(row.zone for row in zones if row.group == group)) or [FLAT]
    extra = sorted({row.zone for row in zones if row.group == ANY_GROUP} & {rate.zone for rate in there})
    phases: list[int | None] = [*sorted({rate.phases for rate in there if rate.phases})] or [None]
    steps = sorted({edge for rate in there for edge in (rate.use_from_kwh, rate.use_to_kwh) if edge})
    found = []
    for zone, names in [*((name, {name, FLAT}) for name in own), *((name, {name}) for name in extra)]:
        for number in phases:
            for use in (0, *steps) if steps else (None,):
                profile = Profile(group, number or 3, use or 0, Decimal(1), Decimal(0))
                parts = tuple((r.component, r.micro) for r in there if r.zone in names and r.fits(profile))
                found.append(ZonePrice(zone, zone in extra, number, use, parts))
    return tuple(found)


def clock_changes(
    year: Sequence[Season], holidays: Container[date], tz: ZoneInfo, days: int, first: date
) -> list[ClockChange]:
    """The local days of 23 or 25 hours among the next `days` from `first` on."""
    found = []
    for day in each_day(first, first + timedelta(days=days)):
        start, end = day_bounds(day, tz)
        hours = round((end - start).total_seconds() / 3600)
        if hours == 24:
            continue
        # The first hour of UTC after which the local clock is not one hour further.
        offsets = [(start + timedelta(hours=n)).astimezone(tz) for n in range(hours + 1)]
        place = next(n for n, (a, b) in enumerate(pairwise(offsets)) if a.utcoffset() != b.utcoffset())
        hour = offsets[place].hour + 1 if hours < 24 else offsets[place].hour
        season = next(season for season in year if day.month in season.months)
        kind = FREE if day.weekday() >= SATURDAY or day in holidays else WORKDAY
        found.append(ClockChange(day, hours, hour * 60, season.zone_at(kind, hour * 60)))
    return found


def _as_they_follow(months: Sequence[int]) -> tuple[int, ...]:
    """Months in the order in which they follow: a season that spans the new year begins in autumn.

    >>> _as_they_follow([1, 2, 3, 10, 11, 12])
    (10, 11, 12, 1, 2, 3)
    """
    if len(months) == 12 or not (1 in months and 12 in months):
        return tuple(months)
    start = next(month for month in range(12, 0, -1) if month not in months) + 1
    return tuple(month for month in [*range(start, 13), *range(1, start)] if month in months)


def month_ranges(months: Sequence[int]) -> list[tuple[int, int]]:
    """The months as ranges from first to last.

    >>> month_ranges((10, 11, 12, 1, 2, 3)), month_ranges((1, 2, 6))
    ([(10, 3)], [(1, 2), (6, 6)])
    """
    ranges: list[tuple[int, int]] = []
    for month in months:
        if ranges and month == ranges[-1][1] % 12 + 1:
            ranges[-1] = (ranges[-1][0], month)
        else:
            ranges.append((month, month))
    return ranges


def _parts(rows: Sequence[ZoneRow], month: int, day_type: str) -> tuple[Part, ...]:
    if not rows:
        return (Part(0, DAY_MINUTES, FLAT),)
    active = [row for row in rows if row.in_month(month)]
    return _merged((start, end, own_zone(active, month, day_type, start) or "") for start, end in _cuts(active))


def _surcharge_parts(rows: Sequence[ZoneRow], name: str, month: int, day_type: str) -> tuple[Part, ...]:
    """Parts with the surcharge and, with an empty zone, those without."""
    active = [row for row in rows if row.zone == name]
    return _merged(
        (start, end, name if name in surcharge_zones(active, month, day_type, start) else "")
        for start, end in _cuts(active)
    )


def _cuts(rows: Sequence[ZoneRow]) -> Iterator[tuple[int, int]]:
    return pairwise(sorted({0, DAY_MINUTES}.union(*(span for row in rows for span in row.spans()))))


def _merged(pieces: Iterator[tuple[int, int, str]]) -> tuple[Part, ...]:
    found: list[Part] = []
    for start, end, zone in pieces:
        if found and found[-1].zone == zone:
            found[-1] = Part(found[-1].start, end, zone)
        else:
            found.append(Part(start, end, zone))
    return tuple(found)
