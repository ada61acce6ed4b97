"""Changes from a day on, as laws: the days before stay, no two spans overlap, nothing but what was asked changes."""

import datetime as dt
from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.domain.life import (
    LifeError,
    Refusal,
    Span,
    Terms,
    changed_days,
    on_day,
    with_change,
    with_move_in,
    with_move_out,
)

FIRST = dt.date(2026, 3, 20)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(40)]
TERMS = Terms(1, "member", 1, "G11", Decimal(14), Decimal(0), "photovoltaics", 3, 2000, Decimal(1))


@st.composite
def lives(draw: st.DrawFn) -> tuple[Span, ...]:
    """Up to six spans of few people, groups and nodes, with and without gaps between them."""
    edges = sorted(draw(st.sets(st.sampled_from(DAYS), min_size=2, max_size=7)))
    spans = []
    for first, end in zip(edges, [*edges[1:], None], strict=True):
        if draw(st.integers(0, 4)):
            values = {"participant": draw(st.integers(1, 2)), "tariff_group": draw(st.sampled_from(["G11", "G12"]))}
            spans.append(Span(first, end, replace(TERMS, grid_node=draw(st.integers(1, 2)), **values)))
    return tuple(spans)


days = st.sampled_from(DAYS)


def days_of(spans: list[Span] | tuple[Span, ...]) -> list[Terms | None]:
    """The terms of each day, and of a day long after."""
    found = [on_day(spans, day) for day in [*DAYS, dt.date(2030, 1, 1)]]
    return [span and span.terms for span in found]


def in_order(spans: list[Span]) -> bool:
    ends = [span.end or dt.date.max for span in spans]
    return all(end <= later.first for end, later in zip(ends, spans[1:], strict=False)) and all(
        span.first < end for span, end in zip(spans, ends, strict=True)
    )


@given(lives(), days, st.sampled_from(["G11", "G12", "C11"]))
def test_a_change_holds_from_its_day_until_the_value_or_the_owner_changes(
    spans: tuple[Span, ...], day: dt.date, group: str
) -> None:
    before = days_of(spans)
    then = on_day(spans, day)
    try:
        changed = with_change(spans, day, {"tariff_group": group})
    except LifeError as error:
        assert error.refusal == (Refusal.NOBODY if then is None else Refusal.NOTHING)
        assert then is None or then.terms.tariff_group == group
        return
    assert in_order(changed)
    after, place = days_of(changed), DAYS.index(day)
    assert after[:place] == before[:place]
    assert after[place] == replace(then.terms, tariff_group=group)
    holds = True
    for old, new in zip(before[place:], after[place:], strict=True):
        holds = holds and old is not None and (old.participant, old.tariff_group) == (
            then.terms.participant, then.terms.tariff_group
        )  # fmt: skip
        assert new == (replace(old, tariff_group=group) if holds else old)


@given(lives(), days)
def test_who_moves_out_has_no_day_from_then_on_until_they_come_back(spans: tuple[Span, ...], day: dt.date) -> None:
    then = on_day(spans, day)
    if then is None:
        with pytest.raises(LifeError):
            with_move_out(spans, day)
        return
    before, after = days_of(spans), days_of(with_move_out(spans, day))
    gone = True
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        if place < DAYS.index(day):
            assert new == old
        else:
            gone = gone and old is not None and old.participant == then.terms.participant
            assert new == (None if gone else old)


@given(lives(), days, st.integers(1, 30) | st.none())
def test_who_moves_in_has_exactly_the_days_or_is_refused_because_of_another(
    spans: tuple[Span, ...], day: dt.date, length: int | None
) -> None:
    end = day + dt.timedelta(days=length) if length else None
    new = replace(TERMS, participant=3)
    before = days_of(spans)
    left = with_move_out(spans, day) if on_day(spans, day) else list(spans)
    try:
        changed = with_move_in(spans, day, end, new)
    except LifeError as error:
        assert error.refusal == Refusal.TAKEN
        assert error.span in left and error.span.first < (end or dt.date.max)
        return
    assert in_order(changed)
    for place, terms in enumerate(days_of(changed)):
        at = [*DAYS, dt.date(2030, 1, 1)][place]
        if day <= at < (end or dt.date.max):
            assert terms == new
        else:
            assert terms == days_of(left)[place]
            assert at >= day or terms == before[place]


@given(lives(), lives())
def test_the_changed_days_are_those_that_differ_and_no_others(
    before: tuple[Span, ...], after: tuple[Span, ...]
) -> None:
    spans = changed_days(before, after)
    for day, old, new in zip(DAYS, days_of(before), days_of(after), strict=False):
        assert (old != new) == any(first <= day < (end or dt.date.max) for first, end in spans)


def test_a_new_node_stays_when_the_owner_changes_and_a_new_tariff_does_not() -> None:
    sold = dt.date(2026, 4, 10)
    spans = (Span(FIRST, sold, TERMS), Span(sold, None, replace(TERMS, participant=2)))
    node = with_change(spans, dt.date(2026, 4, 1), {"grid_node": 2})
    assert [span.terms.grid_node for span in node] == [1, 2, 2]
    group = with_change(spans, dt.date(2026, 4, 1), {"tariff_group": "G12"})
    assert [span.terms.tariff_group for span in group] == ["G11", "G12", "G11"]


def test_taking_a_change_back_leaves_what_was() -> None:
    day = dt.date(2026, 4, 1)
    spans = (Span(FIRST, None, TERMS),)
    there = with_change(spans, day, {"tariff_group": "G12", "contracted_power_kw": Decimal(20)})
    assert len(there) == 2
    assert with_change(there, day, {"tariff_group": "G11", "contracted_power_kw": Decimal(14)}) == list(spans)
    assert {each.name for each in fields(Terms)} >= {"participant", "tariff_group"}
