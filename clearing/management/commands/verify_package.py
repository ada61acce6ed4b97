"""manage.py verify_package DIR [--dataset DIR]"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from clearing.package.verify import verify_package
from contracts.dataset.faults import DatasetError


class Command(BaseCommand):
    help = "Checks a settlement-package/1 without the database; exits 0 only if everything holds."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the package")
        parser.add_argument("--dataset", type=Path, metavar="DIR", help="folder of the dataset that it was made from")
        parser.add_argument("--limit", type=int, default=50, metavar="N", help="show so many findings (default 50)")

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0

        def progress(rows: list[Any]) -> Any:
            nonlocal count
            count = len(rows)
            return tqdm(rows, desc="verify", unit="interval", disable=None)

        try:
            findings = verify_package(options["folder"], options["dataset"], limit=options["limit"], progress=progress)
        except DatasetError as error:
            raise CommandError(f"The dataset {options['dataset']} can't be used:\n{error}") from error
        for finding in findings.kept:
            self.stdout.write(str(finding))
        if findings.total:
            hidden = findings.total - len(findings.kept)
            more = f" ({hidden} more are not shown)" if hidden else ""
            raise CommandError(f"{options['folder']} does not hold: {findings.total} findings{more}.")
        against = f" and agrees with {options['dataset']}" if options["dataset"] else ""
        self.stdout.write(f"{options['folder']} holds{against}: {count} intervals.")
