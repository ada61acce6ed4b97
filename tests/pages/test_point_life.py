"""The coordinator's page of a metering point's life: shown first, stored as shown, refused with the reason."""

import datetime as dt
import re
from types import SimpleNamespace

import pytest
from django.test import Client

from cluster_platform import point_admin
from contracts.models import Agreement, Contract
from contracts.services import agreements
from contracts.services.agreements import offer_agreement
from metering.models import GridNode, IntervalInput, Meter, PointAssignment
from participants.models import Membership, Participant
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, Cast, make_cast, make_user
from tests.contracts.agreement_scenes import TOMORROW, sign_both
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 6, 20, 12, 4, tzinfo=dt.UTC)
TENTH = dt.date(2026, 6, 10)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(point_admin, "timezone", SimpleNamespace(now=lambda: NOW))


@pytest.fixture
def cast() -> Cast:
    return make_cast("ours")


@pytest.fixture
def desk(cast: Cast) -> Client:
    return signed_in(cast.coordinator)


def page(cast: Cast) -> str:
    return f"/admin/metering/meteringpoint/{cast.buyer_point.pk}/life/"


def preview(desk: Client, cast: Cast, what: str, **values: object) -> tuple[str, str]:
    """What the page says, and the digest that it would store."""
    response = desk.post(page(cast), {"what": what, **values})
    found = re.search(r'name="shown" value="([^"]*)"', response.content.decode())
    return text_of(response), found[1] if found else ""


def store(desk: Client, cast: Cast, what: str, shown: str, **values: object) -> str:
    return text_of(desk.post(page(cast), {"what": what, "shown": shown, "store": "1", **values}, follow=True))


def spans(cast: Cast) -> list[tuple[str | None, str, dt.date, dt.date | None]]:
    with scope(cast.cluster.pk):
        rows = PointAssignment.objects.filter(metering_point=cast.buyer_point).order_by("valid_from")
        return list(rows.values_list("participant__code", "tariff_group", "valid_from", "valid_to"))


def test_a_change_is_shown_before_it_is_stored(desk: Client, cast: Cast) -> None:
    change = {"day": TENTH, "tariff_group": "G11", "contracted_power_kw": "20"}
    text, shown = preview(desk, cast, "terms", **change)
    assert "1 quarter-hour with data becomes due; 1 of them was settled before" in text
    assert "Preview: Tariff group, node, power" in text and "10 June 2026" in text
    assert spans(cast) == [("P0002", "G11", DAY, None)]
    with scope(cast.cluster.pk):
        assert IntervalInput.objects.get().changes == 1
    assert "Stored. Quarter-hours to settle anew: 1." in store(desk, cast, "terms", shown, **change)
    assert spans(cast) == [("P0002", "G11", DAY, TENTH), ("P0002", "G11", TENTH, None)]
    with scope(cast.cluster.pk):
        assert IntervalInput.objects.get().changes == 2
        assert [row.contracted_power_kw for row in PointAssignment.objects.filter(metering_point=cast.buyer_point)] == [
            14, 20,
        ]  # fmt: skip


def test_what_was_not_shown_is_not_stored(desk: Client, cast: Cast) -> None:
    change = {"day": TENTH, "contracted_power_kw": "20"}
    _text, shown = preview(desk, cast, "terms", **change)
    with scope(cast.cluster.pk):
        PointAssignment.objects.filter(metering_point=cast.buyer_point).update(tariff_group="G12")
    assert "changed this point meanwhile" in store(desk, cast, "terms", shown, **change)
    assert "changed this point meanwhile" in store(desk, cast, "terms", "", **change)
    assert spans(cast) == [("P0002", "G12", DAY, None)]


def test_a_move_in_the_middle_of_a_month_ends_the_agreement_of_who_has_nothing_left(desk: Client, cast: Cast) -> None:
    with scope(cast.cluster.pk):
        sign_both(offer_agreement(cast.cluster, cast.buyer, TOMORROW, cast.coordinator, NOON), cast)
    move = {"day": TENTH, "participant": cast.seller.pk, "reason": "sold", "end_agreement": "on"}
    text, shown = preview(desk, cast, "move_in", **move)
    assert "leaves the point; from 10 June 2026 its readings are no longer theirs" in text
    assert "agreement No. 1 ends on 21 June 2026" in text
    assert spans(cast) == [("P0002", "G11", DAY, None)]
    store(desk, cast, "move_in", shown, **move)
    assert spans(cast) == [("P0002", "G11", DAY, TENTH), ("P0001", "G11", TENTH, None)]
    with scope(cast.cluster.pk):
        assert agreements.standing_of(Agreement.objects.get(), NOW).state == "terminated"
        ends = Contract.objects.filter(participant=cast.buyer).order_by("valid_from").values_list("scheme", "valid_to")
        assert list(ends) == [("p2p", dt.date(2026, 6, 21))]


def test_who_keeps_a_point_or_is_asked_to_keeps_the_agreement(desk: Client, cast: Cast) -> None:
    with scope(cast.cluster.pk):
        sign_both(offer_agreement(cast.cluster, cast.buyer, TOMORROW, cast.coordinator, NOON), cast)
    move = {"day": TENTH, "reason": "moved"}
    text, shown = preview(desk, cast, "move_out", **move)
    assert "Their agreement stays, though no metering point is left" in text
    store(desk, cast, "move_out", shown, **move)
    with scope(cast.cluster.pk):
        assert agreements.standing_of(Agreement.objects.get(), NOW).state == "in_force"
        assert Contract.objects.filter(participant=cast.buyer, valid_to=None).exists()
    assert spans(cast) == [("P0002", "G11", DAY, TENTH)]


