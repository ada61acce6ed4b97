"""Billing the cast's one cleared quarter-hour: versions, refusals, the report, the files."""

import datetime as dt
import re
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing.models import Promise, Statement, StatementLine
from billing.services.statements import bill_period
from clearing.models import IntervalState, Position
from contracts.models import ClusterSettings, ClusterTerms, Contract, RetailPrice, StandardSalePrice
from contracts.services.standard import default_offer
from metering.models import IntervalInput, PointAssignment
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, Cast, make_cast
from tests.tariff import publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    cast = make_cast("sunny-hill")
    names = ("group", "component", "zone", "unit", "rate_net", "local_treatment")
    rates = (
        ("G11", "network_variable", "flat", "PLN/kWh", Decimal("0.2464"), "discounted"),
        ("G11", "res", "flat", "PLN/kWh", Decimal("0.0073"), "waived"),
        ("G11", "network_fixed", "", "PLN/month", Decimal("10.86"), "full"),
    )
    publish(cast.cluster.dso, [dict(zip(names, row, strict=True)) for row in rates])
    with scope(cast.cluster.pk):
        RetailPrice.objects.create(
            cluster=cast.cluster, offer=default_offer(cast.cluster), group="G11", zone="flat",
            energy_pln_kwh=Decimal("0.502"), valid_from=DAY,
        )  # fmt: skip
        StandardSalePrice.objects.create(
            cluster=cast.cluster, legal_form="person", month=dt.date(2026, 6, 1), pln_mwh=Decimal("138.85"),
            factor=Decimal("1.23"),
        )  # fmt: skip
    return cast


def bill(cast):
    return bill_period(cast.cluster, "2026-06", timezone.now())


def exported(cast, folder):
    call_command("export_statements", cast.cluster.slug, "2026-06", out=folder, stdout=StringIO())
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_month_is_billed_and_exported(cast, tmp_path):
    report = bill(cast)
    assert (report.statements, report.new, report.unchanged) == (2, 2, 0)
    files = exported(cast, tmp_path / "june")
    days = "2026-06-01,2026-07-01"
    buyer, seller = "2026-06,P0002,590000000000000020", "2026-06,P0001,590000000000000013"
    assert files["statements.csv"].splitlines() == [
        "period,participant,metering_point,component,zone,sharing_level,rate_from,rate_to,quantity,unit,"
        "amount_exact_pln,net_pln",
        f"{seller},network_fixed,,,{days},1.000000000,month,10.860000000,10.86",
        f"{seller},local_energy_sold,flat,station,{days},0.300,kWh,-0.075000000,-0.08",
        f"{seller},external_energy_sold,flat,external,{days},0.100,kWh,-0.020000000,-0.02",
        f"{buyer},local_energy,flat,station,{days},0.300,kWh,0.075000000,0.08",
        f"{buyer},excise,flat,station,{days},0.300,kWh,0.001500000,0.00",
        f"{buyer},service_fee,flat,station,{days},0.300,kWh,0.006000000,0.01",
        f"{buyer},network_fixed,,,{days},1.000000000,month,10.860000000,10.86",
        f"{buyer},network_variable,flat,station,{days},0.300,kWh,0.055440000,0.06",
        f"{buyer},res,flat,station,{days},0.300,kWh,0.000000000,0.00",
    ]
    assert files["promises.csv"].splitlines() == [
        "period,participant,side,basis,p2p_pln,standard_pln,difference_pln,assurance_pln",
        "2026-06,P0001,buy,gross,13.357800000,13.357800000,0.000000000,0.00",
        "2026-06,P0001,sell,net,-0.095000000,-0.068314200,0.026685800,0.00",
        "2026-06,P0002,buy,gross,13.527466200,13.636653300,0.109187100,0.00",
        "2026-06,P0002,sell,net,0.000000000,0.000000000,0.000000000,0.00",
    ]


def test_billing_again_stores_nothing(cast):
    bill(cast)
    report = bill(cast)
    assert (report.statements, report.new, report.replaced, report.unchanged) == (2, 0, 0, 2)
    with scope(cast.cluster.pk):
        assert Statement.objects.count() == 2


