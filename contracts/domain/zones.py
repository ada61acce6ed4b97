"""Tariff zones: which named part of the week a quarter-hour belongs to.

A group's own zones partition time; zones of `*` are surcharges that may overlap them and each other. The zone `flat`
needs no row: it is always. All times are local wall-clock minutes after midnight; a row that wraps midnight covers
both parts of each day of its type, so no row reaches into the day after.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from metering.domain.calendar import INTERVAL_MINUTES

FLAT = "flat"
ANY_GROUP = "*"
OTHERWISE = "otherwise"
WORKDAY, FREE = "workday", "free"
DAY_TYPES = ("all", WORKDAY, FREE, OTHERWISE)
DAYS_IN_WORDS = {WORKDAY: "workdays", FREE: "free days"}
DAY_MINUTES = 24 * 60

_MONTHS = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?", re.ASCII)
_CLOCK = re.compile(r"(\d{2}):(\d{2})", re.ASCII)


class ZoneError(ValueError):
    """Months or a time of day that can't be read; the text says why."""


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """One row of a tariff's zones. `start` and `end` are minutes after local midnight; both None for `otherwise`.

    `valid_from`, `valid_to`: the local days on which its book holds, the end exclusive; None = open.
    """

    group: str
    zone: str
    months: str
    day_type: str
    start: int | None
    end: int | None
    valid_from: date | None = None
    valid_to: date | None = None

    def in_force(self, day: date) -> bool:
        """Whether the row's book holds on the local day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)

    def in_month(self, month: int) -> bool:
        """Whether the row applies in the calendar month (1 to 12)."""
        first, last = parse_months(self.months)
        return first <= month <= last if first <= last else month >= first or month <= last

    def on(self, day_type: str) -> bool:
        """Whether the row applies on days of the type `workday` or `free`."""
        return self.day_type in ("all", day_type)

    def spans(self) -> tuple[tuple[int, int], ...]:
        """The minutes `[from, to)` that the row covers on each day of its type: two spans if it wraps midnight."""
        if self.start is None or self.end is None:
            return ()
        if self.start < self.end:
            return ((self.start, self.end),)
        return tuple(span for span in ((0, self.end), (self.start, DAY_MINUTES)) if span[0] < span[1])

    def covers(self, minute: int) -> bool:
        """Whether the row covers this minute after midnight."""
        return any(start <= minute < end for start, end in self.spans())


@dataclass(frozen=True, slots=True)
class BookProblem:
    """What is wrong with a row of a tariff book: `row` is its index, `column` the column to look at."""

    row: int
    column: str
    text: str


def parse_months(text: str) -> tuple[int, int]:
    """First and last month of `4-9`, `10-3` (wraps the year) or `5`."""
    match = _MONTHS.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not (1 <= first <= 12 and 1 <= last <= 12):
        raise ZoneError(f"'{text}' is not a range of months such as 1-12 or 10-3")
    return first, last


def parse_clock(text: str) -> int:
    """Minutes after midnight of `06:00`; `24:00` is the end of the day.

    >>> parse_clock("06:15"), parse_clock("24:00")
    (375, 1440)
    """
    match = _CLOCK.fullmatch(text)
    minute = int(match[1]) * 60 + int(match[2]) if match else -1
    if not match or int(match[2]) > 59 or minute > DAY_MINUTES or minute % INTERVAL_MINUTES:
        raise ZoneError(f"'{text}' is not a time of day in quarter-hours from 00:00 to 24:00")
    return minute


def format_clock(minute: int) -> str:
    """The inverse of `parse_clock`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def own_zone(rows: Iterable[ZoneRow], month: int, day_type: str, minute: int) -> str | None:
    """The zone among one group's own rows, or None where they leave a gap."""
    rest = None
    for row in rows:
        if not row.in_month(month):
            continue
        if row.day_type == OTHERWISE:
            rest = row.zone
        elif row.on(day_type) and row.covers(minute):
            return row.zone
    return rest


def surcharge_zones(rows: Iterable[ZoneRow], month: int, day_type: str, minute: int) -> frozenset[str]:
    """The zones of `*` that are in force."""
    return frozenset(row.zone for row in rows if row.in_month(month) and row.on(day_type) and row.covers(minute))


