"""The platform's Celery application whose worker stores files in many small batches, to be ended between them."""

import django
from celery.signals import worker_init

from cluster_platform.celery import app as app


@worker_init.connect
def make_batches_small(**_: object) -> None:
    django.setup()
    from metering.services import delivery_work

    delivery_work.BATCH_ROWS = 250
