"""Readings that come late, wrong first, or in any order settle as if they had come in time and right at once."""

import datetime as dt
from random import Random

import pytest

from clearing.models import IntervalState
from clearing.services import clear_due
from metering.domain.calendar import format_instant
from metering.domain.readings import STAMPED_COLUMNS
from metering.services import ingest
from participants.tenancy.scope import scope
from tests.clearing.world import NET, NOW, SELLER, World, make_bare_world, quarters

pytestmark = pytest.mark.django_db
#: Four before and four after the local midnight at which the day of 100 quarter-hours begins, and its repeated hour.
STARTS = [
    *quarters(8, dt.datetime(2026, 10, 24, 21, 0, tzinfo=dt.UTC)),
    *quarters(8, dt.datetime(2026, 10, 25, 0, 0, tzinfo=dt.UTC)),
]
ISSUED = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def right(code: str, number: int) -> int:
    return NET[code] + (number * 37 if code == SELLER else -number * 11)


def line(code: str, number: int, net: int, hours: int, quality: str = "measured") -> str:
    start, stamp = format_instant(STARTS[number]), format_instant(ISSUED + dt.timedelta(hours=hours))
    return f"{code},{start},{max(-net, 0)},{max(net, 0)},{quality},{stamp}\n"


def deliver(world: World, lines: list[str]) -> None:
    outcome = ingest(
        world.cluster, ["".join(lines).encode()], issued_at=NOW, whole=False, now=NOW, columns=STAMPED_COLUMNS
    )
    assert not outcome.refused


def settled(world: World) -> list[tuple[dt.datetime, str, str]]:
    with scope(world.cluster.pk):
        states = IntervalState.objects.exclude(run=None).select_related("run").order_by("interval_start")
        return [(state.interval_start, state.run.content_digest, state.run.status) for state in states]


@pytest.mark.parametrize("seed", range(3))
def test_late_and_corrected_readings_settle_as_if_in_time(seed: int) -> None:
    random = Random(seed)
    in_time, late = make_bare_world("in-time"), make_bare_world("late")
    slots = [(code, number) for code in NET for number in range(len(STARTS))]
    for world in (in_time, late):
        world.price(STARTS)
    deliver(in_time, [line(code, number, right(code, number), 9) for code, number in slots])
    clear_due(in_time.cluster, NOW)

    deliver(late, [line(code, number, right(code, number) // 2, 0, "estimated") for code, number in slots[::2]])
    sent = [line(code, number, right(code, number), 9) for code, number in slots]
    sent += [line(code, number, right(code, number) + 5, 1) for code, number in slots]
    sent += [line(code, number, right(code, number), 3) for code, number in slots[::3]]
    sent += [line(code, number, right(code, number) - 7, 4, "substituted") for code, number in slots[::4]]
    sent += random.choices(sent, k=20)
    random.shuffle(sent)
    while sent:
        deliver(late, sent[:40])
        del sent[:40]
        clear_due(late.cluster, NOW)

    assert len(settled(late)) == len(STARTS)
    assert settled(late) == settled(in_time)
    assert clear_due(late.cluster, NOW).stored == 0
    with scope(late.cluster.pk):
        assert late.runs()[-1].number > len(STARTS), "some were settled more than once on the way"
