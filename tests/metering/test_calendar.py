"""Days, months and quarter-hours, with the days on which the clock changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.domain.calendar import (
    INTERVAL,
    CalendarError,
    day_bounds,
    days_in_month,
    format_instant,
    interval_number,
    interval_of,
    interval_start,
    interval_starts,
    is_aligned,
    local_day,
    local_midnight,
    month_bounds,
    month_days,
    next_working_day,
    parse_day,
    parse_instant,
    parse_period,
    public_holidays,
    require_utc,
    time_zone,
)

WARSAW = ZoneInfo("Europe/Warsaw")
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 30))
ZONES = st.sampled_from(["Europe/Warsaw", "UTC", "Europe/London", "America/New_York", "Asia/Kathmandu", "Asia/Tokyo"])
INSTANTS = st.integers(946684800, 4070908800).map(lambda second: datetime.fromtimestamp(second, UTC))


@pytest.mark.parametrize(
    ("day", "count"), [("2026-03-29", 92), ("2026-06-01", 96), ("2026-10-25", 100), ("2026-12-31", 96)]
)
def test_a_day_has_92_96_or_100_quarter_hours(day: str, count: int) -> None:
    starts = interval_starts(*day_bounds(parse_day(day), WARSAW))
    assert len(starts) == count
    assert {local_day(start, WARSAW) for start in starts} == {parse_day(day)}


@pytest.mark.parametrize(("month", "count"), [("2026-06", 2880), ("2026-10", 2980), ("2026-03", 2972)])
def test_a_month_is_the_sum_of_its_days(month: str, count: int) -> None:
    assert len(interval_starts(*month_bounds(month, WARSAW))) == count


def test_june_begins_two_hours_before_its_utc_namesake() -> None:
    start, end = month_bounds("2026-06", WARSAW)
    assert (format_instant(start), format_instant(end)) == ("2026-05-31T22:00:00Z", "2026-06-30T22:00:00Z")


@given(DAYS, ZONES)
def test_days_follow_each_other_without_gap(day: date, zone: str) -> None:
    tz = ZoneInfo(zone)
    start, end = day_bounds(day, tz)
    assert end == local_midnight(day + timedelta(days=1), tz)
    assert local_day(start, tz) == day
    assert local_day(start - timedelta(seconds=1), tz) == day - timedelta(days=1)
    assert len(interval_starts(start, end)) in (92, 96, 100)


@given(DAYS)
def test_a_month_holds_its_days(day: date) -> None:
    first, end = month_days(f"{day:%Y-%m}")
    assert first <= day < end
    assert (end - first).days == days_in_month(day)
    assert end.day == 1


@given(INSTANTS)
def test_every_instant_lies_in_its_quarter_hour(instant: datetime) -> None:
    start = interval_of(instant)
    assert is_aligned(start)
    assert start <= instant < start + INTERVAL
    assert interval_start(interval_number(start)) == start
    assert parse_instant(format_instant(start)) == start


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-06-01T00:00:00",
        "2026-06-01T00:00:00+02:00",
        "2026-06-01 00:00:00Z",
        "2026-06-01T00:00:00z",
        "2026-06-31T00:00:00Z",
        "2026-06-01T24:00:00Z",
        "2026-06-01T00:00:00.5Z",
        "٢٠٢٦-06-01T00:00:00Z",
    ],
)
def test_only_utc_times_with_z_are_read(text: str) -> None:
    with pytest.raises(CalendarError):
        parse_instant(text)


def test_other_offsets_are_refused() -> None:
    with pytest.raises(CalendarError, match="not in UTC"):
        require_utc(datetime(2026, 6, 1, tzinfo=WARSAW))
    with pytest.raises(CalendarError, match="not in UTC"):
        require_utc(datetime(2026, 6, 1))  # noqa: DTZ001
    with pytest.raises(CalendarError, match="does not start a quarter-hour"):
        interval_number(datetime(2026, 6, 1, 0, 7, tzinfo=UTC))


@pytest.mark.parametrize("text", ["2026-6", "2026-13", "0000-01", "2026-06-01", "june"])
def test_bad_months_are_refused(text: str) -> None:
    with pytest.raises(CalendarError, match="is not a month"):
        parse_period(text)


@pytest.mark.parametrize("name", ["Europe/Warschau", "", "../etc/passwd", "Europe", "/etc/localtime"])
def test_unknown_time_zones_are_refused(name: str) -> None:
    with pytest.raises(CalendarError, match="unknown time zone"):
        time_zone(name)


def test_polish_holidays() -> None:
    days = public_holidays("PL")
    assert date(2026, 11, 11) in days
    assert date(2026, 12, 24) in days
    assert date(2026, 11, 12) not in days
    with pytest.raises(CalendarError, match="XX"):
        public_holidays("XX")


def test_banks_work_neither_at_weekends_nor_on_holidays() -> None:
    friday, before_christmas = date(2026, 11, 27), date(2026, 12, 23)
    assert next_working_day("PL", friday) == next_working_day("PL", date(2026, 11, 29)) == date(2026, 11, 30)
    assert next_working_day("PL", before_christmas) == date(2026, 12, 28)
    assert next_working_day("PL", date(2026, 12, 1)) == date(2026, 12, 2)
    with pytest.raises(CalendarError, match="no public holidays"):
        next_working_day("XX", friday)
