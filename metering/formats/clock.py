"""Local labels of intervals as UTC starts, with the hours that the clock repeats or skips.

A label that the clock shows once has one start. On the day when an hour is repeated (autumn) the lines say by their
order which is which; a label that should come twice and does not is reported, never guessed. Labels of the END of
an interval are written in two ways around a change: counted on from the start (the hour from 02:00 is `3:00`, twice) or
read off the clock (the hour before the change ends at `2:00` again); the labels themselves tell which.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from metering.formats.base import Direction, Energy, Fault, Found, fault
from metering.formats.words import NO_SUCH_HOUR, NOT_IN_ORDER, NOT_ON_STEP, ONE_OF_TWO, TOO_OFTEN

_DAY = timedelta(days=1)
_TIME = r"[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?"
_LABELS = (
    (re.compile(r"(\d{4})-(\d{2})-(\d{2})" + _TIME, re.ASCII), (1, 2, 3)),
    (re.compile(r"(\d{2})[.-](\d{2})[.-](\d{4})" + _TIME, re.ASCII), (3, 2, 1)),
)


class Labelled(NamedTuple):
    """A line of a file: `text` as it stands there, what it means (local time, or UTC with its offset), whether it
    names the end of the interval, and the energy by direction [Wh]."""

    line: int
    column: str
    point: str
    text: str
    label: datetime
    ends: bool
    energy: tuple[tuple[Direction, int], ...]
    quality: str


@dataclass(frozen=True)
class _Change:
    """The clock goes over at `at` (UTC): it skips the local times from `low` to `high`, or shows them twice."""

    at: datetime
    low: datetime
    high: datetime
    twice: bool

    def starts(self, label: datetime, ends: bool, step: timedelta, read_off: bool) -> list[datetime]:
        """The UTC starts that the label has here, in order; `read_off`: of ends, read off the clock."""
        length = self.high - self.low
        if not self.twice:
            return [self.at - step] if ends and label == (self.high if read_off else self.low) else []
        first, second = self.at - (self.high - label), self.at + (label - self.low)
        if not ends:
            return [first, second]
        if label == self.low:
            before = self.at - length - step
            return [before, self.at - step] if read_off else [before]
        if label == self.high and read_off:
            return [self.at + length - step]
        return [first - step, second - step]


@lru_cache(1 << 14)
def local_label(text: str) -> datetime | None:
    """Reads `2026-06-15 1:00`, `15.06.2026 24:00` and the like, without a zone; None if it is nothing of the kind."""
    for pattern, (year, month, day) in _LABELS:
        if match := pattern.fullmatch(text):
            hour, minute, second = int(match[4]), int(match[5]), int(match[6] or 0)
            midnight = hour == 24 and minute == second == 0
            try:
                found = datetime.combine(
                    date(int(match[year]), int(match[month]), int(match[day])),
                    time(0 if midnight else hour, minute, second),
                )
                return found + _DAY if midnight else found
            except (ValueError, OverflowError):
                return None
    return None


def in_time(labelled: Iterable[Labelled | Fault], tz: ZoneInfo, minutes: int) -> Found:
    """Energy at its UTC start. Lines around a change of the clock are held until the next line of their point."""
    step = timedelta(minutes=minutes)
    held: dict[tuple[str, Direction], tuple[_Change, list[Labelled]]] = {}
    before: dict[tuple[str, Direction], datetime] = {}
    for row in labelled:
        if isinstance(row, Fault):
            yield row
            continue
        if (row.label.hour * 60 + row.label.minute) % minutes or row.label.second:
            yield fault(row.line, row.column, NOT_ON_STEP, value=row.text, minutes=minutes)
            continue
        if row.label.tzinfo is not None:
            start = row.label.astimezone(UTC)
            yield from _energy(row, start - step if row.ends else start, minutes)
            continue
        key = row.point, row.energy[0][0]
        change = _held_by(row, tz)
        if key in held and change != held[key][0]:
            yield from _resolved(*held.pop(key), before.get(key), row.label, step)
        if change is not None:
            held.setdefault(key, (change, []))[1].append(row)
            continue
        before[key] = row.label
        yield from _energy(row, _start(row.label - step if row.ends else row.label, tz), minutes)
    for key, (change, rows) in held.items():
        yield from _resolved(change, rows, before.get(key), None, step)


def _energy(row: Labelled, start: datetime, minutes: int) -> Iterator[Energy]:
    for direction, wh in row.energy:
        yield Energy(row.line, row.point, start, minutes, direction, wh, row.quality)


@lru_cache(1 << 14)
def _start(label: datetime, tz: ZoneInfo) -> datetime:
    return label.replace(tzinfo=tz).astimezone(UTC)


def _held_by(row: Labelled, tz: ZoneInfo) -> _Change | None:
    """The change of the clock that makes the label's meaning depend on other lines."""
    change = _change_near(row.label.date(), tz)
    if change is None or not change.low <= row.label <= change.high or (row.label == change.high and not row.ends):
        return None
    return change


@lru_cache(1 << 12)
def _change_near(day: date, tz: ZoneInfo) -> _Change | None:
    noon = datetime.combine(day, time(12))
    low, high = ((noon + offset).replace(tzinfo=tz).astimezone(UTC) for offset in (-_DAY, _DAY))
    old, new = (at.astimezone(tz).utcoffset() or timedelta() for at in (low, high))
    if old == new:
        return None
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        low, high = (middle, high) if middle.astimezone(tz).utcoffset() == old else (low, middle)
    at = high.replace(second=0, microsecond=0)
    ends, begins = (at + old).replace(tzinfo=None), (at + new).replace(tzinfo=None)
    return _Change(at, min(ends, begins), max(ends, begins), twice=new < old)


def _resolved(
    change: _Change, rows: list[Labelled], before: datetime | None, after: datetime | None, step: timedelta
) -> Found:
    """The lines of one point and direction around one change; `before` and `after` are the labels next to them."""
    ordered = not (
        (before is not None and change.high < before <= change.high + _DAY)
        or (after is not None and change.low - _DAY <= after < change.low)
    )
    found: dict[datetime, list[Labelled]] = {}
    for row in rows:
        found.setdefault(row.label, []).append(row)
    lowest, highest = len(found.get(change.low, ())), len(found.get(change.high, ()))
    read_off = (lowest == 2 and highest == 1) if change.twice else lowest == 0
    for row in rows:
        starts = change.starts(row.label, row.ends, step, read_off)
        same = found[row.label]
        if not starts:
            yield fault(row.line, row.column, NO_SUCH_HOUR, value=row.text)
        elif len(same) < len(starts):
            yield fault(row.line, row.column, ONE_OF_TWO, value=row.text)
        elif len(same) > len(starts):
            yield fault(row.line, row.column, TOO_OFTEN, value=row.text, count=len(same), expected=len(starts))
        elif len(starts) == 2 and not ordered:
            yield fault(row.line, row.column, NOT_IN_ORDER, value=row.text)
        else:
            yield from _energy(row, starts[same.index(row)], int(step.total_seconds()) // 60)
