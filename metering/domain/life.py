"""What holds of a metering point from one local day to another, and how a change from a day on divides it.

Days are local, ends exclusive, None = open. Spans of one point are in order and never overlap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any

DaySpan = tuple[date, date | None]
#: What belongs to the place and stays when its owner changes; all else is the owner's.
OF_THE_PLACE = frozenset({"grid_node"})
_NEVER = date.max


@dataclass(frozen=True, slots=True)
class Terms:
    """Whose a point is, where it hangs and how it is charged; people and nodes by their ids."""

    participant: int | None
    role: str
    grid_node: int
    tariff_group: str
    contracted_power_kw: Decimal
    generation_capacity_kw: Decimal
    generation_source: str
    phases: int
    yearly_use_kwh: int
    capacity_factor: Decimal


@dataclass(frozen=True, slots=True)
class Span:
    """The same terms for the local days [first, end)."""

    first: date
    end: date | None
    terms: Terms

    def covers(self, day: date) -> bool:
        return self.first <= day < (self.end or _NEVER)


class Refusal(StrEnum):
    """Why a change can't be made."""

    NOBODY = "nobody"
    TAKEN = "taken"
    OWN = "own"
    NOTHING = "nothing"


class LifeError(ValueError):
    """A change that can't be made; `span` is what stands in its way, if anything does."""

    def __init__(self, refusal: Refusal, span: Span | None = None) -> None:
        self.refusal = refusal
        self.span = span
        super().__init__(refusal.value)


def on_day(spans: Sequence[Span], day: date) -> Span | None:
    """What holds on a day."""
    return next((span for span in spans if span.covers(day)), None)


def with_change(spans: Sequence[Span], day: date, values: Mapping[str, Any]) -> list[Span]:
    """The spans with other values from `day` on.

    A value holds until it changes by itself, or the owner does: changes that are planned for later stay. Raises
    LifeError if the point is nobody's on that day, or has these values already.
    """
    now = on_day(spans, day)
    if now is None:
        raise LifeError(Refusal.NOBODY)
    result = _split(spans, day)
    for name, value in values.items():
        before, reached = getattr(now.terms, name), day
        for place, span in enumerate(result):
            if span.first < day:
                continue
            same_owner = span.terms.participant == now.terms.participant or name in OF_THE_PLACE
            if span.first != reached or not same_owner or getattr(span.terms, name) != before:
                break
            result[place] = replace(span, terms=replace(span.terms, **{name: value}))
            reached = span.end or _NEVER
    return _changed(spans, result)


def with_move_out(spans: Sequence[Span], day: date) -> list[Span]:
    """The spans without their owner of `day` from that day on; what was planned for them goes too."""
    leaving = on_day(spans, day)
    if leaving is None:
        raise LifeError(Refusal.NOBODY)
    kept, reached = [], day
    for span in _split(spans, day):
        if span.first == reached and span.terms.participant == leaving.terms.participant:
            reached = span.end or _NEVER
        else:
            kept.append(span)
    return _changed(spans, kept)


def with_move_in(spans: Sequence[Span], day: date, end: date | None, terms: Terms) -> list[Span]:
    """The spans with a new owner for [day, end); whose the point is on `day`, moves out that day.

    Raises LifeError if it is theirs already, or somebody else's before `end`.
    """
    now = on_day(spans, day)
    if now is not None and now.terms.participant == terms.participant:
        raise LifeError(Refusal.OWN, now)
    left = with_move_out(spans, day) if now is not None else list(spans)
    for span in left:
        if span.first < (end or _NEVER) and day < (span.end or _NEVER):
            raise LifeError(Refusal.TAKEN, span)
    return _changed(spans, sorted([*left, Span(day, end, terms)], key=lambda span: span.first))


def changed_days(before: Sequence[Span], after: Sequence[Span]) -> list[DaySpan]:
    """The days on which other terms hold than before, as few spans as possible."""
    edges = sorted({day for span in (*before, *after) for day in (span.first, span.end or _NEVER)})
    found: list[DaySpan] = []
    for first, end in pairwise(edges):
        old, new = on_day(before, first), on_day(after, first)
        if (old and old.terms) == (new and new.terms):
            continue
        start = found.pop()[0] if found and found[-1][1] == first else first
        found.append((start, None if end == _NEVER else end))
    return found


def _split(spans: Sequence[Span], day: date) -> list[Span]:
    """The same days and terms, with no span that begins before `day` and goes on after it."""
    parts: list[Span] = []
    for span in spans:
        if span.first < day < (span.end or _NEVER):
            parts += [replace(span, end=day), replace(span, first=day)]
        else:
            parts.append(span)
    return parts


def _changed(before: Sequence[Span], after: Sequence[Span]) -> list[Span]:
    """`after` with equal neighbours as one."""
    merged: list[Span] = []
    for span in after:
        if merged and merged[-1].end == span.first and merged[-1].terms == span.terms:
            merged[-1] = replace(merged[-1], end=span.end)
        else:
            merged.append(span)
    if not changed_days(before, merged):
        raise LifeError(Refusal.NOTHING)
    return merged
