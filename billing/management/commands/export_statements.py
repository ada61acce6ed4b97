"""manage.py export_statements SLUG 2026-06 --out DIR"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.domain.errors import BillingError
from billing.export import export_statements
from clearing.management.times import find_cluster
from contracts.dataset.output import FolderRefused
from metering.domain.calendar import CalendarError


class Command(BaseCommand):
    help = "Writes the statements in force of a month as statements.csv and promises.csv."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of the cluster")
        parser.add_argument("period", help="month of the cluster's own time zone: 2026-06")
        parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to make")

    def handle(self, *args: Any, **options: Any) -> None:
        cluster = find_cluster(options["slug"])
        try:
            count = export_statements(cluster, options["period"], options["out"])
        except (BillingError, CalendarError, FolderRefused) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} statements of {options['period']} are in {options['out']}")
