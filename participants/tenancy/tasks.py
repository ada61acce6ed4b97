"""Celery tasks know their cluster."""

from typing import Any

from celery import Task

from participants.tenancy.scope import NoScope


class ClusterTask(Task):
    """A task about one cluster: its first argument is the cluster's id.

    The task's services open their own, short scopes for that id; a call without an id is refused before it is queued.
    """

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        if not args or not isinstance(args[0], int):
            raise NoScope(f"{self.name} needs the id of a cluster as its first argument")
        return super().apply_async(args, kwargs, **options)
