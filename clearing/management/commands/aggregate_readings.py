"""`aggregate_readings`: old, settled months keep daily sums of their readings only."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clearing.services.retention import aggregate_old, give_space_back, kept_month, old_months
from metering.domain.calendar import format_period
from participants.models import Cluster


class Command(BaseCommand):
    """What the beat does every night, by hand; with --dry-run it only says what it would do."""

    help = "Turn readings older than READINGS_KEEP_MONTHS into daily sums, month by month."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="clusters; all without any")
        parser.add_argument("--dry-run", action="store_true", help="change nothing")

    def handle(self, *args: Any, slugs: list[str], dry_run: bool, **options: Any) -> None:
        clusters = Cluster.objects.order_by("slug")
        chosen = list(clusters.filter(slug__in=slugs) if slugs else clusters)
        if unknown := set(slugs) - {cluster.slug for cluster in chosen}:
            raise CommandError(f"There is no cluster {', '.join(sorted(unknown))}.")
        now, keep = timezone.now(), settings.READINGS_KEEP_MONTHS
        for cluster in chosen:
            self._one(cluster, now, keep, dry_run)
        if not dry_run:
            self.stdout.write(f"Partitions dropped: {give_space_back()}.")

    def _one(self, cluster: Cluster, now: Any, keep: int, dry_run: bool) -> None:
        self.stdout.write(f"{cluster.slug}: readings are kept from {format_period(kept_month(cluster, now, keep))} on.")
        for month in old_months(cluster, now, keep):
            name = format_period(month.month)
            if month.open:
                self.stdout.write(f"  {name} stays: {month.open} quarter-hours are not settled for good.")
            elif dry_run:
                self.stdout.write(f"  {name}: {month.readings} readings would become daily sums.")
        if not dry_run:
            for month, removed in aggregate_old(cluster, now, keep):
                self.stdout.write(f"  {format_period(month.month)}: {removed} readings became daily sums.")
