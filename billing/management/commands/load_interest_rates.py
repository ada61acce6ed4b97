"""Loads the statutory interest rates for late payment."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.domain.errors import BillingError
from billing.services.interest_rates import SHIPPED, load_interest_rates


class Command(BaseCommand):
    help = "Load interest rates for late payment from a CSV file (kind,valid_from,percent); without one, those shipped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, default=SHIPPED)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changed = load_interest_rates(options["file"])
        except BillingError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{changed} rates are new or changed.")
