"""The coordinator's position, cost, revenue and margin; and the members' generation by source and station."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from clearing.services import clear_due
from clearing.services.external import Invoice, approve, correct, prepare, take_invoice
from cluster_platform.generation import show as show_generation
from cluster_platform.margin import show
from contracts.models import ClusterSettings
from metering.models import PointAssignment, ReadingAccess
from participants.models import Membership
from participants.tenancy.scope import scope
from tests.cast import make_cast, make_user
from tests.clearing.test_external_settlement import JUNE, Scene
from tests.clearing.world import FAR, NET, NOW, SELLER, STANDARD, START
from tests.contracts.outside import make_terms
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
WARSAW = ZoneInfo("Europe/Warsaw")
TENTH, ELEVENTH = dt.date(2026, 6, 10), dt.date(2026, 6, 11)


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    with scope(scene.cluster.pk):
        ClusterSettings.objects.filter(cluster=scene.cluster).update(
            buyer_fee_pln_kwh=Decimal("0.02"), seller_fee_pln_kwh=Decimal("0.01")
        )
    return scene


def desk(scene: Scene, level: str = "full") -> Client:
    user = make_user(f"{level}@alfa.example.org", with_app=True)
    with scope(scene.cluster.pk):
        Membership.objects.create(cluster=scene.cluster, user=user, role="coordinator", level=level)
    return signed_in(user)


def test_each_day_has_its_position_cost_revenue_and_fees(scene: Scene) -> None:
    with scope(scene.cluster.pk):
        shown = show(scene.cluster, JUNE, WARSAW)
    days = {day.key: day for day in shown.days}
    assert len(days) == 30
    tenth, eleventh = days[TENTH], days[ELEVENTH]
    assert (tenth.bought_wh, tenth.sold_wh, tenth.cost_pln) == (800, 0, Decimal("0.357584"))
    # 4 × (700 Wh × 0.02 + 500 Wh × 0.01)
    assert tenth.fees_pln == tenth.margin_pln == Decimal("0.076")
    assert (eleventh.bought_wh, eleventh.sold_wh, eleventh.revenue_pln) == (0, 1200, Decimal("0.404376"))
    assert eleventh.fees_pln == Decimal("0.084")
    assert (shown.month.result.cost_pln, shown.month.margin_pln) == (Decimal("0.357584"), Decimal("0.16"))
    assert shown.months == []


def test_a_balancing_cost_of_its_own_lessens_the_margin_once(scene: Scene) -> None:
    with scope(scene.cluster.pk):
        make_terms(scene.seller, fixed="446.98", balancing_pln_mwh=10, balancing_in_price=False)
        shown = show(scene.cluster, JUNE, WARSAW)
        assert shown.month.result.balancing_pln == Decimal("0.008")
        assert shown.month.margin_pln == Decimal("0.152")
        bought = prepare(scene.cluster, "purchase", scene.seller, JUNE, scene.owner.pk, NOW)
        assert bought.net_pln == Decimal("0.37")
        take_invoice(bought, Invoice("1", JUNE, Decimal("0.40"), Decimal(0)), None, False, scene.owner.pk, NOW)
        approve(bought, scene.owner.pk, NOW)
        month = show(scene.cluster, JUNE, WARSAW).month
    # The invoice says 0.40: energy, balancing, and a tolerated difference.
    assert (month.cost_pln, month.unplaced_balancing_pln) == (Decimal("0.40"), 0)
    assert month.margin_pln == Decimal("0.16") + Decimal("0.357584") - Decimal("0.40")


def test_an_approved_invoice_counts_until_its_correction_is_approved(scene: Scene) -> None:
    settlement = scene.approve(scene.invoice(scene.prepare(), "0.36"))
    scene.world.read(START, NET | {FAR: -500}, version=9)
    clear_due(scene.cluster, NOW)
    with scope(scene.cluster.pk):
        month = show(scene.cluster, JUNE, WARSAW).month
        assert (month.result.bought_wh, month.cost_pln) == (900, Decimal("0.36"))
        second = correct(settlement, "late reading", scene.owner.pk, NOW)
    scene.approve(scene.invoice(second, "0.40"))
    with scope(scene.cluster.pk):
        assert show(scene.cluster, JUNE, WARSAW).month.cost_pln == Decimal("0.40")
        # Looked back at from a later month it says the same.
        (june,) = show(scene.cluster, dt.date(2026, 7, 1), WARSAW).months
        assert june.cost_pln == Decimal("0.40")


def test_the_margin_page(scene: Scene) -> None:
    text = text_of(desk(scene).get("/admin/margin/?month=2026-06"))
    assert "0.16 PLN is left to the coordinator." in text
    assert "The month is not billed yet" in text and "0.800" in text and "10 June" in text
    text = text_of(desk(scene, "read").get("/admin/margin/?month=2026-07"))
    assert "Nothing is settled in this month." in text and "June 2026" in text
    assert signed_in(make_cast("theirs", dso_name="Other").owner).get("/admin/margin/").status_code != 200


def test_generation_by_source_and_station(scene: Scene) -> None:
    with scope(scene.cluster.pk):
        PointAssignment.objects.filter(metering_point__code=SELLER).update(generation_capacity_kw=10)
        standard = PointAssignment.objects.filter(metering_point__code=STANDARD)
        standard.update(generation_capacity_kw=Decimal("7.5"), generation_source="biogas")
        shown = show_generation(scene.cluster, JUNE, WARSAW)
    assert [(group.name, group.kw, group.fed_wh) for group in shown.nodes] == [
        ("ST-1", Decimal(10), 6000), ("ST-2", Decimal("7.5"), 0),
    ]  # fmt: skip
    sources = {group.name: (len(group.members), group.inside_wh, group.outside_wh) for group in shown.sources}
    assert list(sources.values()) == [(1, 4800, 1200), (1, 0, 0)]
    assert shown.total.kw == Decimal("17.5")


def test_the_generation_page_notes_who_saw_a_single_members_figures(scene: Scene) -> None:
    with scope(scene.cluster.pk):
        PointAssignment.objects.filter(metering_point__code=SELLER).update(generation_capacity_kw=10)
    text = text_of(desk(scene).get("/admin/generation/?month=2026-06"))
    assert "1 member with 10.0 kW fed in 6.000 kWh" in text and "photovoltaics" in text
    with scope(scene.cluster.pk):
        assert [row.metering_point.code for row in ReadingAccess.objects.all() if row.metering_point] == [SELLER]
    text = text_of(desk(scene, "read").get("/admin/generation/?month=2027-01"))
    assert "1 member with 10.0 kW fed in 0 kWh" in text
    assert clear_due(scene.cluster, NOW).stored == 0
