"""Background work: every cluster is settled by a task of its own."""

from celery import shared_task
from django.utils import timezone

from clearing.services import clear_due
from participants.models import Cluster
from participants.tenancy.tasks import ClusterTask


@shared_task(base=ClusterTask)
def clear_cluster(cluster_id: int) -> None:
    """Settle what is due or stale in one cluster."""
    clear_due(Cluster.objects.get(pk=cluster_id), timezone.now())


@shared_task
def clear_all_clusters() -> None:
    """Started by the beat."""
    for cluster_id in Cluster.objects.order_by("pk").values_list("pk", flat=True):
        clear_cluster.delay(cluster_id)
