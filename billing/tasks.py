"""Background work of billing."""

import logging

from celery import shared_task
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from billing.selectors.papers import batches_to_make
from billing.services.closing import REFUSALS, closing_months, compute, continue_closing
from billing.services.deliveries import forget_addresses, queue_bills, send_queued
from billing.services.einvoices import look_after
from billing.services.papers import make_papers
from billing.services.payment_reminders import remind_of_payments
from billing.services.payments import match_payments
from metering.domain.calendar import parse_period
from participants.models import Cluster
from participants.tenancy.scope import scope
from participants.tenancy.tasks import ClusterTask, SoleClusterTask, for_every_cluster

logger = logging.getLogger(__name__)

#: Statements of ten thousand points and their documents fit in well.
CLOSING_SECONDS = 3600
#: A batch that was queued so long ago is taken for lost with its worker.
LOST_SECONDS = 600


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


@shared_task(base=ClusterTask)
def make_papers_of(cluster_id: int, batch: int) -> None:
    """The PDFs that a batch of bills lacks."""
    made = make_papers(Cluster.objects.get(pk=cluster_id), batch, timezone.now())
    cache.delete(_key(cluster_id, batch))
    if made:
        logger.info("cluster %s: %s bills as PDF", cluster_id, made)


@shared_task(base=SoleClusterTask)
def look_after_bills(cluster_id: int) -> None:
    """Have PDFs made that lack, in batches on all workers; send what is ready."""
    cluster, now = Cluster.objects.get(pk=cluster_id), timezone.now()
    with scope(cluster_id):
        batches = batches_to_make(cluster_id)
        queue_bills(cluster, now)
        forget_addresses(cluster)
    for batch in batches:
        if cache.add(_key(cluster_id, batch), True, LOST_SECONDS):
            make_papers_of.delay(cluster_id, batch)
    if send_queued(cluster, now):
        look_after_bills.delay(cluster_id)


@shared_task
def look_after_all_bills() -> None:
    """Started by the beat."""
    for_every_cluster(look_after_bills)


@shared_task(base=SoleClusterTask)
def look_after_einvoices(cluster_id: int) -> None:
    """Send invoices to KSeF and ask after those that were sent."""
    if look_after(Cluster.objects.get(pk=cluster_id), timezone.now):
        look_after_einvoices.delay(cluster_id)


@shared_task
def look_after_all_einvoices() -> None:
    """Started by the beat."""
    for_every_cluster(look_after_einvoices)


def start_einvoices(cluster_id: int) -> None:
    """Have a worker look after the e-invoices once the transaction has ended; if the queue is down the beat does it."""
    transaction.on_commit(lambda: look_after_einvoices.delay(cluster_id), robust=True)


def start_bills(cluster_id: int) -> None:
    """Have a worker look after the bills once the transaction has ended; if the queue is down the beat does it."""
    transaction.on_commit(lambda: look_after_bills.delay(cluster_id), robust=True)


def _key(cluster_id: int, batch: int) -> str:
    return f"bills as PDF:{cluster_id}:{batch}"
