"""Background work on the database itself."""

from celery import shared_task
from django.utils import timezone

from participants.tenancy.partitions import ensure_months_ahead


@shared_task
def make_partitions() -> None:
    """Started by the beat: the months to come have their partitions before the first row arrives."""
    ensure_months_ahead(timezone.now())
