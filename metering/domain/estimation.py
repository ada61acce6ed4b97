"""What a meter that sent nothing has probably counted: estimates for gaps, in whole watt-hours.

The methods and where they come from stand in docs/estimation.md. Quarter-hours are named by their number
(`calendar.interval_number`), their place in a local day by the slot of the wall clock, 0 to 95: the hour that an
autumn day has twice has its slots twice, the one that a spring day lacks is without them.
"""

from collections.abc import Collection, Container, Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from metering.domain.calendar import INTERVAL_MINUTES, require_utc

#: Two hours: longer gaps are not drawn as a straight line.
LONGEST_LINE = 8
#: The mean is taken of so many similar days, if there are as many.
SIMILAR_DAYS = 4
#: A similar day lies at most so many days before or after.
REACH_DAYS = 28
_QUARTERS_A_YEAR = 365 * 96


class KindOfDay(Enum):
    """Days that people live alike."""

    WORKDAY = "workday"
    SATURDAY = "saturday"
    SUNDAY = "sunday or holiday"


class Method(Enum):
    """How a value was found, in the order in which it is tried."""

    LINE = "line"
    SIMILAR_DAYS = "similar days"
    GROUP = "group"
    YEARLY_USE = "yearly use"


class Energy(NamedTuple):
    """What a point counted in a quarter-hour [Wh]."""

    imported_wh: int
    exported_wh: int


class Estimate(NamedTuple):
    """An invented reading [Wh] and how it was found."""

    imported_wh: int
    exported_wh: int
    method: Method


class DaySum(NamedTuple):
    """What one point counted in a slot, summed over `readings` of similar days [Wh]."""

    imported_wh: int
    exported_wh: int
    readings: int


class GroupSum(NamedTuple):
    """What the points of a group counted [Wh], with how much they use a year and can generate, and how many they are.

    Over several days each point counts once a day.
    """

    imported_wh: int
    exported_wh: int
    yearly_use_kwh: int
    capacity_w: int
    points: int


class Size(NamedTuple):
    """What a point uses in a year [kWh] and can generate [W]."""

    yearly_use_kwh: int
    capacity_w: int


class Likeness(NamedTuple):
    """What one point is estimated from: its similar days and its group, by slot, its group then, by quarter-hour."""

    similar: Mapping[int, DaySum]
    group_then: Mapping[int, GroupSum]
    group_days: Mapping[int, GroupSum]
    size: Size


def kind_of(day: date, holidays: Container[date]) -> KindOfDay:
    """Workday, Saturday, or Sunday and public holiday."""
    if day in holidays or day.isoweekday() == 7:
        return KindOfDay.SUNDAY
    return KindOfDay.SATURDAY if day.isoweekday() == 6 else KindOfDay.WORKDAY


def similar_days(day: date, holidays: Container[date]) -> list[date]:
    """Days of the same kind within reach, the nearest first; of two as near the earlier one first.

    >>> [f"{day:%a %d}" for day in similar_days(date(2026, 6, 10), [])[:5]]
    ['Tue 09', 'Thu 11', 'Mon 08', 'Fri 12', 'Fri 05']
    """
    kind = kind_of(day, holidays)
    around = (day + timedelta(days=sign * far) for far in range(1, REACH_DAYS + 1) for sign in (-1, 1))
    return [other for other in around if kind_of(other, holidays) is kind]


def slot_of(instant: datetime, tz: ZoneInfo) -> int:
    """The quarter-hour of the local wall clock.

    >>> slot_of(datetime.fromisoformat("2026-10-25T01:15:00Z"), ZoneInfo("Europe/Warsaw"))
    9
    """
    local = require_utc(instant).astimezone(tz)
    return (local.hour * 60 + local.minute) // INTERVAL_MINUTES


def runs(numbers: Iterable[int]) -> list[range]:
    """Consecutive numbers as ranges, ascending.

    >>> runs([7, 3, 4, 5])
    [range(3, 6), range(7, 8)]
    """
    found: list[range] = []
    for number in sorted(set(numbers)):
        if found and found[-1].stop == number:
            found[-1] = range(found[-1].start, number + 1)
        else:
            found.append(range(number, number + 1))
    return found


def estimate(
    wanted: Collection[int],
    gone: Collection[int],
    known: Mapping[int, Energy],
    slots: Mapping[int, int],
    like: Likeness,
) -> dict[int, Estimate]:
    """An estimate for each of the quarter-hours `wanted` of one point.

    `gone` are all quarter-hours without a value of the meter in and around them, `known` the values beside the gaps;
    `slots` gives the slot of each wanted one. Both must reach `LONGEST_LINE` + 1 beyond the wanted ones.
    """
    found: dict[int, Estimate] = {}
    for gap in runs(gone):
        before, after = known.get(gap.start - 1), known.get(gap.stop)
        if len(gap) <= LONGEST_LINE and before is not None and after is not None:
            found.update((number, _on_line(number, gap, before, after)) for number in gap if number in wanted)
    for number in wanted:
        if number not in found:
            found[number] = _alike(number, slots[number], like)
    return found


def _on_line(number: int, gap: range, before: Energy, after: Energy) -> Estimate:
    """On the straight line between the values beside the gap, each direction for itself."""
    right = number - gap.start + 1
    left, steps = len(gap) + 1 - right, len(gap) + 1
    imported, exported = (
        _rounded(first * left + last * right, steps) for first, last in zip(before, after, strict=True)
    )
    return Estimate(imported, exported, Method.LINE)


def _alike(number: int, slot: int, like: Likeness) -> Estimate:
    if slot in like.similar:
        imported, exported, readings = like.similar[slot]
        return Estimate(_rounded(imported, readings), _rounded(exported, readings), Method.SIMILAR_DAYS)
    group = like.group_then.get(number) or like.group_days.get(slot)
    if group is not None:
        return _scaled(group, like.size)
    return Estimate(_rounded(like.size.yearly_use_kwh * 1000, _QUARTERS_A_YEAR), 0, Method.YEARLY_USE)


def _scaled(group: GroupSum, size: Size) -> Estimate:
    """The group's import by yearly use and its export by generation capacity; without any use known its mean."""
    if group.yearly_use_kwh:
        imported = _rounded(group.imported_wh * size.yearly_use_kwh, group.yearly_use_kwh)
    else:
        imported = _rounded(group.imported_wh, group.points)
    exported = _rounded(group.exported_wh * size.capacity_w, group.capacity_w) if group.capacity_w else 0
    return Estimate(imported, exported, Method.GROUP)


def _rounded(numerator: int, denominator: int) -> int:
    """The nearest whole number, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)
