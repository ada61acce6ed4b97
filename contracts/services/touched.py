"""Which quarter-hours a change of terms concerns."""

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from contracts.dataset.spans import Dated
from contracts.services.sync import Changes, Record
from metering.domain.calendar import local_midnight

DaySpan = tuple[date, date | None]
WHOLE_TIME: DaySpan = (date(1970, 1, 1), None)


def changed_days(before: Dated | None, after: Dated | None) -> list[DaySpan]:
    """The days `[first, end)` for which a dated row differs; None = open.

    Where just the end moved, only the days between the two ends.
    """
    if before is not None and after is not None and _moved_end_only(before, after):
        ends = sorted((row.valid_to or date.max) for row in (before, after))
        return [(ends[0], None if ends[1] == date.max else ends[1])]
    return [(row.valid_from, row.valid_to) for row in (before, after) if row is not None]


def days_until_next(changed: Iterable[date], starts: Iterable[date]) -> list[DaySpan]:
    """For rows that hold until the next one: from each changed start to the start after it."""
    ordered = sorted(set(starts))
    return [(day, next((start for start in ordered if start > day), None)) for day in sorted(set(changed))]


def changed_spans(changes: Changes[Record]) -> list[DaySpan]:
    """The days of all changed rows."""
    return [span for before, after in changes.pairs for span in changed_days(before, after)]  # type: ignore[arg-type]


def instants(spans: Iterable[DaySpan], tz: ZoneInfo) -> list[tuple[datetime, datetime | None]]:
    """The spans' local midnights in UTC."""
    return [(local_midnight(first, tz), local_midnight(end, tz) if end else None) for first, end in spans]


def within(known: Iterable[datetime], spans: list[tuple[datetime, datetime | None]]) -> list[datetime]:
    """Those of the known quarter-hours that lie in one of the spans."""
    return [at for at in known if any(start <= at and (end is None or at < end) for start, end in spans)]


def _moved_end_only(before: Dated, after: Dated) -> bool:
    names = before.__dataclass_fields__.keys() - {"valid_to"}  # type: ignore[attr-defined]
    return all(getattr(before, name) == getattr(after, name) for name in names)
