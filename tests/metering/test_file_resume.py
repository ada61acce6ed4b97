"""A real worker, ended by force in the middle of a file, and the next one: the content is as if nothing had been."""

import datetime as dt
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from metering.domain.versions import version_of
from metering.models import Delivery, Reading
from metering.services import delivery_work
from metering.services.deliveries import Sender, Told, receive
from metering.services.delivery_work import stopped, work_on
from metering.tasks import work_on_delivery
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
START = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
QUARTERS = 5000


def readings(cast: Cast) -> bytes:
    """Three months of both metering points, with some lines that are refused."""
    rows = ["metering_point,interval_start,imported_wh,exported_wh,quality"]
    for number in range(QUARTERS):
        start = START + dt.timedelta(minutes=15 * number)
        for point in (cast.buyer_point, cast.seller_point):
            quality = "guessed" if number % 500 == 7 else "measured"
            rows.append(f"{point.code},{start:%Y-%m-%dT%H:%M:%SZ},{number % 997},{number % 5},{quality}")
    return "\n".join([*rows, ""]).encode()


def digest(cluster: Cluster) -> str:
    """Of all readings with their versions, and of how often each quarter-hour was noted as changed."""
    with scope(cluster.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.code, r.interval_start, r.version, r.imported_wh, r.exported_wh, r.quality "
            "FROM metering_reading r JOIN metering_meteringpoint p ON p.id = r.metering_point_id ORDER BY 1, 2, 3"
        )
        found = repr(cursor.fetchall())
        cursor.execute("SELECT interval_start, changes FROM metering_intervalinput ORDER BY 1")
        return hashlib.sha256((found + repr(cursor.fetchall())).encode()).hexdigest()


def take_in(cast: Cast, now: dt.datetime) -> Delivery:
    sender = Sender(Delivery.Via.PAGE, asks=False)
    return receive(cast.cluster, "june.csv", [readings(cast)], sender, Told(), now)


def state(delivery: Delivery) -> Delivery:
    with scope(delivery.cluster_id):
        return Delivery.objects.get(pk=delivery.pk)


@contextmanager
def worker(environment: dict[str, str], database: str) -> Iterator["subprocess.Popen[bytes]"]:
    """With small batches, on a queue of its own."""
    command = [sys.executable, "-m", "celery", "-A", "tests.metering.small_batches", "worker", "-c", "1"]
    process = subprocess.Popen(
        [*command, "-Q", database, "-l", "warning"], cwd=ROOT, env={**os.environ, **environment}, start_new_session=True
    )
    try:
        yield process
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """The worker and its children at once, as by a power cut."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_worker_killed_in_the_middle_stores_the_same(
    service_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_work, "BATCH_ROWS", 250)
    undisturbed = make_cast("alfa")
    now = timezone.now()
    wanted = take_in(undisturbed, now)
    work_on(undisturbed.cluster, wanted.pk, timezone.now())
    assert state(wanted).state == "stored"
    cast = make_cast("bravo")
    delivery = take_in(cast, now)
    queue = str(connection.settings_dict["NAME"])
    with worker(service_environment, queue) as first:
        work_on_delivery.apply_async((cast.cluster.pk, delivery.pk), queue=queue)
        wait_until(lambda: state(delivery).batches_done >= 5 or state(delivery).state == "stored")
        end(first)
    killed = state(delivery)
    assert killed.state == "storing" and 0 < killed.rows_done < killed.readings
    with scope(cast.cluster.pk):
        # What was stored is what was counted: nothing in between.
        stored = Reading.objects.filter(version=version_of(now)).count()
        assert stored == killed.accepted + killed.replaced == killed.rows_done
        assert killed.pk not in stopped(cast.cluster, timezone.now())
        later = timezone.now() + dt.timedelta(minutes=3)
        assert killed.pk in stopped(cast.cluster, later)
        Delivery.objects.filter(pk=killed.pk).update(worked_at=timezone.now() - dt.timedelta(minutes=3))
    with worker(service_environment, queue):
        work_on_delivery.apply_async((cast.cluster.pk, delivery.pk), queue=queue)
        wait_until(lambda: state(delivery).state == "stored")
    ended = state(delivery)
    assert (ended.accepted, ended.refused) == (state(wanted).accepted, state(wanted).refused)
    assert ended.rows_done == ended.readings
    assert digest(cast.cluster) == digest(undisturbed.cluster)
