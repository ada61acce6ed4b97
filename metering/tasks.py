"""Background work on metering points."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from metering.domain.calendar import local_day, time_zone
from metering.services.life import follow_roles
from participants.models import Cluster
from participants.tenancy.scope import scope
from participants.tenancy.tasks import SoleClusterTask, for_every_cluster

#: After an outage so many days are looked through again.
DAYS = 7


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
