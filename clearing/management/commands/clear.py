"""manage.py clear SLUG --from T --to T [--again]"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from clearing.management.times import add_range_arguments, find_cluster, parse_range
from clearing.services import ClusterBusy, clear_due


class Command(BaseCommand):
    help = "Settles the due and stale intervals of a range."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_range_arguments(parser)
        parser.add_argument("--again", action="store_true", help="also what has not changed since it was settled")

    def handle(self, *args: Any, **options: Any) -> None:
        cluster = find_cluster(options["slug"])
        start, end = parse_range(cluster, options["start"], options["end"])
        with tqdm(desc="clear", unit="interval", disable=None) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            try:
                report = clear_due(cluster, timezone.now(), start, end, options["again"], progress)
            except ClusterBusy as error:
                raise CommandError(f"{error}. Try again when it is done.") from error
        self.stdout.write(
            f"{report.stored} intervals settled, {report.unchanged} unchanged, {report.waiting} waiting for readings "
            "or prices"
        )
        if report.failed:
            raise CommandError("\n".join(f"{day} can't be settled: {reason}" for day, reason in report.failed.items()))
