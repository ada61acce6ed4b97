"""`delete_expired [--dry-run]`: deletes what nobody needs any more."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from contracts.services.retention import close_expired, delete_expired
from participants.models import Cluster


class Command(BaseCommand):
    """What the schedule does every night, in all clusters."""

    help = "Delete what has been kept for its time (RETENTION_*_MONTHS). With --dry-run it is only counted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go; nothing goes")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        now, months = timezone.now(), settings.RETENTION_MONTHS
        self._tell("all", close_expired(months, now, dry_run), dry_run)
        for cluster in Cluster.objects.order_by("slug"):
            self._tell(cluster.slug, delete_expired(cluster, months, now, dry_run), dry_run)

    def _tell(self, whose: str, done: dict[str, tuple[date, int]], dry_run: bool) -> None:
        verb = "would go" if dry_run else "deleted"
        for kind, (day, count) in done.items():
            self.stdout.write(f"{whose}: {kind} over before {day}: {count} {verb}")
