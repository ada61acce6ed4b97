"""Celery tasks know their cluster."""

from typing import Any

from celery import Task
from django.conf import settings
from django.core.cache import cache

from participants.models import Cluster
from participants.tenancy.scope import NoScope

#: A pass that was queued so long ago is taken for lost.
FORGOTTEN_SECONDS = 3600


class ClusterTask(Task):
    """A task about one cluster: its first argument is the cluster's id.

    The task's services open their own, short scopes for that id; a call without an id is refused before it is queued.
    """

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        if not args or not isinstance(args[0], int):
            raise NoScope(f"{self.name} needs the id of a cluster as its first argument")
        return super().apply_async(args, kwargs, **options)


class SoleClusterTask(ClusterTask):
    """A pass over one cluster, one at a time, so that a cluster that is stuck holds one worker at most.

    A second one ends at once. One that takes too long is stopped, at the latest by ending its process.
    """

    abstract = True
    soft_time_limit = settings.CLUSTER_TASK_SECONDS
    time_limit = settings.CLUSTER_TASK_SECONDS + 30

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = f"{self.name}:{args[0]}"
        cache.delete(f"{name}:queued")
        # It runs out by itself after a process that was ended.
        if not cache.add(name, True, self.time_limit + 30):
            return None
        try:
            return super().__call__(*args, **kwargs)
        finally:
            cache.delete(name)


def for_every_cluster(task: SoleClusterTask) -> None:
    """Queue a pass for each cluster for which none is waiting: rounds that nobody took do not pile up."""
    for cluster_id in Cluster.objects.order_by("pk").values_list("pk", flat=True):
        if cache.add(f"{task.name}:{cluster_id}:queued", True, FORGOTTEN_SECONDS):
            task.apply_async((cluster_id,))
