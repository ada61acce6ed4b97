"""Background work on bills: their PDFs, and their way to the participants."""

import logging

from celery import shared_task
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from billing.selectors.papers import batches_to_make
from billing.services.deliveries import forget_addresses, queue_bills, send_queued
from billing.services.papers import make_papers
from participants.models import Cluster
from participants.tenancy.scope import scope
from participants.tenancy.tasks import ClusterTask, SoleClusterTask, for_every_cluster

log = logging.getLogger(__name__)
#: A batch that was queued so long ago is taken for lost with its worker.
LOST_SECONDS = 600


@shared_task(base=ClusterTask)
def make_papers_of(cluster_id: int, batch: int) -> None:
    """The PDFs that a batch of bills lacks."""
    made = make_papers(Cluster.objects.get(pk=cluster_id), batch, timezone.now())
    cache.delete(_key(cluster_id, batch))
    if made:
        log.info("cluster %s: %s bills as PDF", cluster_id, made)


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


def start_bills(cluster_id: int) -> None:
    """Have a worker look after the bills once the transaction has ended; if the queue is down the beat does it."""
    transaction.on_commit(lambda: look_after_bills.delay(cluster_id), robust=True)


def _key(cluster_id: int, batch: int) -> str:
    return f"bills as PDF:{cluster_id}:{batch}"
