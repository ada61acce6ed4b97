"""Background work: what nobody needs any more goes."""

import logging
from datetime import date

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from contracts.services.retention import close_expired, delete_expired
from participants.models import Cluster
from participants.tenancy.tasks import ClusterTask

log = logging.getLogger(__name__)


@shared_task(base=ClusterTask)
def delete_expired_of_cluster(cluster_id: int) -> None:
    """Delete what has expired in one cluster."""
    cluster = Cluster.objects.get(pk=cluster_id)
    _tell(cluster.slug, delete_expired(cluster, settings.RETENTION_MONTHS, timezone.now()))


@shared_task
def delete_all_expired() -> None:
    """Started by the beat."""
    _tell("-", close_expired(settings.RETENTION_MONTHS, timezone.now()))
    for cluster_id in Cluster.objects.order_by("pk").values_list("pk", flat=True):
        delete_expired_of_cluster.delay(cluster_id)


def _tell(whose: str, done: dict[str, tuple[date, int]]) -> None:
    for kind, (day, count) in done.items():
        if count:
            log.info("%s: deleted %s (%s), over before %s", whose, kind, count, day)
