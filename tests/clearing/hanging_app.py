"""The platform's Celery application in which clearing the cluster "hanging" never ends by itself."""

import time
from typing import Any

from celery.signals import worker_process_init

from cluster_platform.celery import app

__all__ = ["app"]


@worker_process_init.connect
def hang(**_: Any) -> None:
    # Before a worker has started there are no models to import.
    from clearing import tasks

    clear_due = tasks.clear_due

    def clear_or_hang(cluster: Any, *arguments: Any, **options: Any) -> Any:
        if cluster.slug == "hanging":
            time.sleep(3600)
        return clear_due(cluster, *arguments, **options)

    tasks.clear_due = clear_or_hang
