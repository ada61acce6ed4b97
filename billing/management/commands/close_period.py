"""manage.py close_period SLUG 2026-06"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations
from django.utils import timezone
from tqdm import tqdm

from billing.closing_words import check_detail, check_name
from billing.models import Bill, BillingPeriod
from billing.selectors.checklist import checklist, period_of
from billing.services.closing import REFUSALS, compute, continue_closing, start_closing
from clearing.management.times import find_cluster
from metering.domain.calendar import CalendarError, parse_period
from participants.tenancy.scope import scope


class Command(BaseCommand):
    help = "Closes a month: statements, documents, postings. Goes on where an earlier call was stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of the cluster")
        parser.add_argument("period", help="month of the cluster's own time zone: 2026-06")
        parser.add_argument(
            "--override", action="append", default=[], metavar="CHECK=REASON",
            help="close although this check fails: readings, external, assurance or parties",
        )  # fmt: skip
        parser.add_argument("--check", action="store_true", help="only compute the month and show the checklist")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        cluster = find_cluster(options["slug"])
        overrides = dict(each.partition("=")[::2] for each in options["override"])
        now = timezone.now()
        try:
            month = parse_period(options["period"])
            with scope(cluster.pk):
                state = period_of(cluster, month).state
            if state == BillingPeriod.State.OPEN:
                compute(cluster, month, now)
                self._show(cluster, month)
            if options["check"]:
                return
            start_closing(cluster, month, now, overrides)
            with tqdm(desc="close", unit="participant", disable=None) as bar:

                def show(done: int, total: int) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                if not continue_closing(cluster, month, now, show):
                    raise CommandError(f"{options['period']} is being closed by another process.")
        except (*REFUSALS, CalendarError) as error:
            raise CommandError(str(error)) from error
        with scope(cluster.pk):
            count = Bill.objects.filter(cluster=cluster, period=month).count()
        self.stdout.write(f"{options['period']} is closed: {count} bills.")

    def _show(self, cluster: Any, month: Any) -> None:
        with scope(cluster.pk):
            for check in checklist(cluster, month, timezone.now()):
                mark = "ok" if check.passed else "NO"
                self.stdout.write(f"{mark}  {check.code}: {check_name(check.code)}. {check_detail(check)}".rstrip())
