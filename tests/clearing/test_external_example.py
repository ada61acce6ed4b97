"""June and October of the example settled with supplier and buyer: equal to what was cleared, to the watt-hour."""

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from clearing.models import ExternalDifference, ExternalLine, ExternalSettlement
from clearing.services.external import Invoice, approve, checklist, explain, prepare, take_invoice
from contracts.domain.money import half_up
from contracts.models import ExternalPartner
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.cast import make_user
from tests.clearing.outside import supplier_file
from tests.contracts.outside import make_partner

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "demo" / "three-stations"
OCTOBER = ROOT / "tests" / "data" / "three-stations" / "readings-2026-10.csv.gz"
MONTHS = {dt.date(2026, 6, 1): ("2026-07-01", 2880), dt.date(2026, 10, 1): ("2026-11-01", 2980)}
NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
COLUMNS = {
    "purchase": ("external_import_wh", "buy_pln_kwh", "buy_pln_mwh"),
    "sale": ("external_export_wh", "sell_pln_kwh", "sell_pln_mwh"),
}
Example = tuple[Cluster, dict[dt.date, list[dict[str, str]]], dict[str, ExternalPartner], int]


@pytest.fixture(scope="module")
def example(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Example]:
    """Both months cleared and exported, and a partner in each direction; the database is left as it was."""
    folder = tmp_path_factory.mktemp("example")
    dataset = folder / "dataset"
    dataset.mkdir()
    for path in (*EXAMPLE.iterdir(), OCTOBER):
        if path.suffix in (".csv", ".toml", ".gz"):
            (dataset / path.name).symlink_to(path)
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_cluster", dataset, verbosity=0, stdout=StringIO())
        exported = {}
        for month, (end, _count) in MONTHS.items():
            bounds = {"start": f"{month}", "end": end}
            call_command("clear", "three-stations", **bounds)
            call_command("export_results", "three-stations", **bounds, out=folder / f"{month}")
            with (folder / f"{month}" / "intervals.csv").open(newline="") as file:
                exported[month] = list(csv.DictReader(file))
        cluster = Cluster.objects.get(slug="three-stations")
        with scope(cluster.pk):
            partners = {"purchase": make_partner(cluster), "sale": make_partner(cluster, "buyer")}
        yield cluster, exported, partners, make_user("accountant@example.org").pk
        transaction.set_rollback(True)


@pytest.fixture
def prices() -> dict[str, dict[str, str]]:
    with (EXAMPLE / "external_prices.csv").open(newline="") as file:
        return {row["interval_start"]: row for row in csv.DictReader(file)}


def settle(example: Example, direction: str, month: dt.date) -> ExternalSettlement:
    cluster, _exported, partners, user = example
    with scope(cluster.pk):
        return prepare(cluster, direction, partners[direction], month, user, NOW)


@pytest.mark.parametrize("direction", ["purchase", "sale"])
@pytest.mark.parametrize("month", MONTHS)
def test_volumes_and_cost_are_those_of_the_settlement_package(
    example: Example, prices: dict[str, dict[str, str]], direction: str, month: dt.date
) -> None:
    cluster, exported, _partners, _user = example
    volume, price, mwh = COLUMNS[direction]
    settlement = settle(example, direction, month)
    with scope(cluster.pk):
        lines = ExternalLine.objects.filter(settlement=settlement).order_by("interval_start")
        found = [(f"{line.interval_start:%Y-%m-%dT%H:%M:%SZ}", line.wh, line.price_pln_kwh) for line in lines]
    assert found == [(row["interval_start"], int(row[volume]), Decimal(row[price])) for row in exported[month]]
    assert len(found) == settlement.quarter_hours == MONTHS[month][1]
    assert settlement.energy_wh == sum(int(row[volume]) for row in exported[month]) > 0
    # Priced once more from the file that the cluster was loaded from.
    cost = sum(int(row[volume]) * Decimal(prices[row["interval_start"]][mwh]) for row in exported[month])
    assert settlement.energy_pln == cost / 10**6


@pytest.mark.parametrize("direction", ["purchase", "sale"])
@pytest.mark.parametrize("month", MONTHS)
def test_one_quarter_hour_that_differs_is_found_and_named(example: Example, direction: str, month: dt.date) -> None:
    cluster, _exported, _partners, user = example
    settlement = settle(example, direction, month)
    invoice = Invoice(f"FV/{month:%m}", month, settlement.net_pln, half_up(settlement.net_pln * 23 / 100, 2))
    with transaction.atomic():
        with scope(cluster.pk):
            settlement = take_invoice(settlement, invoice, ("equal.csv", supplier_file(settlement)), True, user, NOW)
            assert not settlement.differences.exists()
            assert not [point for point in checklist(settlement, NOW, user) if not point.done]
            # A quarter-hour of the hour that the clock shows twice, or in June of the same day.
            start = dt.datetime(month.year, month.month, 25, 0, 15, tzinfo=dt.UTC)
            own = ExternalLine.objects.get(settlement=settlement, interval_start=start).wh
            spoiled = supplier_file(settlement, {start: own + 1})
            take_invoice(settlement, invoice, ("spoiled.csv", spoiled), True, user, NOW)
            difference = ExternalDifference.objects.get()
            assert (difference.kind, difference.interval_start) == ("volume", start)
            assert (difference.ours, difference.theirs) == (own, own + 1)
            explain(settlement, [difference.pk], "Rounded up by the supplier", user, NOW)
            assert approve(settlement, user, NOW).approved
        transaction.set_rollback(True)