def test_a_changed_statement_is_a_new_revision_that_names_the_old_one(cast, tmp_path):
    bill(cast)
    with scope(cast.cluster.pk):
        ClusterSettings.objects.update(buyer_fee_pln_kwh=Decimal("0.03"))
    report = bill(cast)
    assert (report.new, report.replaced, report.unchanged) == (0, 1, 1)
    with scope(cast.cluster.pk):
        old, new = Statement.objects.filter(participant=cast.buyer).order_by("revision")
        assert (new.revision, new.replaces) == (2, old)
        fees = [s.lines.get(component="service_fee").amount_exact_pln for s in (old, new)]
    assert fees == [Decimal("0.006"), Decimal("0.009")]
    assert exported(cast, tmp_path / "june")["statements.csv"].count("service_fee") == 1


def test_who_has_no_contract_any_more_is_billed_nothing(cast):
    bill(cast)
    with scope(cast.cluster.pk):
        Contract.objects.filter(participant=cast.buyer).update(valid_from=dt.date(2026, 7, 1))
    assert bill(cast).replaced == 1
    with scope(cast.cluster.pk):
        last = Statement.objects.get(participant=cast.buyer, revision=2)
        assert (last.lines.count(), last.amount_exact_pln) == (0, 0)


def test_a_day_of_contract_costs_a_day_of_the_month(cast):
    with scope(cast.cluster.pk):
        Contract.objects.filter(participant=cast.buyer).update(
            valid_from=dt.date(2026, 6, 11), valid_to=dt.date(2026, 6, 12)
        )
    bill(cast)
    with scope(cast.cluster.pk):
        lines = StatementLine.objects.filter(statement__participant=cast.buyer)
        assert set(lines.values_list("rate_from", "rate_to")) == {(dt.date(2026, 6, 11), dt.date(2026, 6, 12))}
        assert lines.get(component="network_fixed").amount_exact_pln == Decimal("0.362")
        assert lines.get(component="local_energy").quantity == Decimal("0.3")


@pytest.mark.parametrize(("handed_over", "who"), [(dt.date(2026, 6, 11), "seller"), (dt.date(2026, 6, 12), "buyer")])
def test_a_point_that_changes_hands_in_the_month_is_billed_to_whose_it_was(cast, handed_over, who):
    """The quarter-hour is of 11 June: the buyer's point goes to the seller before it or after it."""
    with scope(cast.cluster.pk):
        before = PointAssignment.objects.get(metering_point=cast.buyer_point)
        PointAssignment.objects.filter(pk=before.pk).update(valid_to=handed_over)
        before.pk, before.participant, before.valid_from = None, cast.seller, handed_over
        before.save()
    bill(cast)
    with scope(cast.cluster.pk):
        energy = StatementLine.objects.get(component="local_energy")
        fixed = StatementLine.objects.filter(component="network_fixed", metering_point=cast.buyer_point)
        assert (energy.statement.participant, energy.quantity) == (getattr(cast, who), Decimal("0.3"))
        assert set(fixed.values_list("statement__participant", "rate_from", "rate_to")) == {
            (cast.buyer.pk, dt.date(2026, 6, 1), handed_over),
            (cast.seller.pk, handed_over, dt.date(2026, 7, 1)),
        }


def test_hourly_netting_counts_an_hour_as_one(cast):
    """The seller takes back 150 Wh a quarter-hour later: the standard mechanism would have seen 250 Wh fed in."""
    later = NOON + dt.timedelta(minutes=15)
    with scope(cast.cluster.pk):
        ClusterTerms.objects.update(netting="hour")
        run = cast.run
        run.pk, run.number, run.interval_start, run.state = None, 2, later, "shortage"
        run.surplus_wh, run.shortage_wh, run.matched_wh, run.local_price_pln_kwh = 0, 150, 0, None
        run.external_import_wh, run.external_export_wh = 150, 0
        run.save()
        Position.objects.create(
            cluster=cast.cluster, run=run, metering_point=cast.seller_point, interval_start=later, net_wh=-150,
            local_bought_wh=0, local_sold_wh=0, external_bought_wh=150, external_sold_wh=0,
            external_grid_fee_pln_kwh=Decimal("0.2537"), equalisation_pln=Decimal(0),
        )  # fmt: skip
        IntervalState.objects.create(cluster=cast.cluster, interval_start=later, run=run, inputs_seen=1)
    bill(cast)
    with scope(cast.cluster.pk):
        buy, sell = Promise.objects.filter(statement__participant=cast.seller).order_by("side")
    assert sell.standard_pln == -Decimal("0.25") * Decimal("0.13885") * Decimal("1.23")
    assert buy.standard_pln == Decimal("10.86") * Decimal("1.23")
    # 150 Wh at 0.30 + 0.005 + 0.02 + 0.2537, with VAT, rounded up.
    assert buy.assurance_pln == Decimal("0.11")