def test_who_moves_in_without_a_contract_is_pointed_out(desk: Client, cast: Cast) -> None:
    with scope(cast.cluster.pk):
        new = Participant.objects.create(
            cluster=cast.cluster, code="P0009", kind="consumer", legal_form="person", name="New", vat_payer=False
        )
    text, shown = preview(desk, cast, "move_in", day=dt.date(2026, 7, 1), participant=new.pk, end_agreement="on")
    assert "P0009 New has no contract on that day" in text
    assert shown


def test_a_consumer_with_panels_is_a_prosumer_from_the_day_on(desk: Client, cast: Cast) -> None:
    change = {"day": TENTH, "generation_capacity_kw": "5"}
    text, shown = preview(desk, cast, "terms", **change)
    assert "P0002 Household P0002 of ours is listed as prosumer" in text
    store(desk, cast, "terms", shown, **change)
    with scope(cast.cluster.pk):
        assert Participant.objects.get(pk=cast.buyer.pk).kind == "prosumer"


def test_what_generation_comes_from_changes_with_a_day(desk: Client, cast: Cast) -> None:
    change = {"day": TENTH, "generation_capacity_kw": "5", "generation_source": "hydro"}
    _text, shown = preview(desk, cast, "terms", **change)
    assert "hydropower" in store(desk, cast, "terms", shown, **change)
    with scope(cast.cluster.pk):
        rows = PointAssignment.objects.filter(metering_point=cast.buyer_point).order_by("valid_from")
        assert list(rows.values_list("generation_source", flat=True)) == ["photovoltaics", "hydro"]


def test_a_new_meter_is_noted_and_shown(desk: Client, cast: Cast) -> None:
    for day, serial in ((DAY, "E-1"), (TENTH, "E-2")):
        text, shown = preview(desk, cast, "meter", day=day, serial=serial)
        assert "nothing is settled anew" in text
        text = store(desk, cast, "meter", shown, day=day, serial=serial)
    assert "Meter E-1: 1 January 2026 – 10 June 2026" in text
    assert "Meter E-2: 10 June 2026 – …" in text
    with scope(cast.cluster.pk):
        assert Meter.objects.count() == 2


@pytest.mark.parametrize(
    ("what", "values", "said"),
    [
        ("terms", {"day": TENTH}, "Fill in what changes"),
        ("terms", {"day": "soon", "phases": "1"}, "Enter a valid date"),
        ("terms", {"day": "2025-12-31", "phases": "1"}, "On 31 December 2025 the point is nobody"),
        ("terms", {"day": TENTH, "contracted_power_kw": "-1"}, "greater than or equal to 0"),
        ("terms", {"day": TENTH, "tariff_group": "none"}, "none is not one of the available choices"),
        ("move_in", {"day": TENTH, "participant": "0"}, "Select a valid choice"),
        ("meter", {"day": TENTH, "serial": "a b"}, "Enter a valid value"),
    ],
)
def test_mistakes_are_named_and_nothing_changes(
    desk: Client, cast: Cast, what: str, values: dict[str, object], said: str
) -> None:
    text, shown = preview(desk, cast, what, **values)
    assert said in text and not shown
    assert spans(cast) == [("P0002", "G11", DAY, None)]


def test_another_cluster_s_node_and_participant_are_no_choice(desk: Client, cast: Cast) -> None:
    other = make_cast("theirs", dso_name="Other Distribution")
    with scope(other.cluster.pk):
        node = GridNode.objects.get(code="ST-1").pk
    assert preview(desk, cast, "terms", day=TENTH, grid_node=node)[1] == ""
    assert preview(desk, cast, "move_in", day=TENTH, participant=other.seller.pk)[1] == ""
    assert desk.get(page(other)).status_code == 302


def test_who_may_only_look_sees_the_history_and_no_form(cast: Cast) -> None:
    auditor = make_user("auditor@example.org", with_app=True)
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=auditor, role="coordinator", level="read")
    client = signed_in(auditor)
    text = text_of(client.get(page(cast)))
    assert "From the first day on" in text and "Change from a day on" not in text
    assert client.post(page(cast), {"what": "move_out", "day": TENTH}).status_code == 403
    assert spans(cast) == [("P0002", "G11", DAY, None)]
    assert signed_in(cast.owner).get(page(cast)).status_code != 200


def test_an_operator_moves_people_but_does_not_end_their_agreements(cast: Cast) -> None:
    operator = make_user("operator@example.org", is_staff=True, is_superuser=True)
    with scope(cast.cluster.pk):
        sign_both(offer_agreement(cast.cluster, cast.buyer, TOMORROW, cast.coordinator, NOON), cast)
    client = signed_in(operator)
    client.post("/access/", {"access": f"{cast.cluster.pk}:operator:"})
    text, shown = preview(client, cast, "move_out", day=TENTH, end_agreement="on")
    assert "can't be ended by you" in text and not shown
    assert spans(cast) == [("P0002", "G11", DAY, None)]
    assert preview(client, cast, "move_out", day=TENTH)[1]