def zone_problems(rows: Sequence[ZoneRow]) -> Iterator[BookProblem]:
    """Rows that make no sense, overlaps, and gaps of any group in any season, each with its place."""
    broken = list(_row_problems(rows))
    yield from broken
    if broken:
        return
    own_names = {row.zone for row in rows if row.group != ANY_GROUP}
    for index, row in enumerate(rows):
        if row.group == ANY_GROUP and row.zone in own_names:
            yield BookProblem(index, "zone", f"zone '{row.zone}' of * is also a group's own zone; use another name")
    groups: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.group, []).append(index)
    for group, indexes in groups.items():
        if group == ANY_GROUP:
            for zone in sorted({rows[i].zone for i in indexes}):
                yield from _partition_problems(rows, group, [i for i in indexes if rows[i].zone == zone], gaps=False)
        else:
            yield from _partition_problems(rows, group, indexes, gaps=True)


def _row_problems(rows: Sequence[ZoneRow]) -> Iterator[BookProblem]:
    for index, row in enumerate(rows):
        if row.zone == FLAT:
            yield BookProblem(index, "zone", "zone 'flat' is always and takes no row; remove it or rename the zone")
        try:
            parse_months(row.months)
        except ZoneError as error:
            yield BookProblem(index, "months", str(error))
        if row.day_type not in DAY_TYPES:
            yield BookProblem(index, "day_type", f"day type '{row.day_type}' is not one of {', '.join(DAY_TYPES)}")
        elif row.day_type == OTHERWISE:
            if row.group == ANY_GROUP:
                yield BookProblem(index, "day_type", "zones of * are surcharges and can't be 'otherwise'")
            if row.start is not None or row.end is not None:
                yield BookProblem(index, "from", "an 'otherwise' row takes no times; leave from and to empty")
        elif row.start is None or row.end is None:
            yield BookProblem(index, "from", "from and to are missing; give 00:00 and 24:00 for whole days")
        elif row.start == row.end or row.start == DAY_MINUTES:
            yield BookProblem(index, "from", "from and to leave no time between; give 00:00 and 24:00 for whole days")


def _partition_problems(
    rows: Sequence[ZoneRow], group: str, indexes: Sequence[int], *, gaps: bool
) -> Iterator[BookProblem]:
    """Minutes of the group that have no row or several, months with the same fault told once."""
    faults: dict[tuple[int, str, str], list[int]] = {}
    for month in range(1, 13):
        rest = [i for i in indexes if rows[i].in_month(month) and rows[i].day_type == OTHERWISE]
        if len(rest) > 1:
            faults.setdefault((rest[1], "day_type", "several 'otherwise' rows"), []).append(month)
        for day_type in (WORKDAY, FREE):
            active = [i for i in indexes if rows[i].in_month(month) and rows[i].on(day_type)]
            for (first, second), (start, end) in _steps(rows, active):
                minutes = f"{format_clock(start)} to {format_clock(end)} on {DAYS_IN_WORDS[day_type]}"
                if second is not None:
                    key = (second, "from", f"overlap at {minutes}: two rows apply")
                elif first is None and gaps and not rest:
                    key = (*_beside(rows, active, start, end, indexes[0]), f"gap at {minutes}: no zone applies")
                else:
                    continue
                faults.setdefault(key, []).append(month)
    for (row, column, text), months in faults.items():
        listed = ", ".join(str(month) for month in dict.fromkeys(months))
        yield BookProblem(row, column, f"zones of group {group}: {text} (months {listed})")


def _beside(rows: Sequence[ZoneRow], active: Sequence[int], start: int, end: int, none: int) -> tuple[int, str]:
    """Row and column at which a gap is told: the row that follows it, else the one before it, else `none`."""
    for i in active:
        if rows[i].start == end % DAY_MINUTES:
            return i, "from"
    for i in active:
        if start in (rows[i].end, (rows[i].end or 0) % DAY_MINUTES):
            return i, "to"
    return none, "from"


def _steps(
    rows: Sequence[ZoneRow], active: Sequence[int]
) -> Iterator[tuple[tuple[int | None, int | None], tuple[int, int]]]:
    """The day cut where any active row starts or ends: first and second row that cover each piece, and the piece."""
    cuts = sorted({0, DAY_MINUTES}.union(*(span for i in active for span in rows[i].spans())))
    for start, end in pairwise(cuts):
        covering = [i for i in active if rows[i].covers(start)]
        first, second = (*covering, None, None)[:2]
        yield (first, second), (start, end)
