"""Several workers at once, and the tasks that a real worker takes from the queue."""

import datetime as dt
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from clearing.models import ClearingRun
from clearing.package.lines import NO_DIGEST
from clearing.services import ClusterBusy, Report, clear_due, due
from clearing.tasks import clear_cluster
from metering.domain.calendar import interval_of
from participants.tenancy.scope import NoScope, scope
from tests.clearing.world import NOW, World, make_world

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


def in_threads(count: int, work: object) -> None:
    """Run `work` in several threads at once, each with a connection of its own."""
    failures: list[BaseException] = []
    ready = threading.Barrier(count)

    def run() -> None:
        try:
            ready.wait()
            work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def assert_one_chain(world: World) -> None:
    previous = NO_DIGEST
    for number, run in enumerate(world.runs(), start=1):
        assert (run.number, run.previous_digest) == (number, previous)
        previous = run.digest


def test_two_workers_at_once_settle_each_interval_once() -> None:
    world = make_world(intervals=24)
    reports: list[Report] = []
    in_threads(3, lambda: reports.append(clear_due(world.cluster, NOW)))
    assert sum(report.stored for report in reports) == 24
    assert [run.revision for run in world.runs()] == [1] * 24
    assert_one_chain(world)


def test_clusters_are_settled_side_by_side() -> None:
    worlds = [make_world(slug, intervals=6) for slug in ("alfa", "bravo")]
    todo = list(worlds)
    in_threads(2, lambda: clear_due(todo.pop().cluster, NOW))
    for world in worlds:
        assert len(world.runs()) == 6
        assert_one_chain(world)


def test_a_reading_that_arrives_while_its_interval_is_settled_makes_it_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(intervals=1)
    start = world_start(world)
    settle = due.clear_day

    def rival_writes_first(*arguments: object) -> object:
        rival = threading.Thread(target=deliver)
        rival.start()
        rival.join()
        return settle(*arguments)

    def deliver() -> None:
        world.read(start, {"590000000000000037": -100}, version=2)
        connection.close()

    with monkeypatch.context() as patch:
        patch.setattr(due, "clear_day", rival_writes_first)
        assert clear_due(world.cluster, NOW) == Report(stored=1)
    assert clear_due(world.cluster, NOW) == Report(unchanged=1)
    assert [run.shortage_wh for run in world.runs()] == [400]


def world_start(world: World) -> dt.datetime:
    with scope(world.cluster.pk):
        return due.work_list(world.cluster, NOW, None, None).popitem()[0]


def test_a_cluster_held_for_too_long_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(intervals=1)
    monkeypatch.setattr(due, "LOCK_TIMEOUT", "200ms")
    held, done = threading.Event(), threading.Event()

    def rival() -> None:
        with scope(world.cluster.pk):
            due._lock(world.cluster, "1s")
            held.set()
            done.wait()
        connection.close()

    thread = threading.Thread(target=rival)
    thread.start()
    held.wait()
    with pytest.raises(ClusterBusy, match="alfa is being settled"):
        clear_due(world.cluster, NOW)
    done.set()
    thread.join()
    assert not world.runs()
    assert clear_due(world.cluster, NOW) == Report(stored=1)


def test_a_task_without_a_cluster_is_refused() -> None:
    with pytest.raises(NoScope):
        clear_cluster.delay()


def test_a_real_worker_settles_the_last_quarter_hour_of_every_cluster(service_environment: dict[str, str]) -> None:
    last = interval_of(timezone.now()) - dt.timedelta(minutes=15)
    worlds = [make_world(slug, intervals=1, start=last) for slug in ("alfa", "bravo")]
    celery = [sys.executable, "-m", "celery", "-A", "cluster_platform"]
    started = [*celery, "worker", "--concurrency", "1", "--without-gossip", "--without-mingle"]
    worker = subprocess.Popen(started, cwd=ROOT, env=service_environment)
    try:
        call = [*celery, "call", "clearing.tasks.clear_all_clusters"]
        subprocess.run(call, cwd=ROOT, env=service_environment, check=True)
        deadline = time.monotonic() + 60
        while not all(world.runs() for world in worlds) and worker.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        worker.terminate()
        worker.wait(30)
    for world in worlds:
        (run,) = world.runs()
        assert (run.interval_start, run.matched_wh, run.status) == (last, 500, ClearingRun.Status.FINAL)
