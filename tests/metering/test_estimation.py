"""The methods of estimation by themselves: lines, similar days, groups, and the days of 92 and 100 quarter-hours."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.domain.calendar import day_bounds, interval_number, interval_starts, public_holidays
from metering.domain.estimation import (
    LONGEST_LINE,
    DaySum,
    Energy,
    Estimate,
    GroupSum,
    KindOfDay,
    Likeness,
    Method,
    Size,
    estimate,
    kind_of,
    similar_days,
    slot_of,
)

WARSAW = ZoneInfo("Europe/Warsaw")
POLAND = public_holidays("PL")
NOTHING = Likeness({}, {}, {}, Size(3504, 0))
energy = st.integers(0, 10**6)


def line(gap: range, before: Energy, after: Energy) -> dict[int, Estimate]:
    known = {gap.start - 1: before, gap.stop: after}
    return estimate(gap, gap, known, dict.fromkeys(gap, 0), NOTHING)


def test_a_short_gap_is_a_straight_line_in_whole_watt_hours() -> None:
    found = line(range(100, 103), Energy(100, 0), Energy(201, 2))
    assert [found[number][:2] for number in range(100, 103)] == [(125, 1), (151, 1), (176, 2)]
    assert {row.method for row in found.values()} == {Method.LINE}


@given(st.integers(1, LONGEST_LINE), energy, energy)
def test_a_line_goes_from_one_end_to_the_other(length: int, first: int, last: int) -> None:
    gap = range(50, 50 + length)
    there = [row.imported_wh for row in line(gap, Energy(first, 0), Energy(last, 0)).values()]
    assert all(min(first, last) <= value <= max(first, last) for value in there)
    assert there == sorted(there, reverse=last < first)
    middle = [row.imported_wh for row in line(gap, Energy(first, 0), Energy(first, 0)).values()]
    assert set(middle) == {first}


def test_a_gap_longer_than_two_hours_or_with_an_open_end_is_no_line() -> None:
    beside = {99: Energy(8, 0), 109: Energy(8, 0)}
    long = range(100, 109)
    slots = dict.fromkeys(range(99, 110), 40)
    assert {row.method for row in estimate(long, long, beside, slots, NOTHING).values()} == {Method.YEARLY_USE}
    open_end = estimate([100], [100], {99: Energy(8, 0)}, slots, NOTHING)
    assert open_end == {100: Estimate(100, 0, Method.YEARLY_USE)}


def test_what_is_not_asked_for_still_counts_as_gone() -> None:
    """A gap of which only the first quarter-hours are due is as long as it is."""
    gone = range(100, 109)
    known = {99: Energy(8, 0), 109: Energy(8, 0)}
    found = estimate([100], gone, known, {100: 40}, NOTHING)
    assert list(found) == [100] and found[100].method is Method.YEARLY_USE


def test_a_long_gap_takes_the_mean_of_the_similar_days() -> None:
    like = NOTHING._replace(similar={40: DaySum(1001, 6, 4)}, group_days={40: GroupSum(9, 9, 1, 1, 1)})
    found = estimate([7], range(0, 50), {}, {7: 40}, like)
    assert found == {7: Estimate(250, 2, Method.SIMILAR_DAYS)}


def test_the_group_is_scaled_by_yearly_use_and_generation_capacity() -> None:
    then = GroupSum(imported_wh=3000, exported_wh=1000, yearly_use_kwh=6000, capacity_w=20_000, points=2)
    like = Likeness({}, {7: then}, {40: GroupSum(0, 0, 1, 1, 1)}, Size(1500, 5000))
    assert estimate([7], [7], {}, {7: 40}, like) == {7: Estimate(750, 250, Method.GROUP)}
    other_days = like._replace(group_then={})
    assert estimate([7], [7], {}, {7: 40}, other_days) == {7: Estimate(0, 0, Method.GROUP)}
    of_unknown_use = like._replace(group_then={7: then._replace(yearly_use_kwh=0, capacity_w=0)})
    assert estimate([7], [7], {}, {7: 40}, of_unknown_use) == {7: Estimate(1500, 0, Method.GROUP)}


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2026, 6, 5), KindOfDay.WORKDAY),
        (date(2026, 6, 6), KindOfDay.SATURDAY),
        (date(2026, 6, 7), KindOfDay.SUNDAY),
        (date(2026, 6, 4), KindOfDay.SUNDAY),  # Corpus Christi, a Thursday
        (date(2026, 8, 15), KindOfDay.SUNDAY),  # a holiday on a Saturday
    ],
)
def test_kinds_of_days(day: date, kind: KindOfDay) -> None:
    assert kind_of(day, POLAND) is kind


def test_similar_days_are_near_and_of_the_same_kind() -> None:
    holiday = similar_days(date(2026, 6, 4), POLAND)
    assert holiday[:4] == [date(2026, 6, 7), date(2026, 5, 31), date(2026, 6, 14), date(2026, 5, 24)]
    for day in (date(2026, 6, 10), date(2026, 6, 13), date(2026, 6, 4)):
        found = similar_days(day, POLAND)
        distances = [abs((other - day).days) for other in found]
        assert distances == sorted(distances) and 1 <= distances[0] and distances[-1] <= 28
        assert day not in found and {kind_of(other, POLAND) for other in found} == {kind_of(day, POLAND)}


@pytest.mark.parametrize(
    ("day", "count", "twice", "never"),
    [
        (date(2026, 3, 29), 92, set(), {8, 9, 10, 11}),
        (date(2026, 6, 10), 96, set(), set()),
        (date(2026, 10, 25), 100, {8, 9, 10, 11}, set()),
    ],
)
def test_slots_follow_the_wall_clock(day: date, count: int, twice: set[int], never: set[int]) -> None:
    slots = [slot_of(start, WARSAW) for start in interval_starts(*day_bounds(day, WARSAW))]
    assert len(slots) == count
    assert {slot for slot in slots if slots.count(slot) == 2} == twice
    assert set(range(96)) - set(slots) == never


def test_both_hours_of_the_autumn_day_take_the_one_of_other_days() -> None:
    first, second = (interval_number(datetime(2026, 10, 25, hour, 15, tzinfo=UTC)) for hour in (0, 1))
    slots = dict.fromkeys((first, second), 9)
    like = NOTHING._replace(similar={9: DaySum(40, 0, 4)})
    gone = range(first - 20, second + 20)
    assert {row.imported_wh for row in estimate([first, second], gone, {}, slots, like).values()} == {10}
