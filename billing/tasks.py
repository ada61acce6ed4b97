"""Background work of billing."""

import logging

from celery import shared_task
from django.utils import timezone

from billing.services.closing import REFUSALS, closing_months, compute, continue_closing
from billing.services.payment_reminders import remind_of_payments
from billing.services.payments import match_payments
from metering.domain.calendar import parse_period
from participants.models import Cluster
from participants.tenancy.scope import scope
from participants.tenancy.tasks import ClusterTask, SoleClusterTask, for_every_cluster

logger = logging.getLogger(__name__)

#: Statements of ten thousand points and their documents fit in well.
CLOSING_SECONDS = 3600


@shared_task(base=ClusterTask, soft_time_limit=CLOSING_SECONDS, time_limit=CLOSING_SECONDS + 30)
def compute_month(cluster_id: int, month: str) -> None:
    """Compute a month's statements anew; what hinders it is shown with the month."""
    try:
        compute(Cluster.objects.get(pk=cluster_id), parse_period(month), timezone.now())
    except REFUSALS as error:
        logger.warning("%s can't be computed: %s", month, error)


@shared_task(base=ClusterTask, soft_time_limit=CLOSING_SECONDS, time_limit=CLOSING_SECONDS + 30)
def go_on_closing(cluster_id: int) -> None:
    """Go on with every month that is being closed; what hinders it is shown with the month."""
    cluster = Cluster.objects.get(pk=cluster_id)
    for month in closing_months(cluster):
        try:
            continue_closing(cluster, month, timezone.now())
        except REFUSALS as error:
            logger.warning("%s can't be closed: %s", month, error)


@shared_task
def go_on_closing_everywhere() -> None:
    """Started by the beat: closings that a process was killed in go on."""
    for cluster in Cluster.objects.order_by("pk"):
        if closing_months(cluster):
            go_on_closing.delay(cluster.pk)


@shared_task(base=SoleClusterTask)
def remind_of_payments_of_cluster(cluster_id: int) -> None:
    """Let credit pay what it can, so that nobody is reminded of that, and remind."""
    cluster = Cluster.objects.get(pk=cluster_id)
    now = timezone.now()
    with scope(cluster_id):
        match_payments(cluster, now)
    remind_of_payments(cluster, now)


@shared_task
def remind_of_payments_everywhere() -> None:
    """Started by the beat."""
    for_every_cluster(remind_of_payments_of_cluster)
