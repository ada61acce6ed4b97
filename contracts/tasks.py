"""Background work of the terms."""

from celery import shared_task
from django.utils import timezone

from contracts.services.deadline import estimate_overdue
from metering.domain.calendar import parse_day
from participants.models import Cluster
from participants.tenancy.tasks import SoleClusterTask, for_every_cluster


@shared_task(base=SoleClusterTask)
def estimate_cluster(cluster_id: int, after: str = "") -> None:
    """Estimate what is overdue in one cluster; what is too much for one pass goes on behind the other clusters."""
    report = estimate_overdue(Cluster.objects.get(pk=cluster_id), timezone.now(), parse_day(after) if after else None)
    if report.more and report.last_day:
        estimate_cluster.delay(cluster_id, report.last_day.isoformat())


@shared_task
def estimate_all_clusters() -> None:
    """Started by the beat."""
    for_every_cluster(estimate_cluster)
