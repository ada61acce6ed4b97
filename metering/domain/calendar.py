"""Quarter-hours, local days and local months.

Instants are aware datetimes in UTC; an interval is named by its start, `[start, start + 15 min)`. Days and months are
those of a time zone and are half open: their end is the first instant of the next one. A local day has 92, 96 or 100
intervals.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays

INTERVAL_MINUTES = 15
INTERVAL_SECONDS = INTERVAL_MINUTES * 60
INTERVAL = timedelta(minutes=INTERVAL_MINUTES)

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PERIOD = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


class CalendarError(ValueError):
    """A date, instant, period, country or time zone that can't be used; the text says why."""


def time_zone(name: str) -> ZoneInfo:
    """The IANA time zone `name`, such as `Europe/Warsaw`."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise CalendarError(f"unknown time zone '{name}'; give an IANA name such as Europe/Warsaw") from error


def public_holidays(country: str) -> holidays.HolidayBase:
    """The public holidays of an ISO 3166 country, of any year."""
    try:
        return holidays.country_holidays(country)
    except NotImplementedError as error:
        raise CalendarError(f"no public holidays are known for country '{country}'; give a code such as PL") from error


def next_holidays(country: str, first: date, count: int, language: str) -> list[tuple[date, str]]:
    """The next public holidays from `first` on with their names, in the language if the country's names have it."""
    known: tuple[str, ...] = getattr(public_holidays(country), "supported_languages", ())
    wanted = next((name for name in known if name.partition("_")[0] == language.partition("-")[0]), None)
    years = range(first.year, first.year + 2)
    named = holidays.country_holidays(country, language=wanted, years=years)
    return [(day, str(name)) for day, name in sorted(named.items()) if day >= first][:count]


def next_working_day(country: str, day: date) -> date:
    """The first day after `day` that is no Saturday, Sunday or public holiday: on others no bank moves money."""
    return public_holidays(country).get_nth_working_day(day, 1)


def require_utc(instant: datetime) -> datetime:
    """`instant` itself; refuses naive datetimes and other offsets."""
    if instant.tzinfo is None or instant.utcoffset() != timedelta(0):
        raise CalendarError(f"{instant.isoformat()} is not in UTC")
    return instant


def parse_instant(text: str) -> datetime:
    """Reads `2026-05-31T22:00:00Z` and nothing looser."""
    if not _INSTANT.fullmatch(text):
        raise CalendarError(f"'{text}' is not a UTC time such as 2026-05-31T22:00:00Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise CalendarError(f"'{text}' is not a time that exists") from error


def format_instant(instant: datetime) -> str:
    """The only way an instant is written in files: `2026-05-31T22:00:00Z`."""
    return require_utc(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_day(text: str) -> date:
    """Reads `2026-06-16` and nothing looser."""
    if not _DAY.fullmatch(text):
        raise CalendarError(f"'{text}' is not a day such as 2026-06-16")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CalendarError(f"'{text}' is not a day that exists") from error


def parse_period(text: str) -> date:
    """The first day of the month `2026-06`."""
    match = _PERIOD.fullmatch(text)
    if match is None or match[1] == "0000":
        raise CalendarError(f"'{text}' is not a month such as 2026-06")
    return date(int(match[1]), int(match[2]), 1)


def format_period(day: date) -> str:
    """The month of `day`, as `2026-06`."""
    return f"{day.year:04d}-{day.month:02d}"


def is_aligned(instant: datetime) -> bool:
    """Whether `instant` starts a quarter-hour."""
    return require_utc(instant).timestamp() % INTERVAL_SECONDS == 0


def interval_number(instant: datetime) -> int:
    """Quarter-hours since 1970-01-01T00:00Z: consecutive intervals have consecutive numbers."""
    seconds = round(require_utc(instant).timestamp())
    if not is_aligned(instant):
        raise CalendarError(f"{instant.isoformat()} does not start a quarter-hour")
    return seconds // INTERVAL_SECONDS


def interval_start(number: int) -> datetime:
    """The inverse of `interval_number`."""
    return datetime.fromtimestamp(number * INTERVAL_SECONDS, UTC)


def interval_starts(start: datetime, end: datetime) -> list[datetime]:
    """Starts of the quarter-hours of `[start, end)`; both must start a quarter-hour."""
    return [interval_start(number) for number in range(interval_number(start), interval_number(end))]


def interval_of(instant: datetime) -> datetime:
    """Start of the quarter-hour that `instant` lies in."""
    return interval_start(int(require_utc(instant).timestamp() // INTERVAL_SECONDS))


def local_midnight(day: date, tz: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC.

    >>> local_midnight(date(2026, 6, 1), ZoneInfo("Europe/Warsaw")).isoformat()
    '2026-05-31T22:00:00+00:00'
    """
    return datetime(day.year, day.month, day.day, tzinfo=tz).astimezone(UTC)


def local_day(instant: datetime, tz: ZoneInfo) -> date:
    """The local day that `instant` lies in."""
    return require_utc(instant).astimezone(tz).date()


def day_bounds(day: date, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """First instant of the local day and of the next one, in UTC."""
    return local_midnight(day, tz), local_midnight(day + timedelta(days=1), tz)


def next_month(day: date) -> date:
    """The first day of the month after that of `day`."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def months_before(day: date, months: int) -> date:
    """First day of the month that lies so many months before that of `day`.

    >>> months_before(date(2026, 2, 28), 3)
    datetime.date(2025, 11, 1)
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


def month_days(period: str) -> tuple[date, date]:
    """First day of the month `2026-06` and of the next one.

    >>> month_days("2026-12")
    (datetime.date(2026, 12, 1), datetime.date(2027, 1, 1))
    """
    first = parse_period(period)
    return first, next_month(first)


def days_in_month(day: date) -> int:
    """Number of days of the month that `day` lies in."""
    return (next_month(day) - day.replace(day=1)).days


def month_bounds(period: str, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """First instant of the local month `2026-06` and of the next one, in UTC."""
    first, end = month_days(period)
    return local_midnight(first, tz), local_midnight(end, tz)


def each_day(first: date, end: date) -> Iterator[date]:
    """The days of `[first, end)`."""
    for offset in range((end - first).days):
        yield first + timedelta(days=offset)
