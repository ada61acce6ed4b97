"""What members are compared with, as the coordinator and the member see it; the statutory relief on their pages."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import ReliefMonth, StatementLine
from billing.services.statements import bill_period
from contracts.models import OfferAssignment, RetailOffer, RetailPrice, SaleMechanism, StandardSalePrice
from contracts.services.published import load_relief
from participants.models import Membership
from participants.tenancy.scope import scope
from tests.billing.hourly_scene import NOW, SELLER, Scene, make_scene
from tests.billing.test_standard_sales import publish
from tests.cast import make_user
from tests.clearing.world import DAY
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
LONG = dt.date(2026, 10, 25)


@pytest.fixture
def scene() -> Scene:
    return make_scene(LONG, 7)


def login(scene: Scene, role: str, **fields: object) -> Client:
    user = make_user(f"{role}@hourly.example.org", with_app=role == "coordinator")
    with scope(scene.cluster.pk):
        Membership.objects.create(cluster=scene.cluster, user=user, role=role, **fields)
    return signed_in(user)


def own_mechanism(scene: Scene) -> None:
    """From the long day on one member sells at the market's hourly price and has an offer of its own."""
    with scope(scene.cluster.pk):
        seller = scene.owner(SELLER)
        offer = RetailOffer.objects.create(cluster=scene.cluster, name="Green flat")
        RetailPrice.objects.create(
            cluster=scene.cluster, offer=offer, group="G11", zone="flat", energy_pln_kwh=Decimal("0.7123"),
            valid_from=DAY,
        )  # fmt: skip
        OfferAssignment.objects.create(cluster=scene.cluster, participant=seller, offer=offer, valid_from=LONG)
        SaleMechanism.objects.create(
            cluster=scene.cluster, participant=seller, kind="market", netting="hour", factor=Decimal("1.23"),
            valid_from=LONG,
        )  # fmt: skip


def page(client: Client, **asked: object) -> str:
    response = client.get(reverse("admin:standard"), {"month": "2026-10", **asked})
    assert response.status_code == 200
    return text_of(response)


def test_the_month_by_what_members_are_compared_with(scene: Scene) -> None:
    own_mechanism(scene)
    with scope(scene.cluster.pk):
        RetailPrice.objects.filter(offer__is_default=True, group="G12").delete()
    text = page(login(scene, "coordinator"))
    assert "price of the month, 138.85 PLN/MWh × 1.23" in text
    assert "Green flat" in text and "market price of each hour × 1.23; a negative price counts as 0" in text
    assert "retail prices of G12" in text and "retail prices of G11" not in text
    assert "2,980 quarter-hours of the month have no market price yet." in text
    publish(scene)
    assert "2,784 quarter-hours of the month have no market price yet." in page(signed_in_again(scene))


def signed_in_again(scene: Scene) -> Client:
    with scope(scene.cluster.pk):
        return signed_in(Membership.objects.get(role="coordinator").user)


def test_one_members_months(scene: Scene) -> None:
    own_mechanism(scene)
    publish(scene)
    bill_period(scene.cluster, scene.period, NOW)
    client = login(scene, "coordinator")
    with scope(scene.cluster.pk):
        seller = scene.owner(SELLER)
    text = page(client, participant=seller.pk)
    assert "1.10 – 24.10 StandardG11: 0.5020 price of the month, 138.85 PLN/MWh × 1.23" in text
    assert "25.10 – 31.10 Green flatG11: 0.7123 market price of each hour × 1.23" in text
    assert "November 2025 StandardG11: 0.5020 price of the month: not there yet" in text
    assert client.get(reverse("admin:standard"), {"participant": "999999"}).status_code == 404


def test_the_page_asks_as_often_for_many_as_for_one(scene: Scene) -> None:
    client = login(scene, "coordinator")
    page(client)
    with CaptureQueriesContext(connection) as few:
        page(client)
    own_mechanism(scene)
    with CaptureQueriesContext(connection) as many:
        page(client)
    assert len(many) == len(few)


def test_the_member_sees_the_standard_and_the_relief(scene: Scene) -> None:
    own_mechanism(scene)
    publish(scene)
    with scope(scene.cluster.pk):
        load_relief(scene.cluster)
    report = bill_period(scene.cluster, scene.period, NOW)
    with scope(scene.cluster.pk):
        seller = scene.owner(SELLER)
        lines = StatementLine.objects.filter(statement__participant=seller, component__endswith="_relief")
        waived = -sum(line.net_pln for line in lines)
    text = text_of(login(scene, "member", participant=seller).get(reverse("money"), {"month": "2026-10"}))
    assert "The standard you are compared with" in text
    assert "25.10 – 31.10: what you draw: the offer “Green flat”, 0.712 PLN/kWh and the full grid fees" in text
    assert "what you feed in: market price of each hour × 1.23; a negative price counts as 0; netted per hour" in text
    assert f"Statutory relief {waived} PLN" in text.replace("\xa0", " ")
    assert "Renewables fee: statutory relief" in text
    assert report.relief is not None
    coordinator = login(scene, "coordinator")
    with scope(scene.cluster.pk):
        month = ReliefMonth.objects.get()
    shown = text_of(coordinator.get(reverse("admin:billing_reliefmonth_change", args=[month.pk])))
    assert f"{100 * month.self_consumption:.2f} %" in shown and "Cogeneration fee" in shown
    coordinator.cookies["django_language"] = "pl"
    polish = text_of(coordinator.get(reverse("admin:billing_reliefmonth_change", args=[month.pk])))
    assert f"{month.shared_wh // 1000},{month.shared_wh % 1000:03}" in polish and "Opłata kogeneracyjna" in polish


def test_a_price_added_for_the_same_month_is_a_version(scene: Scene) -> None:
    client = login(scene, "coordinator", level="accounts")
    for price in ("150.00", "151.50"):
        sent = {"legal_form": "person", "month": "2026-10-01", "pln_mwh": price, "factor": "1.23"}
        assert client.post(reverse("admin:contracts_standardsaleprice_add"), sent).status_code == 302
    with scope(scene.cluster.pk):
        rows = StandardSalePrice.objects.filter(month=dt.date(2026, 10, 1)).order_by("version")
        assert [(row.version, row.pln_mwh) for row in rows] == [
            (1, Decimal("138.85")), (2, Decimal(150)), (3, Decimal("151.5")),
        ]  # fmt: skip
    refused = client.post(reverse("admin:contracts_standardsaleprice_add"), sent | {"month": "2026-10-02"})
    assert "Give the first day of the month." in text_of(refused)
    with scope(scene.cluster.pk):
        assert StandardSalePrice.objects.count() == 3


def test_a_second_mechanism_of_the_same_days_is_refused_with_its_name(scene: Scene) -> None:
    own_mechanism(scene)
    client = login(scene, "coordinator")
    with scope(scene.cluster.pk):
        sent = {
            "participant": scene.owner(SELLER).pk, "kind": "fixed", "pln_mwh": "300", "factor": "1", "netting": "hour",
            "valid_from": "2026-11-01", "legal_form": "",
        }  # fmt: skip
    add = reverse("admin:contracts_salemechanism_add")
    assert "market price of the quarter-hour or hour 2026-10-25”: end that one first." in text_of(
        client.post(add, sent)
    )
    both = client.post(add, sent | {"legal_form": "person"})
    assert "Give either a legal form or a participant." in text_of(both)
    without = client.post(add, sent | {"pln_mwh": ""})
    assert "A fixed price needs a price, the others take none." in text_of(without)
    with scope(scene.cluster.pk):
        assert SaleMechanism.objects.count() == 1
