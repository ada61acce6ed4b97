"""manage.py bill SLUG 2026-06"""

from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from billing.domain.errors import BillingError
from billing.services.statements import BillingReport, bill_period
from clearing.management.times import find_cluster
from contracts.domain.money import half_up
from contracts.domain.tariff import TariffError
from metering.domain.calendar import CalendarError, format_instant


class Command(BaseCommand):
    help = "Computes the statements of a month. What has not changed since is not stored again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of the cluster")
        parser.add_argument("period", help="month of the cluster's own time zone: 2026-06")

    def handle(self, *args: Any, **options: Any) -> None:
        cluster = find_cluster(options["slug"])
        with tqdm(desc="bill", unit="member", disable=None) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            try:
                report = bill_period(cluster, options["period"], timezone.now(), show)
            except (BillingError, TariffError, CalendarError) as error:
                raise CommandError(str(error)) from error
        self.stdout.write("\n".join(report_lines(report)))


def _relief_lines(report: BillingReport) -> list[str]:
    month = report.relief
    if month is None:
        return []
    shared, given = (half_up(Decimal(wh) / 1000, 3) for wh in (month.shared_wh, month.given_wh))
    lines = [
        f"Statutory relief {half_up(report.relief_pln, 2)} PLN: {shared} kWh shared in the same hour, "
        f"{half_up(100 * month.self_consumption, 2)} % of the renewable energy injected; {given} kWh of it went to the "
        "members of these statements."
    ]
    if month.missing_readings:
        lines.append(f"{month.missing_readings} readings of members without a P2P contract are missing in it.")
    return lines


def report_lines(report: BillingReport) -> list[str]:
    """What the coordinator reads."""
    lines = [
        f"{report.period}: {report.statements} statements "
        f"({report.new} new, {report.replaced} replaced, {report.unchanged} unchanged)",
        f"all lines {half_up(report.total_pln, 2)} PLN, service fees {half_up(report.service_fees_pln, 2)}, "
        f"assurance {half_up(report.assurance_pln, 2)}",
    ]
    if report.shortfall_pln:
        lines.append(f"Assurance exceeds the service fees by {half_up(report.shortfall_pln, 2)} PLN.")
    lines += _relief_lines(report)
    settled = report.progress
    if settled.first_missing is not None:
        lines.append(
            f"Not in it: {settled.missing} of {settled.intervals} intervals are not cleared yet, the first "
            f"{format_instant(settled.first_missing)}."
        )
    if settled.stale:
        lines.append(f"{settled.stale} intervals have changed since they were cleared: clear and bill again.")
    if settled.provisional:
        lines.append(f"{settled.provisional} intervals are provisional: they hold estimated readings.")
    return lines
