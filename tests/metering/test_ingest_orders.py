"""The order in which deliveries arrive changes nothing, nor do their repetitions."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.domain.calendar import format_instant
from metering.domain.readings import QUALITIES, STAMPED_COLUMNS
from metering.domain.versions import issued_at
from metering.models import IntervalInput, Reading
from metering.services import Outcome, ingest
from metering.services.locks import lock_readings
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.clearing.world import FAR, NEIGHBOUR, make_bare_world, quarters

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ORDERS = 10
SLOTS = [(code, at) for code in (FAR, NEIGHBOUR) for at in quarters(2)]
Slot = tuple[str, datetime]
Value = tuple[int, str]


class Sent(NamedTuple):
    """What a source said of some quarter-hours at one time."""

    stamp: datetime
    values: dict[Slot, Value]

    def lines(self) -> list[str]:
        return [
            f"{code},{format_instant(at)},{wh},0,{quality},{format_instant(self.stamp)}\n"
            for (code, at), (wh, quality) in self.values.items()
        ]


@st.composite
def deliveries(draw: st.DrawFn) -> list[Sent]:
    """Few values and close stamps, so that values come back and stamps are neighbours; an estimate or none."""
    values = st.tuples(st.integers(1, 3), st.sampled_from(QUALITIES[:3]))
    stamps = draw(st.lists(st.integers(1, 9), min_size=2, max_size=6, unique=True))
    sent = [
        Sent(NOW - timedelta(seconds=seconds), draw(st.dictionaries(st.sampled_from(SLOTS), values, min_size=1)))
        for seconds in stamps
    ]
    estimated = draw(st.dictionaries(st.sampled_from(SLOTS), st.tuples(st.integers(1, 3), st.just("estimated"))))
    return [*sent, Sent(NOW - timedelta(days=1), estimated)]


def truth(sent: Sequence[Sent]) -> dict[Slot, list[Value]]:
    """The history of each quarter-hour by time of issue, estimates first, equal neighbours told once."""
    found: dict[Slot, list[Value]] = {}
    for delivery in sorted(sent, key=lambda each: each.stamp):
        for slot, value in delivery.values.items():
            history = found.setdefault(slot, [])
            if history[-1:] != [value]:
                history.append(value)
    return found


def stored(cluster: Cluster) -> dict[Slot, list[Value]]:
    found: dict[Slot, list[Value]] = {}
    with scope(cluster.pk):
        rows = Reading.objects.select_related("metering_point").order_by("version")
        for row in rows:
            history = found.setdefault((row.metering_point.code, row.interval_start), [])
            value = (row.imported_wh, row.get_quality_display())
            if history[-1:] != [value]:
                history.append(value)
    return found


def deliver(cluster: Cluster, sent: Sequence[Sent]) -> Outcome:
    lines = [line for delivery in sent for line in delivery.lines()]
    content = "".join(lines).encode()
    return ingest(cluster, [content], issued_at=NOW, whole=False, now=NOW, columns=STAMPED_COLUMNS)


def rows(cluster: Cluster) -> list[tuple[object, ...]]:
    with scope(cluster.pk):
        readings = Reading.objects.order_by("metering_point_id", "interval_start", "version")
        inputs = IntervalInput.objects.order_by("interval_start")
        return [*readings.values_list(), *inputs.values_list()]


@pytest.mark.django_db
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=deliveries(), seed=st.integers(0, 2**32))
def test_ten_orders_with_repetitions_end_the_same(sent: list[Sent], seed: int) -> None:
    random = Random(seed)
    expected = truth(sent)
    with transaction.atomic():
        cluster = make_bare_world("alfa").cluster
        for _ in range(ORDERS):
            order = [*sent, *random.choices(sent, k=3)]
            random.shuffle(order)
            with transaction.atomic():
                while order:
                    together = random.randint(1, 3)
                    assert deliver(cluster, order[:together]).refused == ()
                    del order[:together]
                assert stored(cluster) == expected
                before = rows(cluster)
                again = deliver(cluster, sent)
                assert (again.changed, again.superseded, again.refused_count) == (0, 0, 0)
                assert rows(cluster) == before
                transaction.set_rollback(True)
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_two_clients_at_once_one_holds_and_none_is_lost() -> None:
    """Both deliver at the same second and are in the middle of it when the other one is."""
    cluster = make_bare_world("alfa").cluster
    outcomes: dict[int, Outcome] = {}

    def client(wh: int) -> None:
        try:
            lines = "".join(f"{FAR},{format_instant(at)},{wh},0,measured\n" for at in quarters(4)).encode()
            outcomes[wh] = ingest(cluster, [lines], issued_at=NOW, whole=False, now=NOW)
        finally:
            connection.close()

    threads = [threading.Thread(target=client, args=[wh]) for wh in (500, 600)]
    with scope(cluster.pk):
        lock_readings(cluster)
        for thread in threads:
            thread.start()
        wait_for(2)
    for thread in threads:
        thread.join()
    assert sorted((outcome.accepted, outcome.replaced) for outcome in outcomes.values()) == [(0, 4), (4, 0)]
    second = next(wh for wh, outcome in outcomes.items() if outcome.replaced)
    with scope(cluster.pk):
        for at in quarters(4):
            found = list(Reading.objects.filter(interval_start=at).order_by("version"))
            assert [issued_at(row.version) for row in found] == [NOW, NOW + timedelta(seconds=1)]
            assert [row.imported_wh for row in found] == [1100 - second, second]
            assert IntervalInput.objects.get(interval_start=at).changes == 2


def wait_for(clients: int) -> None:
    """Until so many sessions wait for a lock."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid "
    until = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(waiting + "FROM pg_database WHERE datname = current_database())")
            if cursor.fetchone()[0] >= clients:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits")
