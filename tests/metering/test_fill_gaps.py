"""Gaps in the database: what is estimated, from what, and what is left alone."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from metering.domain.calendar import INTERVAL, day_bounds, interval_starts
from metering.domain.estimation import Method
from metering.models import DayCheck, IntervalInput, MeteringPoint, PointAssignment
from metering.selectors import gaps
from metering.services import estimation
from metering.services.estimation import estimate_days, estimates_for, fill_gaps
from participants.tenancy.scope import scope
from tests.clearing.world import FAR, NEIGHBOUR, SELLER, STANDARD, World, make_bare_world
from tests.metering.delivering import Row, deliver, in_force, versions

pytestmark = pytest.mark.django_db
WARSAW = ZoneInfo("Europe/Warsaw")
ALL = (SELLER, NEIGHBOUR, FAR, STANDARD)
MONDAY = dt.date(2026, 6, 8)
WEDNESDAY = dt.date(2026, 6, 17)
NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
ALWAYS = [(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), NOW)]
ESTIMATED = 4


def starts_of(day: dt.date) -> list[dt.datetime]:
    return interval_starts(*day_bounds(day, WARSAW))


def day_of(code: str, day: dt.date, imported: int = 100, exported: int = 0) -> list[Row]:
    """A day on which the point counts more from quarter-hour to quarter-hour of the wall clock."""
    local = [start.astimezone(WARSAW) for start in starts_of(day)]
    slots = [at.hour * 4 + at.minute // 15 for at in local]
    return [(code, start, imported + slot, exported) for start, slot in zip(starts_of(day), slots, strict=True)]


@pytest.fixture
def world() -> World:
    return make_bare_world("alfa")


def test_a_short_gap_is_filled_with_a_line(world: World) -> None:
    rows = [row for code in ALL for row in day_of(code, MONDAY)]
    lost = {starts_of(MONDAY)[place] for place in range(40, 44)}
    deliver(world.cluster, [row for row in rows if row[0] != FAR or row[1] not in lost])
    report = fill_gaps(world.cluster, ALWAYS)
    assert report.readings == {Method.LINE: 4} and not report.failed and not report.more
    held = in_force(world.cluster, FAR)
    assert {held[start] for start in sorted(lost)} == {(140 + number, 0, ESTIMATED) for number in range(4)}
    assert versions(world.cluster, FAR, min(lost)) == [(1, ESTIMATED)]
    assert all(in_force(world.cluster, code)[start][2] == 1 for code in ALL[:2] for start in lost)


def june(day: int) -> dt.date:
    return dt.date(2026, 6, day)


def test_a_lost_day_is_the_mean_of_the_four_nearest_complete_similar_days(world: World) -> None:
    for day, least in ((16, 100), (18, 200), (19, 300), (12, 500), (22, 9000), (13, 7000), (14, 7000)):
        deliver(world.cluster, day_of(FAR, june(day), least))
    deliver(world.cluster, day_of(FAR, june(15), 8000)[:-1])
    deliver(world.cluster, day_of(SELLER, WEDNESDAY))
    report = fill_gaps(world.cluster, [day_bounds(WEDNESDAY, WARSAW)])
    assert report.readings[Method.SIMILAR_DAYS] == 96
    held = in_force(world.cluster, FAR)
    assert [held[start] for start in starts_of(WEDNESDAY)] == [(275 + slot, 0, ESTIMATED) for slot in range(96)]


def test_similar_days_further_away_are_found_where_the_near_ones_lack(world: World) -> None:
    deliver(world.cluster, day_of(FAR, june(17) - dt.timedelta(days=28), 40))
    deliver(world.cluster, day_of(FAR, june(17) + dt.timedelta(days=35), 9000))
    deliver(world.cluster, day_of(SELLER, WEDNESDAY))
    fill_gaps(world.cluster, [day_bounds(WEDNESDAY, WARSAW)])
    assert in_force(world.cluster, FAR)[starts_of(WEDNESDAY)[5]] == (45, 0, ESTIMATED)


def test_without_similar_days_the_group_tells(world: World) -> None:
    """The neighbours count half as much a year each: the lost one gets as much as both together."""
    with scope(world.cluster.pk):
        PointAssignment.objects.filter(metering_point__code=FAR).update(yearly_use_kwh=3616)
        PointAssignment.objects.filter(metering_point__code=STANDARD).update(tariff_group="C11")
    deliver(world.cluster, day_of(SELLER, WEDNESDAY, 100) + day_of(NEIGHBOUR, WEDNESDAY, 300))
    deliver(world.cluster, day_of(STANDARD, WEDNESDAY, 9000))
    assert fill_gaps(world.cluster, ALWAYS).readings == {Method.GROUP: 96}
    assert in_force(world.cluster, FAR)[starts_of(WEDNESDAY)[7]] == (100 + 7 + 300 + 7, 0, ESTIMATED)


def test_the_export_of_a_group_follows_the_generation_capacity(world: World) -> None:
    with scope(world.cluster.pk):
        PointAssignment.objects.filter(metering_point__code=SELLER).update(generation_capacity_kw=10)
        PointAssignment.objects.filter(metering_point__code=FAR).update(generation_capacity_kw=5)
    deliver(world.cluster, day_of(SELLER, WEDNESDAY, 100, 1001) + day_of(NEIGHBOUR, WEDNESDAY, 300, 0))
    fill_gaps(world.cluster, ALWAYS)
    assert in_force(world.cluster, FAR)[starts_of(WEDNESDAY)[0]] == (100, 501, ESTIMATED)
    assert in_force(world.cluster, STANDARD)[starts_of(WEDNESDAY)[0]] == (300, 0, ESTIMATED)


def test_a_day_for_which_nobody_delivered_is_left_to_the_coordinator(world: World) -> None:
    deliver(world.cluster, day_of(FAR, MONDAY))
    world.touch(starts_of(WEDNESDAY)[0])
    fill_gaps(world.cluster, ALWAYS)
    assert starts_of(WEDNESDAY)[0] not in in_force(world.cluster, FAR)
    report = estimate_days(world.cluster, [WEDNESDAY], NOW)
    assert sum(report.readings.values()) == 4 * 96
    assert in_force(world.cluster, FAR)[starts_of(WEDNESDAY)[3]] == (103, 0, ESTIMATED)


def test_only_finished_quarter_hours_are_estimated_when_asked_for(world: World) -> None:
    now = starts_of(WEDNESDAY)[10] + dt.timedelta(minutes=14)
    estimate_days(world.cluster, [WEDNESDAY], now)
    assert set(in_force(world.cluster, FAR)) == set(starts_of(WEDNESDAY)[:10])


def test_what_is_not_overdue_is_left_alone(world: World) -> None:
    deliver(world.cluster, [row for code in ALL[:3] for row in day_of(code, MONDAY)])
    start, noon = starts_of(MONDAY)[0], starts_of(MONDAY)[48]
    fill_gaps(world.cluster, [(start, noon)])
    assert set(in_force(world.cluster, STANDARD)) == set(starts_of(MONDAY)[:48])
    fill_gaps(world.cluster, [(start, noon + INTERVAL)])
    assert set(in_force(world.cluster, STANDARD)) == set(starts_of(MONDAY)[:49])


def test_only_members_of_that_day_are_estimated(world: World) -> None:
    with scope(world.cluster.pk):
        PointAssignment.objects.filter(metering_point__code=STANDARD).update(valid_to=MONDAY)
        PointAssignment.objects.filter(metering_point__code=FAR).update(role="boundary", participant=None)
        MeteringPoint.objects.create(cluster=world.cluster, code="590000000000000051")
    deliver(world.cluster, day_of(SELLER, MONDAY) + day_of(NEIGHBOUR, MONDAY))
    assert fill_gaps(world.cluster, ALWAYS).readings == {}
    assert in_force(world.cluster, STANDARD) == in_force(world.cluster, FAR) == {}


@pytest.mark.parametrize(("day", "count"), [(dt.date(2026, 3, 29), 92), (dt.date(2026, 10, 25), 100)])
def test_days_of_the_clock_change_are_filled_by_the_wall_clock(world: World, day: dt.date, count: int) -> None:
    sunday_before = day - dt.timedelta(days=7)
    deliver(world.cluster, day_of(FAR, sunday_before, 1000) + day_of(SELLER, day))
    report = fill_gaps(world.cluster, [day_bounds(day, WARSAW)])
    assert report.readings[Method.SIMILAR_DAYS] == count
    held = in_force(world.cluster, FAR)
    local = [start.astimezone(WARSAW) for start in starts_of(day)]
    assert [held[at.astimezone(dt.UTC)][0] for at in local] == [1000 + at.hour * 4 + at.minute // 15 for at in local]


def test_the_hour_that_a_similar_day_lacks_comes_from_the_group(world: World) -> None:
    short, after = dt.date(2026, 3, 29), dt.date(2026, 4, 12)
    deliver(world.cluster, day_of(FAR, short, 1000) + day_of(SELLER, after, 20))
    report = fill_gaps(world.cluster, [day_bounds(after, WARSAW)])
    held = in_force(world.cluster, FAR)
    assert [held[start][0] for start in starts_of(after)[7:13]] == [1007, 28, 29, 30, 31, 1012]
    assert report.readings[Method.SIMILAR_DAYS] == 92


def test_whatever_is_delivered_holds_instead_of_an_estimate(world: World) -> None:
    """Also what was issued long before the estimate was made, and once it is there nothing is estimated."""
    deliver(world.cluster, day_of(SELLER, WEDNESDAY))
    fill_gaps(world.cluster, ALWAYS)
    start = starts_of(WEDNESDAY)[20]
    assert versions(world.cluster, FAR, start) == [(1, ESTIMATED)]
    early = dt.datetime(2026, 6, 18, tzinfo=dt.UTC)
    deliver(world.cluster, [(FAR, start, 7, 0)], at=early)
    assert in_force(world.cluster, FAR)[start] == (7, 0, 1)
    assert [quality for _, quality in versions(world.cluster, FAR, start)] == [ESTIMATED, 1]
    assert fill_gaps(world.cluster, ALWAYS).readings == {}
    assert in_force(world.cluster, FAR)[start] == (7, 0, 1)


def test_a_reading_that_comes_meanwhile_is_not_covered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(world.cluster, day_of(SELLER, WEDNESDAY))
    start = starts_of(WEDNESDAY)[20]
    look = estimation.gaps.known_around

    def rival_delivers(*arguments: object) -> object:
        found = look(*arguments)
        if start not in in_force(world.cluster, FAR):
            deliver(world.cluster, [(FAR, start, 7, 0)])
        return found

    monkeypatch.setattr(gaps, "known_around", rival_delivers)
    fill_gaps(world.cluster, ALWAYS)
    assert [quality for _, quality in versions(world.cluster, FAR, start)] == [1]
    assert in_force(world.cluster, FAR)[start + INTERVAL][2] == ESTIMATED


def test_estimates_are_not_taken_for_knowledge(world: World) -> None:
    """A day that was estimated is no similar day."""
    deliver(world.cluster, day_of(SELLER, june(16), 50) + day_of(SELLER, WEDNESDAY))
    deliver(world.cluster, day_of(FAR, june(18), 900), quality="estimated")
    fill_gaps(world.cluster, [day_bounds(june(16), WARSAW)])
    assert in_force(world.cluster, FAR)[starts_of(june(16))[0]] == (50, 0, ESTIMATED)
    fill_gaps(world.cluster, [day_bounds(WEDNESDAY, WARSAW)])
    assert in_force(world.cluster, FAR)[starts_of(WEDNESDAY)[0]] == (100, 0, ESTIMATED)


def test_an_estimate_is_no_end_of_a_line(world: World) -> None:
    place = starts_of(MONDAY)[40]
    deliver(world.cluster, [row for row in day_of(FAR, MONDAY) if row[1] not in (place - INTERVAL, place)])
    deliver(world.cluster, [(FAR, place - INTERVAL, 9000, 0)], quality="estimated")
    fill_gaps(world.cluster, ALWAYS)
    assert in_force(world.cluster, FAR)[place] == (140, 0, ESTIMATED)


def test_a_day_is_looked_at_again_only_when_something_changed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(world.cluster, day_of(SELLER, MONDAY) + day_of(SELLER, WEDNESDAY))
    looked: list[dt.date] = []
    look = gaps.gaps
    monkeypatch.setattr(gaps, "gaps", lambda cluster, day, starts: looked.append(day) or look(cluster, day, starts))
    fill_gaps(world.cluster, ALWAYS)
    assert looked == [MONDAY, WEDNESDAY]
    fill_gaps(world.cluster, ALWAYS)
    assert looked[2:] == [MONDAY, WEDNESDAY], "its own estimates changed them"
    fill_gaps(world.cluster, ALWAYS)
    assert len(looked) == 4
    deliver(world.cluster, [(FAR, starts_of(MONDAY)[0], 5, 0)])
    fill_gaps(world.cluster, ALWAYS)
    assert looked[4:] == [MONDAY]


def test_a_pass_is_bounded_and_the_next_goes_on_behind_it(world: World) -> None:
    for day in (MONDAY, june(9), WEDNESDAY):
        deliver(world.cluster, day_of(SELLER, day))
    first = fill_gaps(world.cluster, ALWAYS, seconds=0)
    assert (first.more, first.last_day) == (True, MONDAY)
    second = fill_gaps(world.cluster, ALWAYS, after=first.last_day, seconds=0)
    assert (second.more, second.last_day) == (True, june(9))
    third = fill_gaps(world.cluster, ALWAYS, after=second.last_day, seconds=0)
    assert (third.more, third.last_day) == (False, WEDNESDAY)
    assert all(starts_of(day)[0] in in_force(world.cluster, FAR) for day in (MONDAY, june(9), WEDNESDAY))


def test_a_day_that_fails_does_not_hold_up_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(world.cluster, day_of(SELLER, MONDAY) + day_of(SELLER, WEDNESDAY))
    look = gaps.gaps

    def poisoned(cluster: object, day: dt.date, starts: object) -> object:
        if day == MONDAY:
            raise ValueError("bad data")
        return look(cluster, day, starts)

    monkeypatch.setattr(gaps, "gaps", poisoned)
    report = fill_gaps(world.cluster, ALWAYS)
    assert report.failed == {MONDAY: "bad data"} and sum(report.readings.values()) == 3 * 96
    with scope(world.cluster.pk):
        assert set(DayCheck.objects.values_list("day", flat=True)) == {WEDNESDAY}


def test_exactly_the_estimated_quarter_hours_are_cleared_again(world: World) -> None:
    deliver(world.cluster, [row for code in ALL for row in day_of(code, MONDAY) if code != FAR or row[1].minute])
    with scope(world.cluster.pk):
        before = dict(IntervalInput.objects.values_list("interval_start", "changes"))
    fill_gaps(world.cluster, ALWAYS)
    with scope(world.cluster.pk):
        after = dict(IntervalInput.objects.values_list("interval_start", "changes"))
    assert {at for at in after if after[at] != before.get(at)} == {at for at in starts_of(MONDAY) if not at.minute}


def test_what_a_point_would_be_estimated_at_ignores_what_it_counted_then(world: World) -> None:
    for day in (16, 17, 18):
        deliver(world.cluster, day_of(FAR, june(day), 100 * day))
    two = starts_of(WEDNESDAY)[40:42]
    with scope(world.cluster.pk):
        point = MeteringPoint.objects.get(code=FAR).pk
        found = estimates_for(world.cluster, point, two)
        assert [(value.imported_wh, value.method) for value in found.values()] == [
            (1740, Method.LINE), (1741, Method.LINE),
        ]  # fmt: skip
        both_days = estimates_for(world.cluster, point, starts_of(WEDNESDAY) + starts_of(june(18)))
        assert {value.imported_wh - slot for slot, value in enumerate(list(both_days.values())[:96])} == {1600}
        assert estimates_for(world.cluster, point, starts_of(dt.date(2019, 6, 18))[:1]) == {}


def test_clusters_do_not_see_each_other(world: World) -> None:
    other = make_bare_world("bravo")
    deliver(world.cluster, day_of(SELLER, WEDNESDAY) + day_of(FAR, june(16)))
    deliver(other.cluster, day_of(SELLER, WEDNESDAY, 5))
    fill_gaps(other.cluster, ALWAYS)
    assert starts_of(WEDNESDAY)[0] not in in_force(world.cluster, FAR)
    assert in_force(other.cluster, FAR)[starts_of(WEDNESDAY)[0]] == (5, 0, ESTIMATED)


def test_the_number_of_queries_does_not_grow_with_the_points(
    world: World, django_assert_max_num_queries: object
) -> None:
    deliver(world.cluster, day_of(SELLER, MONDAY))
    with django_assert_max_num_queries(45):
        fill_gaps(world.cluster, ALWAYS)