def test_the_report_tells_what_is_not_in_it(cast, capsys):
    with scope(cast.cluster.pk):
        IntervalInput.objects.update(changes=2)
    call_command("bill", cast.cluster.slug, "2026-06")
    out = capsys.readouterr().out
    assert "2026-06: 2 statements (2 new, 0 replaced, 0 unchanged)" in out
    assert "2879 of 2880 intervals are not cleared yet, the first 2026-05-31T22:00:00Z" in out
    assert "1 intervals have changed since they were cleared" in out


def test_an_interval_that_waits_again_is_billed_as_it_was_and_told(cast, capsys):
    """A member's reading is asked for anew: the run in force stands until the interval can be settled again."""
    with scope(cast.cluster.pk):
        IntervalState.objects.update(waits_for=IntervalState.WaitsFor.READINGS)
    call_command("bill", cast.cluster.slug, "2026-06")
    assert "1 intervals have changed since they were cleared" in capsys.readouterr().out


def test_assurance_beyond_the_fees_is_shown_to_the_coordinator(cast, capsys):
    with scope(cast.cluster.pk):
        StandardSalePrice.objects.create(
            cluster=cast.cluster, legal_form="person", month=dt.date(2026, 6, 1), version=2, pln_mwh=Decimal(1000),
            factor=Decimal("1.23"),
        )  # fmt: skip
    call_command("bill", cast.cluster.slug, "2026-06")
    # 0.4 kWh at 1.23 would have been 0.492, got 0.095: 0.40 is made up, 0.006 comes from the fees.
    assert "Assurance exceeds the service fees by 0.39 PLN." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("period", "text"),
    [
        ("2026-13", "'2026-13' is not a month"),
        ("2026-07", "No interval of 2026-07 is cleared"),
        ("2025-06", "no settings in force on 2025-06-01"),
    ],
)
def test_a_month_that_cannot_be_billed_is_refused(cast, period, text):
    with pytest.raises(CommandError, match=re.escape(text)):
        call_command("bill", cast.cluster.slug, period)


def test_a_missing_price_stores_nothing(cast):
    with scope(cast.cluster.pk):
        RetailPrice.objects.all().delete()
    with pytest.raises(CommandError, match="no retail price of group 'G11', zone 'flat'"):
        call_command("bill", cast.cluster.slug, "2026-06")
    with scope(cast.cluster.pk):
        assert not Statement.objects.exists()


def test_an_export_leaves_a_folder_that_holds_something_alone(cast, tmp_path):
    bill(cast)
    (tmp_path / "note.txt").write_text("keep me")
    with pytest.raises(CommandError, match="is not an empty folder"):
        exported(cast, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_an_export_without_statements_is_refused(cast, tmp_path):
    with pytest.raises(CommandError, match="has no statements of 2026-06: run bill first"):
        exported(cast, tmp_path / "june")
    assert not (tmp_path / "june").exists()


def test_another_clusters_statements_stay_out(cast, tmp_path):
    other = make_cast("shady-dale")
    with scope(other.cluster.pk):
        RetailPrice.objects.create(
            cluster=other.cluster, offer=default_offer(other.cluster), group="G11", zone="flat",
            energy_pln_kwh=Decimal("0.6"), valid_from=DAY,
        )  # fmt: skip
        StandardSalePrice.objects.create(
            cluster=other.cluster, legal_form="person", month=dt.date(2026, 6, 1), pln_mwh=Decimal(100),
            factor=Decimal(1),
        )  # fmt: skip
    bill(cast)
    before = exported(cast, tmp_path / "before")
    assert bill_period(other.cluster, "2026-06", timezone.now()).new == 2
    assert exported(cast, tmp_path / "after") == before
