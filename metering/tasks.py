"""Background work on metering points and their readings."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from metering.domain.calendar import local_day, parse_day, time_zone
from metering.services.findings import look_through
from metering.services.life import follow_roles
from participants.models import Cluster
from participants.tenancy.scope import scope
from participants.tenancy.tasks import SoleClusterTask, for_every_cluster

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
