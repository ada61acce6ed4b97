"""Background work on bills."""

from celery import shared_task
from django.utils import timezone

from billing.services.payment_reminders import remind_of_payments
from billing.services.payments import match_payments
from participants.models import Cluster
from participants.tenancy.scope import scope
from participants.tenancy.tasks import SoleClusterTask, for_every_cluster


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
