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


#: Each queues a pass for every cluster.
STAGES = {
    "check": "metering.tasks.check_all_clusters",
    "count": "metering.tasks.count_all_clusters",
    "estimate": "contracts.tasks.estimate_all_clusters",
    "price": "contracts.tasks.price_all_clusters",
    "clear": "clearing.tasks.clear_all_clusters",
}
app.conf.beat_schedule = {
    name: {
        "task": task,
        "schedule": float(settings.CLEARING_EVERY_SECONDS),
        # A round that nobody took before the next one is due has nothing left to do.
        "options": {"expires": float(settings.CLEARING_EVERY_SECONDS)},
    }
    for name, task in STAGES.items()
}
app.conf.beat_schedule["deliveries"] = {
    "task": "metering.tasks.look_after_all_deliveries", "schedule": 60.0, "options": {"expires": 60.0},
}  # fmt: skip
app.conf.beat_schedule["bills"] = {
    "task": "billing.tasks.look_after_all_bills", "schedule": 60.0, "options": {"expires": 60.0},
}  # fmt: skip
app.conf.beat_schedule["einvoices"] = {
    "task": "billing.tasks.look_after_all_einvoices", "schedule": 60.0, "options": {"expires": 60.0},
}  # fmt: skip
app.conf.beat_schedule["closings"] = {
    "task": "billing.tasks.go_on_closing_everywhere", "schedule": 60.0, "options": {"expires": 60.0},
}  # fmt: skip
#: Nightly (UTC), but for roles and reminders: a local day begins at some hour of the day.
app.conf.beat_schedule |= {
    "partitions": {"task": "participants.tasks.make_partitions", "schedule": crontab(hour=1, minute=10)},
    "aggregate": {"task": "clearing.tasks.aggregate_all_clusters", "schedule": crontab(hour=1, minute=40)},
    "delete expired": {"task": "contracts.tasks.delete_all_expired", "schedule": crontab(hour=2, minute=40)},
    # Tomorrow's are published in the early afternoon.
    "market prices": {"task": "contracts.tasks.fetch_market_prices", "schedule": crontab(hour="2,13,15,17", minute=35)},
    "roles": {"task": "metering.tasks.follow_roles_everywhere", "schedule": crontab(minute=5)},
    "remind of payments": {
        "task": "billing.tasks.remind_of_payments_everywhere",
        "schedule": crontab(hour=7, minute=30),
    },
    "remind": {"task": "metering.tasks.remind_everywhere", "schedule": crontab(minute=20)},
}
