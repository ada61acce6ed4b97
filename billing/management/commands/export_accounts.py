"""manage.py export_accounts SLUG 2026-06 --out DIR"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.account_export import export_accounts
from billing.domain.errors import BillingError
from billing.formats.account_package import FILES
from clearing.management.times import find_cluster
from contracts.dataset.output import FolderRefused
from metering.domain.calendar import CalendarError


class Command(BaseCommand):
    help = (
        "Writes the accountant's files of a month: documents, lines, VAT register, journal (docs/format-accounts.md)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of the cluster")
        parser.add_argument("period", help="month of the cluster's own time zone: 2026-06")
        parser.add_argument("--out", required=True, type=Path, help="a folder that does not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            export_accounts(find_cluster(options["slug"]), options["period"], options["out"])
        except (BillingError, CalendarError, FolderRefused) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(FILES) + 1} files are in {options['out']}.")
