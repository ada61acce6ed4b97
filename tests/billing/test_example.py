"""The example cluster around the days on which members join and leave and on the 25-hour day, billed a second way."""

import csv
import gzip
from datetime import date
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import call_command
from django.db import transaction

from contracts.models import ClusterTerms
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.billing import compare
from tests.billing.recompute import Month, rows

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "demo" / "three-stations"
READINGS = {
    "2026-06": EXAMPLE / "readings-2026-06.csv.gz",
    "2026-10": ROOT / "tests" / "data" / "three-stations" / "readings-2026-10.csv.gz",
}
#: Local days as UTC instants [from, to): 15 and 16 June, 10 and 11 October, and the 25 hours of 25 October.
DAYS = {
    "2026-06": [("2026-06-14T22", "2026-06-16T22")],
    "2026-10": [("2026-10-09T22", "2026-10-11T22"), ("2026-10-24T22", "2026-10-25T23")],
}
INTERVALS = {"2026-06": 192, "2026-10": 292}
SETTINGS = {
    "excise": "0.005", "buyer_fee": "0.02", "seller_fee": "0",
    "sharing_discount": {"station": "0.25", "substation": "0.15", "cluster": "0.05"},
}  # fmt: skip
VAT = Fraction("0.23")
JOINED, LEFT = "P0007", "P0254"
#: Companies, households, prosumers of either tax, the producer, the municipality, joiners and leavers; all groups.
CHOSEN = ("P0001", "P0002", "P0004", "P0006", JOINED, "P0014", "P0015", "P0021", "P0062", "P0168", LEFT)


class Settled(NamedTuple):
    """One month of the example: what was exported, and the second way to compute it."""

    statements: Path
    hourly: Path
    month: Month


@pytest.fixture(scope="module")
def example(django_db_setup, django_db_blocker, tmp_path_factory) -> dict[str, Settled]:
    """The chosen days of both months loaded, cleared, billed and exported; the database is left as it was."""
    folder = tmp_path_factory.mktemp("example")
    dataset = folder / "dataset"
    dataset.mkdir()
    for path in EXAMPLE.iterdir():
        if path.suffix in (".csv", ".toml"):
            (dataset / path.name).write_bytes(path.read_bytes())
    for month, source in READINGS.items():
        cut(source, dataset / source.name, DAYS[month])
    found = {}
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("load_cluster", dataset, verbosity=0, stdout=StringIO())
        for month, end in (("2026-06", "2026-07"), ("2026-10", "2026-11")):
            bounds = {"start": f"{month}-01", "end": f"{end}-01"}
            call_command("clear", "three-stations", **bounds)
            call_command("bill", "three-stations", month)
            call_command("export_results", "three-stations", **bounds, out=folder / f"results-{month}")
            call_command("export_statements", "three-stations", month, out=folder / f"statements-{month}")
            second = Month(dataset, folder / f"results-{month}", date.fromisoformat(f"{month}-01"), SETTINGS)
            found[month] = Settled(folder / f"statements-{month}", folder / f"hourly-{month}", second)
        with scope(Cluster.objects.get(slug="three-stations").pk):
            ClusterTerms.objects.update(netting="hour")
        for month, settled in found.items():
            call_command("bill", "three-stations", month)
            call_command("export_statements", "three-stations", month, out=settled.hourly)
        transaction.set_rollback(True)
    return found


def cut(source: Path, target: Path, days: list[tuple[str, str]]) -> None:
    """Keep the readings of some instants."""
    with gzip.open(source, "rt", newline="") as old, gzip.open(target, "wt", newline="") as new:
        reader, writer = csv.reader(old), csv.writer(new, lineterminator="\n")
        writer.writerow(next(reader))
        writer.writerows(row for row in reader if any(first <= row[1] < end for first, end in days))


both_months = pytest.mark.parametrize("month", ["2026-06", "2026-10"])


@both_months
def test_all_lines_are_what_the_coordinator_pays_and_passes_on(example, month):
    statements, _, second = example[month]
    assert len(second.package["intervals"]) == INTERVALS[month]
    lines = rows(statements / "statements.csv")
    assurance = sum(Fraction(row["assurance_pln"]) for row in rows(statements / "promises.csv"))
    assert -sum(Fraction(row["amount_exact_pln"]) for row in lines if row["component"] == "assurance") == assurance
    assert sum(Fraction(row["amount_exact_pln"]) for row in lines) == second.total_before_assurance() - assurance


@both_months
def test_nobody_is_worse_off(example, month):
    promises = compare.exported_promises(example[month].statements)
    assert len(promises) == 2 * 249
    for _, p2p, standard, difference, assurance in promises.values():
        assert difference == standard - p2p
        assert 0 <= difference + assurance and (assurance == 0 or difference + assurance < Fraction(1, 100))


@both_months
def test_bills_and_promises_come_out_the_second_way_too(example, month):
    statements, hourly, second = example[month]
    exported = compare.exported_bills(statements)
    bills = {member: compare.without_zero_equalisation(second.bill(member)) for member in CHOSEN if member in exported}
    assert {member: exported[member] for member in bills} == bills
    promises = compare.recomputed_promises(second, bills, VAT, hourly=False)
    assert compare.exported_promises(statements).items() >= promises.items()
    netted = compare.recomputed_promises(second, bills, VAT, hourly=True)
    assert compare.exported_promises(hourly).items() >= netted.items()
    assert netted != promises


@pytest.mark.parametrize(
    ("month", "member", "days", "share"),
    [
        ("2026-06", JOINED, ("2026-06-16", "2026-07-01"), "0.500000000"),
        ("2026-10", LEFT, ("2026-10-01", "2026-10-11"), "0.322580645"),
    ],
)
def test_who_joins_or_leaves_is_settled_by_the_day(example, month, member, days, share):
    lines = [row for row in rows(example[month].statements / "statements.csv") if row["participant"] == member]
    assert {(row["rate_from"], row["rate_to"]) for row in lines} == {days}
    monthly = {row["component"]: row["quantity"] for row in lines if row["unit"] == "month"}
    assert set(monthly.values()) == {share}
    # One of the two days on file was under contract: no more energy than its readings hold.
    (first, _), point = DAYS[month][0], lines[0]["metering_point"]
    midnight = "2026-06-15T22" if member == JOINED else "2026-10-10T22"
    readings = [r for r in rows(example[month].month.dataset / READINGS[month].name) if r["metering_point"] == point]
    in_p2p = (lambda at: at >= midnight) if member == JOINED else (lambda at: first <= at < midnight)
    drawn = sum(max(0, int(r["imported_wh"]) - int(r["exported_wh"])) for r in readings if in_p2p(r["interval_start"]))
    billed = sum(Fraction(row["quantity"]) for row in lines if row["component"] in ("local_energy", "external_energy"))
    assert billed * 1000 == drawn > 0
