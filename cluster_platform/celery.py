"""Celery: the beat starts each stage, the upper apps pull what is ready."""

import os

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, worker_init
from django.conf import settings

from cluster_platform import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cluster_platform.settings")

app = Celery("cluster_platform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def keep_services_running(**_: object) -> None:
    embedded.ensure_running(settings.VAR)


app.conf.beat_schedule = {
    "clear": {
        "task": "clearing.tasks.clear_all_clusters",
        "schedule": float(settings.CLEARING_EVERY_SECONDS),
        # A pass that nobody took before the next one is due has nothing left to do.
        "options": {"expires": float(settings.CLEARING_EVERY_SECONDS)},
    },
    "delete expired": {"task": "contracts.tasks.delete_all_expired", "schedule": crontab(hour="2", minute="40")},
}
