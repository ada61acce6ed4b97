"""Background work: every cluster is settled by a task of its own."""

import logging

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from clearing.services import clear_due
from clearing.services.retention import aggregate_old, give_space_back
from metering.domain.calendar import INTERVAL, format_instant, parse_instant
from metering.services.passes import PASS_SECONDS
from participants.models import Cluster
from participants.tenancy.tasks import SoleClusterTask, for_every_cluster

logger = logging.getLogger(__name__)

#: Whoever holds the cluster for longer is left alone until the next round.
PATIENCE = "5s"


@shared_task(base=SoleClusterTask)
def clear_cluster(cluster_id: int, start: str = "") -> None:
    """Settle what is due or stale in one cluster; what is too much for one pass goes on behind the other clusters."""
    report = clear_due(
        Cluster.objects.get(pk=cluster_id),
        timezone.now(),
        parse_instant(start) if start else None,
        seconds=PASS_SECONDS,
        patience=PATIENCE,
    )
    if report.more and report.last:
        clear_cluster.delay(cluster_id, format_instant(report.last + INTERVAL))


@shared_task
def clear_all_clusters() -> None:
    """Started by the beat."""
    for_every_cluster(clear_cluster)


@shared_task(base=SoleClusterTask)
def aggregate_cluster(cluster_id: int) -> None:
    """Keep only daily sums of what is older than the setting says, month by month."""
    cluster = Cluster.objects.get(pk=cluster_id)
    for month, removed in aggregate_old(cluster, timezone.now(), settings.READINGS_KEEP_MONTHS):
        logger.info("%s: %s readings of %s became daily sums", cluster.slug, removed, month.month)


@shared_task
def aggregate_all_clusters() -> None:
    """Started by the beat."""
    give_space_back()
    for_every_cluster(aggregate_cluster)
