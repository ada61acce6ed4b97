"""Until when readings may come before a quarter-hour is settled with estimates."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from metering.domain.calendar import INTERVAL, INTERVAL_SECONDS

DEADLINE_HOURS = 48
LONGEST_DEADLINE_HOURS = 24 * 366


def overdue(deadlines: Iterable[tuple[datetime, int]], now: datetime) -> list[tuple[datetime, datetime]]:
    """The spans of quarter-hours whose deadline has passed at `now`, ascending.

    `deadlines` gives, ascending, from which instant on readings are due how many hours after their quarter-hour's end.
    """
    held = [*deadlines, (datetime.max.replace(tzinfo=now.tzinfo), 0)]
    spans = []
    for (start, hours), (following, _) in pairwise(held):
        last_end = now - timedelta(hours=hours)
        end = min(following, last_end - timedelta(seconds=last_end.timestamp() % INTERVAL_SECONDS))
        if end - start >= INTERVAL:
            spans.append((start, end))
    return spans
