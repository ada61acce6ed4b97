"""The local day and month that a page shows, and where it can go from there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from metering.domain.calendar import (
    INTERVAL,
    CalendarError,
    day_bounds,
    format_period,
    interval_starts,
    local_day,
    local_midnight,
    next_month,
    parse_day,
    parse_period,
)


@dataclass(frozen=True)
class Span:
    """A local day or month: its first day, and its first and exclusive last instant in UTC."""

    first: date
    start: datetime
    end: datetime

    @property
    def period(self) -> str:
        return format_period(self.first)

    @property
    def after(self) -> date:
        """The first day of the month after."""
        return next_month(self.first)

    @property
    def quarter_hours(self) -> list[datetime]:
        return interval_starts(self.start, self.end)


@dataclass(frozen=True)
class Steps:
    """The nearest days before and after that have settled quarter-hours; None where there is none."""

    before: date | None
    after: date | None


def day_span(day: date, tz: ZoneInfo) -> Span:
    start, end = day_bounds(day, tz)
    return Span(day, start, end)


def month_span(day: date, tz: ZoneInfo) -> Span:
    first = day.replace(day=1)
    return Span(first, local_midnight(first, tz), local_midnight(next_month(first), tz))


def asked_day(text: str | None) -> date | None:
    """The day of an address such as ?day=2026-06-11; None where there is none or it can't be read."""
    return _asked(parse_day, text)


def asked_month(text: str | None) -> date | None:
    """The first day of the month of an address such as ?month=2026-06."""
    return _asked(parse_period, text)


def _asked(parse: Callable[[str], date], text: str | None) -> date | None:
    try:
        day = parse(text) if text else None
    except CalendarError:
        return None
    return day if day and 2000 <= day.year < 2100 else None


def previous_month(first: date) -> date:
    """The first day of the month before the one that starts on `first`."""
    return (first - timedelta(days=1)).replace(day=1)


def quarter_hour_span(start: datetime) -> Span:
    """One quarter-hour."""
    return Span(start.date(), start, start + INTERVAL)


def week_up_to(start: datetime) -> Span:
    """Seven days up to the end of the quarter-hour that starts at `start`."""
    end = start + INTERVAL
    return Span((end - timedelta(days=7)).date(), end - timedelta(days=7), end)


def last_settled(cluster_id: int, before: datetime | None = None) -> datetime | None:
    """Start of the latest quarter-hour that is settled (before an instant)."""
    return _edge("max", cluster_id, "interval_start < %s", [before]) if before else _edge("max", cluster_id, "TRUE", [])


def steps(cluster_id: int, span: Span, tz: ZoneInfo) -> Steps:
    """Where `span` leads to."""
    before = _edge("max", cluster_id, "interval_start < %s", [span.start])
    after = _edge("min", cluster_id, "interval_start >= %s", [span.end])
    return Steps(before and local_day(before, tz), after and local_day(after, tz))


def _edge(function: str, cluster_id: int, condition: str, parameters: list[datetime]) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {function}(interval_start) FROM clearing_intervalstate "
            f"WHERE cluster_id = %s AND run_id IS NOT NULL AND {condition}",
            [cluster_id, *parameters],
        )
        return cursor.fetchone()[0]
