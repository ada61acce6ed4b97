"""Background work on metering points and their readings."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from metering.domain.calendar import local_day, parse_day, time_zone
from metering.models import Delivery
from metering.services.completeness import count_gaps
from metering.services.deliveries import forget_old
from metering.services.delivery_work import stopped, work_on
from metering.services.estimation import estimate_days
from metering.services.findings import look_through
from metering.services.life import follow_roles
from metering.services.reminders import remind
from metering.services.watched_folder import look_into
from participants.models import Cluster
from participants.tenancy.scope import scope
from participants.tenancy.tasks import FORGOTTEN_SECONDS, ClusterTask, SoleClusterTask, for_every_cluster

#: After an outage so many days are looked through again.
DAYS = 7


@shared_task(base=SoleClusterTask)
def check_cluster(cluster_id: int, after: str = "") -> None:
    """Look for what is implausible in one cluster; what is too much for one pass goes on behind the other clusters."""
    report = look_through(Cluster.objects.get(pk=cluster_id), timezone.now(), parse_day(after) if after else None)
    if report.more and report.last_day:
        check_cluster.delay(cluster_id, report.last_day.isoformat())


@shared_task
def check_all_clusters() -> None:
    """Started by the beat."""
    for_every_cluster(check_cluster)


@shared_task(base=SoleClusterTask)
def count_cluster(cluster_id: int) -> None:
    """Count what is lacking in one cluster; what is too much for one pass goes on behind the other clusters."""
    if count_gaps(Cluster.objects.get(pk=cluster_id), timezone.now()).more:
        count_cluster.delay(cluster_id)


@shared_task
def count_all_clusters() -> None:
    """Started by the beat."""
    for_every_cluster(count_cluster)


@shared_task(base=SoleClusterTask)
def remind_cluster(cluster_id: int) -> None:
    """Count once more, so that nobody is reminded of what has just arrived, and remind."""
    cluster = Cluster.objects.get(pk=cluster_id)
    now = timezone.now()
    count_gaps(cluster, now)
    remind(cluster, now)


@shared_task
def remind_everywhere() -> None:
    """Started by the beat."""
    for_every_cluster(remind_cluster)


@shared_task(base=ClusterTask)
def estimate_days_of_cluster(cluster_id: int, days: list[str]) -> None:
    """Estimate what lacks of these local days, as the coordinator has asked for."""
    cluster = Cluster.objects.get(pk=cluster_id)
    now = timezone.now()
    estimate_days(cluster, [parse_day(day) for day in days], now)
    count_gaps(cluster, now)


@shared_task(base=SoleClusterTask)
def follow_roles_of_cluster(cluster_id: int) -> None:
    """On the day on which somebody begins or ceases to generate they are called so."""
    cluster = Cluster.objects.get(pk=cluster_id)
    today = local_day(timezone.now(), time_zone(cluster.timezone))
    with scope(cluster.pk):
        follow_roles(cluster.pk, today - timedelta(days=DAYS), today)


@shared_task
def follow_roles_everywhere() -> None:
    """Started by the beat."""
    for_every_cluster(follow_roles_of_cluster)


@shared_task(base=ClusterTask)
def work_on_delivery(cluster_id: int, delivery_id: int) -> None:
    """Read a file of readings, or store it; a large one goes on behind other work."""
    cache.delete(f"delivery:{delivery_id}:queued")
    if work_on(Cluster.objects.get(pk=cluster_id), delivery_id, timezone.now()):
        work_on_delivery.delay(cluster_id, delivery_id)


def start_work(delivery: Delivery) -> None:
    """Have a worker take the delivery as soon as the transaction has ended. If the queue is down the beat does it."""
    transaction.on_commit(partial(work_on_delivery.delay, delivery.cluster_id, delivery.pk), robust=True)


@shared_task(base=SoleClusterTask)
def look_after_deliveries(cluster_id: int) -> None:
    """Look into the watched folder; have somebody go on with what a worker that was ended has left."""
    cluster = Cluster.objects.get(pk=cluster_id)
    now = timezone.now()
    if settings.WATCHED_FOLDER:
        for delivery in look_into(cluster, Path(settings.WATCHED_FOLDER), now):
            start_work(delivery)
    with scope(cluster_id):
        left = stopped(cluster, now)
        forget_old(cluster, now - timedelta(days=settings.FILES_KEEP_DAYS))
    for delivery_id in left:
        if cache.add(f"delivery:{delivery_id}:queued", True, FORGOTTEN_SECONDS):
            work_on_delivery.delay(cluster_id, delivery_id)


@shared_task
def look_after_all_deliveries() -> None:
    """Started by the beat."""
    for_every_cluster(look_after_deliveries)
