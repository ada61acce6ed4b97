"""A cluster that is stuck holds up no other: real workers, a real queue, and clusters that are stuck in three ways."""

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.core.cache import cache
from django.utils import timezone

from clearing.services import day
from clearing.tasks import clear_all_clusters, clear_cluster
from contracts.models import ClusterSettings
from contracts.tasks import estimate_cluster
from metering.domain.calendar import interval_of
from metering.models import Reading
from participants.tenancy.scope import scope
from participants.tenancy.tasks import SoleClusterTask, for_every_cluster
from tests.clearing.world import FAR, World, make_world

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def worker(environment: dict[str, str], application: str = "cluster_platform") -> Iterator[Callable[[str], None]]:
    """Two real worker processes; gives what queues a task."""
    environment = environment | {"PYTHONPATH": str(ROOT)}
    celery = [sys.executable, "-m", "celery", "-A", application]
    started = [*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(started, cwd=ROOT, env=environment)
    try:
        yield lambda task: subprocess.run(
            [*celery, "call", task], cwd=ROOT, env=environment, check=True
        ).check_returncode()
    finally:
        process.terminate()
        process.wait(60)


def wait_for(reached: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.2)
    return reached()


def test_stuck_clusters_hold_up_no_other(service_environment: dict[str, str]) -> None:
    last = interval_of(timezone.now()) - dt.timedelta(minutes=15)
    held, poisoned, hanging, *well = (
        make_world(slug, intervals=1, start=last)
        for slug in ("held", "poisoned", "hanging", "alfa", "bravo", "charlie")
    )
    with scope(poisoned.cluster.pk):
        ClusterSettings.objects.update(sharing_discount={"station": "no number"})
    rival = psycopg.connect(service_environment["DATABASE_URL"].replace("postgres://", "postgresql://", 1))
    rival.execute("SELECT pg_advisory_lock(hashtext('clearing'), %s)", [held.cluster.pk])
    try:
        with worker(service_environment | {"CLUSTER_TASK_SECONDS": "20"}, "tests.clearing.hanging_app") as call:
            call("clearing.tasks.clear_all_clusters")
            assert wait_for(lambda: all(world.runs() for world in well))
            assert not held.runs() and not hanging.runs() and not poisoned.runs()
            rival.close()
            with scope(poisoned.cluster.pk):
                ClusterSettings.objects.update(sharing_discount={"station": "0.25", "cluster": "0.05"})
            call("clearing.tasks.clear_all_clusters")
            assert wait_for(lambda: bool(held.runs() and poisoned.runs()))
            assert not hanging.runs()
    finally:
        rival.close()
    assert [len(world.runs()) for world in (held, poisoned, *well)] == [1] * 5


def test_after_an_outage_of_the_workers_overdue_gaps_are_estimated_and_settled(
    service_environment: dict[str, str],
) -> None:
    start = interval_of(timezone.now()) - dt.timedelta(hours=49)
    worlds = [make_world(slug, intervals=2, start=start) for slug in ("alfa", "bravo")]
    lost = start + dt.timedelta(minutes=30)
    for world in worlds:
        world.read(lost, {code: -1 for code in world.points if code != FAR})
        world.price([lost])
    with worker(service_environment) as call:
        call("contracts.tasks.estimate_all_clusters")
        assert wait_for(lambda: all(estimates(world) for world in worlds))
        call("clearing.tasks.clear_all_clusters")
        assert wait_for(lambda: all(world.runs(lost) for world in worlds))
    for world in worlds:
        assert [run.status for run in world.runs()[:3]] == ["final", "final", "provisional"]


def estimates(world: World) -> int:
    with scope(world.cluster.pk):
        return Reading.objects.filter(quality=Reading.Quality.ESTIMATED, metering_point__code=FAR).count()


def test_rounds_that_nobody_takes_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    worlds = [make_world(slug, intervals=1) for slug in ("alfa", "bravo")]
    queued: list[int] = []
    monkeypatch.setattr(SoleClusterTask, "apply_async", lambda self, args, **_: queued.append(args[0]))
    for _ in range(3):
        clear_all_clusters()
    assert queued == [world.cluster.pk for world in worlds]
    clear_cluster(worlds[0].cluster.pk)
    for_every_cluster(clear_cluster)
    assert queued[2:] == [worlds[0].cluster.pk]
    for_every_cluster(estimate_cluster)
    assert len(queued) == 5, "each kind of pass queues for itself"


def test_a_second_pass_over_a_cluster_ends_at_once() -> None:
    worlds = [make_world(slug, intervals=1) for slug in ("alfa", "bravo")]
    cache.add(f"clearing.tasks.clear_cluster:{worlds[0].cluster.pk}", True, 60)
    for world in worlds:
        clear_cluster(world.cluster.pk)
    assert [len(world.runs()) for world in worlds] == [0, 1]
    cache.delete(f"clearing.tasks.clear_cluster:{worlds[0].cluster.pk}")
    clear_cluster(worlds[0].cluster.pk)
    assert len(worlds[0].runs()) == 1


def test_what_is_too_much_for_a_pass_goes_on_behind_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(intervals=8)
    queued: list[tuple[object, ...]] = []
    monkeypatch.setattr("clearing.tasks.PASS_SECONDS", 0)
    monkeypatch.setattr(SoleClusterTask, "apply_async", lambda self, args=None, kwargs=None, **_: queued.append(args))
    clear_cluster(world.cluster.pk)
    assert len(world.runs()) == 4
    ((cluster, after),) = queued
    assert (cluster, after) == (world.cluster.pk, "2026-06-10T22:00:00Z")
    clear_cluster(*queued[0])
    assert len(world.runs()) == 8 and len(queued) == 1


def test_days_nobody_foresaw_do_not_hold_up_the_days_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pass that follows begins behind the bad day, so the same one can't be tried for ever."""
    world = make_world(intervals=8)
    settle = day.clear_day

    def poisoned(cluster: object, local_day: dt.date, *rest: object) -> object:
        if local_day == dt.date(2026, 6, 10):
            raise KeyError("nobody foresaw this")
        return settle(cluster, local_day, *rest)

    monkeypatch.setattr("clearing.services.due.clear_day", poisoned)
    clear_cluster(world.cluster.pk)
    assert len(world.runs()) == 4
