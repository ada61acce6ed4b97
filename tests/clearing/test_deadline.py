"""Due, provisional, final: a quarter-hour is settled when complete, or with estimates once its deadline has passed."""

import datetime as dt

import pytest

from clearing.services import Report, clear_due
from contracts.models import ClusterSettings
from contracts.services.deadline import estimate_overdue
from metering.domain.calendar import INTERVAL
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.clearing.world import FAR, NEIGHBOUR, SELLER, STANDARD, World, make_bare_world, quarters
from tests.metering.delivering import Row, deliver, in_force, versions

pytestmark = pytest.mark.django_db
#: A Wednesday, 00:00 in Warsaw.
START = dt.datetime(2026, 6, 16, 22, tzinfo=dt.UTC)
HOURS = dt.timedelta(hours=1)
MINUTES = dt.timedelta(minutes=1)
POINTS = (SELLER, NEIGHBOUR, FAR, STANDARD)


def rows(starts: list[dt.datetime], codes: tuple[str, ...] = POINTS) -> list[Row]:
    """The seller feeds in 500 Wh, the others draw 300, 400 and 50."""
    energy = {SELLER: (0, 500), NEIGHBOUR: (300, 0), FAR: (400, 0), STANDARD: (50, 0)}
    return [(code, start, *energy[code]) for code in codes for start in starts]


@pytest.fixture
def world() -> World:
    """Four quarter-hours with prices; the third lacks the reading of one member."""
    world = make_bare_world("alfa")
    ensure_month_partitions("metering_reading", START, START)
    starts = quarters(4, START)
    world.price(starts)
    lost = (FAR, starts[2])
    deliver(world.cluster, [row for row in rows(starts) if row[:2] != lost], at=START + 2 * HOURS)
    return world


LOST = quarters(4, START)[2]
#: 48 hours after the end of the quarter-hour.
DEADLINE = LOST + INTERVAL + 48 * HOURS


def round_of_the_beat(world: World, now: dt.datetime) -> Report:
    estimate_overdue(world.cluster, now)
    return clear_due(world.cluster, now)


def test_before_its_deadline_an_incomplete_quarter_hour_waits(world: World) -> None:
    before = DEADLINE - dt.timedelta(seconds=1)
    assert round_of_the_beat(world, before) == Report(stored=3, waiting=1)
    assert world.state(LOST).waits_for == "readings" and not world.runs(LOST)


def test_at_its_deadline_it_is_settled_with_an_estimate_as_provisional(world: World) -> None:
    assert round_of_the_beat(world, DEADLINE) == Report(stored=4)
    assert [run.status for run in world.runs()] == ["final", "final", "provisional", "final"]
    assert in_force(world.cluster, FAR)[LOST] == (400, 0, 4)
    assert round_of_the_beat(world, DEADLINE + 5 * MINUTES) == Report()


def test_the_measured_value_makes_it_final_and_both_stay_in_the_history(world: World) -> None:
    round_of_the_beat(world, DEADLINE)
    (provisional,) = world.runs(LOST)
    deliver(world.cluster, [(FAR, LOST, 100, 0)], at=DEADLINE + 5 * MINUTES)
    assert round_of_the_beat(world, DEADLINE + 9 * MINUTES) == Report(stored=1)
    old, final = world.runs(LOST)
    assert (old.pk, old.status, old.shortage_wh) == (provisional.pk, "provisional", 700)
    assert (final.status, final.replaces, final.shortage_wh) == ("final", old, 400)
    assert world.state(LOST).run == final
    assert [quality for _, quality in versions(world.cluster, FAR, LOST)] == [4, 1]
    in_time = make_bare_world("bravo")
    in_time.price(quarters(4, START))
    deliver(
        in_time.cluster, [row if row[:2] != (FAR, LOST) else (FAR, LOST, 100, 0) for row in rows(quarters(4, START))]
    )
    clear_due(in_time.cluster, DEADLINE)
    assert in_time.runs(LOST)[0].content_digest == final.content_digest


def test_a_measured_value_equal_to_the_estimate_makes_it_final_too(world: World) -> None:
    round_of_the_beat(world, DEADLINE)
    deliver(world.cluster, [(FAR, LOST, 400, 0)], at=START + 3 * HOURS)
    assert round_of_the_beat(world, DEADLINE + 5 * MINUTES) == Report(stored=1)
    provisional, final = world.runs(LOST)
    assert (provisional.status, final.status) == ("provisional", "final")
    assert provisional.content_digest == final.content_digest


def test_a_substitute_is_complete_and_not_provisional(world: World) -> None:
    deliver(world.cluster, [(FAR, LOST, 400, 0)], at=DEADLINE, quality="substituted")
    assert round_of_the_beat(world, DEADLINE) == Report(stored=4)
    assert {run.status for run in world.runs()} == {"final"}


def test_the_deadline_is_a_setting_of_the_day(world: World) -> None:
    with scope(world.cluster.pk):
        later = ClusterSettings.objects.get()
        later.pk, later.valid_from, later.reading_deadline_hours = None, dt.date(2026, 6, 17), 2
        later.save()
    assert estimate_overdue(world.cluster, LOST + INTERVAL + 2 * HOURS - dt.timedelta(seconds=1)).readings == {}
    assert round_of_the_beat(world, LOST + INTERVAL + 2 * HOURS) == Report(stored=4)
    assert world.runs(LOST)[0].status == "provisional"


def test_after_an_outage_everything_is_caught_up_oldest_first(world: World) -> None:
    days = [START + number * dt.timedelta(days=1) for number in range(1, 5)]
    for day in days:
        deliver(world.cluster, rows(quarters(4, day), (SELLER, NEIGHBOUR, STANDARD)), at=day + 3 * HOURS)
        world.price(quarters(4, day))
    now = days[-1] + 60 * HOURS
    seen: list[int] = []
    start = None
    while True:
        estimate_overdue(world.cluster, now)
        report = clear_due(world.cluster, now, start, seconds=0)
        seen.append(report.stored)
        assert report.last is not None
        start = report.last + INTERVAL
        if not report.more:
            break
    assert seen == [4] * 5
    starts = [run.interval_start for run in world.runs()]
    assert starts == sorted(starts) and len(starts) == 20
    assert [run.status for run in world.runs()].count("provisional") == 1 + 16
