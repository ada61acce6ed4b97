"""manage.py export_results SLUG --from T --to T --out DIR"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from clearing.export import ExportError, export_results
from clearing.management.times import add_range_arguments, find_cluster, parse_range
from contracts.dataset.output import FolderRefused


class Command(BaseCommand):
    help = "Writes the settled intervals of a range as a settlement-package/1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_range_arguments(parser)
        parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to make")

    def handle(self, *args: Any, **options: Any) -> None:
        cluster = find_cluster(options["slug"])
        start, end = parse_range(cluster, options["start"], options["end"])
        try:
            result = export_results(
                cluster, start, end, options["out"], lambda weeks: tqdm(weeks, desc="export", unit="week", disable=None)
            )
        except (ExportError, FolderRefused) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{result.settled} of the range's {result.intervals} intervals are in {options['out']}")
