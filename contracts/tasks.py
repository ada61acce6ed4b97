"""Background work: estimates when the deadline has passed, and what nobody needs any more goes."""

import logging
from datetime import date

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from contracts.services.deadline import estimate_overdue
from contracts.services.retention import close_expired, delete_expired
from metering.domain.calendar import parse_day
from participants.models import Cluster
from participants.tenancy.tasks import ClusterTask, SoleClusterTask, for_every_cluster

log = logging.getLogger(__name__)


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


@shared_task(base=ClusterTask)
def delete_expired_of_cluster(cluster_id: int) -> None:
    """Delete what has expired in one cluster."""
    cluster = Cluster.objects.get(pk=cluster_id)
    _tell(cluster.slug, delete_expired(cluster, settings.RETENTION_MONTHS, timezone.now()))


@shared_task
def delete_all_expired() -> None:
    """Started by the beat."""
    _tell("-", close_expired(settings.RETENTION_MONTHS, timezone.now()))
    for_every_cluster(delete_expired_of_cluster)


def _tell(whose: str, done: dict[str, tuple[date, int]]) -> None:
    for kind, (day, count) in done.items():
        if count:
            log.info("%s: deleted %s (%s), over before %s", whose, kind, count, day)
