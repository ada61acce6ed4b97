"""Gaps and overlaps of dated rows."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Protocol


class Dated(Protocol):
    """A row in force on the local days `[valid_from, valid_to)`; None = open."""

    @property
    def valid_from(self) -> date: ...

    @property
    def valid_to(self) -> date | None: ...


def span_problems(rows: Sequence[Dated], key: Callable[[int], Hashable], *, gaps: bool) -> Iterator[tuple[int, str]]:
    """Index of a row that overlaps the row before it of the same key, or leaves a gap after it, and the text."""
    groups: dict[Hashable, list[int]] = {}
    for index in range(len(rows)):
        groups.setdefault(key(index), []).append(index)
    for indexes in groups.values():
        ordered = sorted(indexes, key=lambda i: (rows[i].valid_from, i))
        for before, after in pairwise(ordered):
            end, start = rows[before].valid_to, rows[after].valid_from
            if end is None or start < end:
                yield after, f"overlap: from {start} on two rows apply; end the earlier one on {start}"
            elif gaps and end < start:
                yield after, f"gap: nothing applies from {end} to {start}; close it"


def first_uncovered(rows: Sequence[Dated], days: Sequence[date]) -> date | None:
    """The first of the days on which no row is in force."""
    for day in days:
        if not any(row.valid_from <= day and (row.valid_to is None or day < row.valid_to) for row in rows):
            return day
    return None
