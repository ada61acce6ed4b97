"""Zones of a tariff: every quarter-hour of every day is in exactly one zone of each group."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.domain.tariff import Rate, TariffBook
from contracts.domain.zones import (
    ZoneError,
    ZoneRow,
    format_clock,
    parse_clock,
    parse_months,
    zone_problems,
)
from metering.domain.calendar import day_bounds, each_day, interval_starts, public_holidays
from tests.contracts.small_dataset import WARSAW


def row(group: str, zone: str, months: str, day_type: str, start: str = "", end: str = "") -> ZoneRow:
    times = (parse_clock(text) if text else None for text in (start, end))
    return ZoneRow(group, zone, months, day_type, *times)


NIGHT = [row("G12", "night", "1-12", "all", "22:00", "06:00"), row("G12", "night", "1-12", "all", "13:00", "15:00")]
DAY = [row("G12", "day", "1-12", "all", "06:00", "13:00"), row("G12", "day", "1-12", "all", "15:00", "22:00")]
WEEKEND = [
    row("G12w", "offpeak", "1-12", "workday", "22:00", "06:00"),
    row("G12w", "peak", "1-12", "workday", "06:00", "22:00"),
    row("G12w", "offpeak", "1-12", "free", "00:00", "24:00"),
]
SEASONS = [
    row("C13", "afternoon", "10-3", "workday", "16:00", "21:00"),
    row("C13", "afternoon", "4-9", "workday", "19:00", "22:00"),
    row("C13", "rest", "1-12", "otherwise"),
]
SURCHARGE = [row("*", "capacity_hours", "1-12", "workday", "07:00", "22:00")]
ALL = tuple(NIGHT + DAY + WEEKEND + SEASONS + SURCHARGE)
RATE = Rate("G11", None, None, None, "energy", "flat", "PLN/kWh", 1, "full", date(2026, 1, 1), None)
BOOK = TariffBook((RATE,), ALL, public_holidays("PL"))


def problems(*rows: ZoneRow) -> list[str]:
    return [problem.text for problem in zone_problems(rows)]


def zone(group: str, day: date, clock: str) -> str:
    return BOOK.slot(day, parse_clock(clock)).zone_of(group)


def test_every_quarter_hour_of_a_year_has_its_zones() -> None:
    assert problems(*ALL) == []
    for day in each_day(date(2026, 1, 1), date(2027, 1, 1)):
        starts = interval_starts(*day_bounds(day, WARSAW))
        index = BOOK.slot_index(starts, WARSAW)
        assert len(index.of) == len(starts)
        for start, number in zip(starts, index.of, strict=True):
            local = start.astimezone(WARSAW)
            assert index.slots[number] == BOOK.slot(day, local.hour * 60 + local.minute)
            assert {group for group, _ in index.slots[number].own_zones} == {"G12", "G12w", "C13"}


def test_midnight_wraps_within_the_days_of_its_type() -> None:
    friday, saturday, monday = date(2026, 6, 12), date(2026, 6, 13), date(2026, 6, 15)
    assert zone("G12w", friday, "23:45") == "offpeak"
    assert zone("G12w", saturday, "07:00") == "offpeak"
    assert zone("G12w", monday, "05:45") == "offpeak"
    assert zone("G12w", monday, "06:00") == "peak"


def test_months_wrap_the_year() -> None:
    assert zone("C13", date(2026, 3, 31), "16:00") == "afternoon"
    assert zone("C13", date(2026, 4, 1), "16:00") == "rest"
    assert zone("C13", date(2026, 4, 1), "19:00") == "afternoon"
    assert zone("C13", date(2026, 10, 1), "16:00") == "afternoon"


def test_a_public_holiday_is_free() -> None:
    assert zone("G12w", date(2026, 11, 11), "12:00") == "offpeak"
    assert zone("C13", date(2026, 11, 11), "17:00") == "rest"
    assert BOOK.slot(date(2026, 11, 11), 720).surcharges == ()
    assert BOOK.slot(date(2026, 11, 12), 720).surcharges == ("capacity_hours",)


def test_a_group_without_zones_is_always_flat() -> None:
    slot = BOOK.slot(date(2026, 11, 12), 720)
    assert slot.zone_of("G11") == "flat"
    assert slot.zones_of("G11") == {"flat", "capacity_hours"}


def test_the_hour_that_comes_twice_is_in_one_zone() -> None:
    starts = interval_starts(*day_bounds(date(2026, 10, 25), WARSAW))
    index = BOOK.slot_index(starts, WARSAW)
    twice = [number for start, number in zip(starts, index.of, strict=True) if start.astimezone(WARSAW).hour == 2]
    assert len(twice) == 8
    assert len(set(twice)) == 1


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (NIGHT + DAY[:1], "group G12: gap at 15:00 to 22:00 on workdays: no zone applies (months 1, 2, 3"),
        ([*NIGHT, *DAY, row("G12", "day", "5", "free", "12:30", "13:30")], "overlap at 12:30 to 13:00 on free days"),
        (SEASONS[:2], "group C13: gap at 00:00 to 16:00 on workdays"),
        ([*SEASONS, row("C13", "other", "6", "otherwise")], "several 'otherwise' rows (months 6)"),
        ([replace(DAY[0], zone="flat")], "'flat' is always"),
        ([row("G12", "day", "13-14", "all", "00:00", "24:00")], "not a range of months"),
        ([row("G12", "day", "1-12", "sunday", "00:00", "24:00")], "'sunday' is not one of"),
        ([row("G12", "day", "1-12", "all")], "give 00:00 and 24:00"),
        ([row("G12", "day", "1-12", "all", "08:00", "08:00")], "leave no time between"),
        ([row("G12", "day", "1-12", "otherwise", "08:00", "09:00")], "takes no times"),
        ([row("*", "hours", "1-12", "otherwise")], "can't be 'otherwise'"),
        ([*NIGHT, *DAY, row("*", "night", "1-12", "all", "01:00", "02:00")], "is also a group's own zone"),
        ([*SURCHARGE, row("*", "capacity_hours", "6", "all", "21:00", "23:00")], "overlap at 21:00 to 22:00"),
    ],
)
def test_zones_that_do_not_partition_time_are_told_with_their_place(rows: list[ZoneRow], text: str) -> None:
    assert any(text in problem for problem in problems(*rows)), problems(*rows)


@given(st.integers(0, 95), st.integers(0, 95), st.sampled_from(["1-12", "10-3", "6"]))
def test_a_row_and_the_rest_leave_no_gap(first: int, second: int, months: str) -> None:
    if first == second:
        return
    busy = ZoneRow("G", "busy", months, "workday", 15 * first, 15 * second)
    assert problems(busy, row("G", "rest", "1-12", "otherwise")) == []
    covered = sum(end - start for start, end in busy.spans())
    assert covered == (15 * (second - first)) % 1440


@given(st.integers(0, 96))
def test_times_of_day_read_as_written(quarter: int) -> None:
    assert parse_clock(format_clock(quarter * 15)) == quarter * 15


@pytest.mark.parametrize("text", ["6:00", "06:07", "24:15", "25:00", "06:60", "noon", ""])
def test_bad_times_of_day_are_refused(text: str) -> None:
    with pytest.raises(ZoneError):
        parse_clock(text)


@pytest.mark.parametrize("text", ["0-3", "1-13", "1,2", "", "jan"])
def test_bad_months_are_refused(text: str) -> None:
    with pytest.raises(ZoneError):
        parse_months(text)


def test_the_slots_of_a_month_are_few() -> None:
    start = day_bounds(date(2026, 6, 1), WARSAW)[0]
    index = BOOK.slot_index(interval_starts(start, start + timedelta(days=30)), WARSAW)
    assert len(index.slots) < 12
