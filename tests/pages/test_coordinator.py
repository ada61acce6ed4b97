"""The coordinator's admin as its user sees it: everybody in one view, histories, tables in and out, many at once."""

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contracts.models import Contract
from contracts.services.agreements import offer_agreement
from metering.models import MeteringPoint, PointAssignment
from participants.models import Application, Change, Complaint, Membership, Participant
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, Cast, make_cast, make_user

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/participants/participant/"
TABLES = f"{PEOPLE}tables/"
NEW_PERSON = "P0003,consumer,person,Third House,third@example.org,ul. Nowa 3,00-003,Trzystacje,PL,,,no"


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def signed_in(user: Any) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def add_participants(cast: Cast, count: int) -> None:
    with scope(cast.cluster.pk):
        for number in range(count):
            participant = Participant.objects.create(
                cluster=cast.cluster, code=f"X{number:03}", kind="consumer", legal_form="person", name="More",
                vat_payer=False,
            )  # fmt: skip
            Contract.objects.create(cluster=cast.cluster, participant=participant, scheme="p2p", valid_from=DAY)
            user = make_user(f"more{number}@alfa.example.org")
            Membership.objects.create(cluster=cast.cluster, user=user, role="member", participant=participant)
            point = MeteringPoint.objects.create(cluster=cast.cluster, code=f"58{number:016}")
            assignment = PointAssignment.objects.get(metering_point=cast.buyer_point)
            assignment.pk, assignment.metering_point, assignment.participant = None, point, participant
            assignment._state.adding = True
            assignment.save()


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


# One view


def test_the_list_shows_contract_points_and_the_months_balance(cast: Cast) -> None:
    page = signed_in(cast.coordinator).get(PEOPLE).content.decode()
    buyer = page[page.index("Household P0002") :]
    assert "trades in the cluster" in buyer
    assert 'class="field-drawn_kwh">0.300 <span class="of-it">0.300<' in buyer
    seller = page[page.index("Household P0001") : page.index("Household P0002")]
    assert 'class="field-fed_in_kwh">0.400 <span class="of-it">0.300<' in seller


def test_another_month_has_another_balance(cast: Cast) -> None:
    page = signed_in(cast.coordinator).get(f"{PEOPLE}?month=2026-05").content.decode()
    assert "Household P0002" in page
    assert "0.300" not in page


def test_one_page_of_a_participant_says_it_all(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = offer_agreement(cast.cluster, cast.seller, dt.date(2027, 1, 1), cast.coordinator, NOON)
    page = signed_in(cast.coordinator).get(f"{PEOPLE}{cast.seller.pk}/change/").content.decode()
    for text in (
        "trades in the cluster",
        cast.seller_point.code,
        "ST-1",
        cast.owner.email,
        "June 2026",
        "0.400",
        "offered",
    ):
        assert text in page, text
    assert f"/admin/contracts/agreement/{agreement.pk}/change/" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [("contract=p2p", 2), ("contract=none", 0), ("kind__exact=prosumer", 1), ("q=590000000000000020", 1), ("q=zz", 0)],
)
def test_filters_and_search(cast: Cast, query: str, shown: int) -> None:
    page = signed_in(cast.coordinator).get(f"{PEOPLE}?{query}")
    assert len(page.context["cl"].result_list) == shown


@pytest.mark.parametrize("page", [PEOPLE, "/admin/participants/change/", TABLES])
def test_as_many_queries_however_many_participants(cast: Cast, page: str) -> None:
    client = signed_in(cast.coordinator)
    client.get(page)
    few = queries(client, page)
    add_participants(cast, 20)
    assert queries(client, page) <= few


def test_a_participants_page_costs_the_same_with_more_rows(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    page = f"{PEOPLE}{cast.buyer.pk}/change/"
    client.get(page)
    few = queries(client, page)
    with scope(cast.cluster.pk):
        for number in range(5):
            user = make_user(f"delegate{number}@alfa.example.org")
            Membership.objects.create(
                cluster=cast.cluster, user=user, role="member", participant=cast.buyer, level="read"
            )
    assert queries(client, page) <= few


# History


def change_city(client: Client, cast: Cast, city: str) -> None:
    page = client.get(f"{PEOPLE}{cast.buyer.pk}/change/")
    fields = {
        name: value for name, value in page.context["adminform"].form.initial.items() if value not in (None, False)
    }
    assert client.post(f"{PEOPLE}{cast.buyer.pk}/change/", fields | {"city": city}).status_code == 302


def test_the_history_of_a_row_is_readable(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    change_city(client, cast, "Nowe Miasto")
    page = client.get(f"{PEOPLE}{cast.buyer.pk}/history/").content.decode()
    assert cast.coordinator.email in page
    assert "City" in page
    assert "Nowe Miasto" in page
    assert "the platform (a command or a task)" in page  # It was created by no user.


def test_the_history_names_people_not_numbers(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        contract = Contract.objects.get(participant=cast.buyer)
        Contract.objects.filter(pk=contract.pk).update(valid_to=dt.date(2027, 1, 1), scheme="standard")
    page = signed_in(cast.coordinator).get(f"/admin/contracts/contract/{contract.pk}/history/").content.decode()
    assert "Household P0002" in page
    assert "standard mechanism" in page
    assert "January" in page


def test_all_changes_of_the_cluster_and_of_no_other(cast: Cast) -> None:
    other = make_cast("beta")
    with scope(other.cluster.pk):
        foreign = Change.objects.latest("pk")
    client = signed_in(cast.coordinator)
    page = client.get("/admin/participants/change/?all=").content.decode()
    assert "alfa" in page
    assert "beta" not in page
    assert client.get(f"/admin/participants/change/{foreign.pk}/change/").status_code == 302
    assert client.get(f"{PEOPLE}{other.buyer.pk}/history/").status_code == 302
    assert client.post("/admin/participants/change/add/", {}).status_code == 403


def test_a_members_page_shows_no_history(cast: Cast) -> None:
    assert signed_in(cast.owner).get(f"{PEOPLE}{cast.seller.pk}/history/").status_code in (302, 403)


# Many at once


def act(client: Client, action: str, *participants: Participant, **fields: Any) -> Any:
    chosen = [participant.pk for participant in participants]
    return client.post(PEOPLE, {"action": action, "_selected_action": chosen, **fields}, follow=True)


def test_contracts_of_the_selected_end_at_a_day_to_come(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    day = timezone.localdate() + dt.timedelta(days=10)
    asked = act(client, "end_contracts", cast.seller, cast.buyer)
    assert "First day without it" in asked.content.decode()
    done = act(client, "end_contracts", cast.seller, cast.buyer, apply="1", day=day.isoformat(), reason="Moved")
    assert "2 contracts end" in done.content.decode()
    with scope(cast.cluster.pk):
        rows = Contract.objects.filter(participant=cast.buyer).order_by("valid_from")
        assert list(rows.values_list("scheme", "valid_to")) == [("p2p", day), ("standard", None)]


def test_what_was_settled_stays_settled(cast: Cast) -> None:
    answer = act(
        signed_in(cast.coordinator), "end_contracts", cast.buyer, apply="1", day="2026-06-01", reason="Long ago"
    )
    assert "what has been settled stays" in answer.content.decode()
    with scope(cast.cluster.pk):
        assert Contract.objects.get(participant=cast.buyer).valid_to is None


def test_a_message_goes_to_each_by_itself(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    act(client, "send_message", cast.seller, cast.buyer, apply="1", subject="Works", text="Tomorrow.")
    assert sorted(message.to for message in mail.outbox) == [[cast.colleague.email], [cast.owner.email]]
    assert {message.subject for message in mail.outbox} == {"Works"}


def test_the_selected_are_exported(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    file = act(client, "participants_csv", cast.buyer).content.decode()
    assert "P0002" in file
    assert "P0001" not in file
    assert cast.buyer_point.code in act(client, "points_csv", cast.buyer).content.decode()


def test_who_only_looks_changes_nobody(cast: Cast) -> None:
    reader = make_user("reader@alfa.example.org", with_app=True)
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=reader, role="coordinator", level="read")
    client = signed_in(reader)
    assert client.get(PEOPLE).status_code == 200
    for action in ("end_contracts", "send_message", "participants_csv"):
        act(client, action, cast.buyer, apply="1", day="2099-01-01", reason="x", subject="x", text="x")
    assert mail.outbox == []
    with scope(cast.cluster.pk):
        assert Contract.objects.get(participant=cast.buyer).valid_to is None
    assert client.get(f"{TABLES}participants.csv").status_code == 403
    assert client.post(TABLES, {"table": "participants"}).status_code == 403


# Clusters


def test_a_coordinator_of_two_clusters_switches_and_sees_one(cast: Cast) -> None:
    other = make_cast("beta")
    with scope(other.cluster.pk):
        Membership.objects.create(cluster=other.cluster, user=cast.coordinator, role="coordinator")
    client = signed_in(cast.coordinator)
    page = client.get("/admin/").content.decode()
    assert "Cluster beta" in page
    assert "of beta" not in client.get(PEOPLE).content.decode()
    client.post(reverse("choose_access"), {"access": f"{other.cluster.pk}:coordinator:"})
    page = client.get(PEOPLE).content.decode()
    assert "of beta" in page
    assert "of alfa" not in page


# The desk


def apply(cast: Cast, name: str, status: str) -> None:
    with scope(cast.cluster.pk):
        user = make_user(f"{name.lower()}@{cast.cluster.slug}.example.org")
        Application.objects.create(
            cluster=cast.cluster, user=user, status=status, language="en", created_at=NOON, submitted_at=NOON,
            kind="consumer", name=name, start_day=DAY,
        )  # fmt: skip


def test_who_waits_for_the_coordinator_stands_first(cast: Cast) -> None:
    apply(make_cast("beta"), "Foreigner", "submitted")
    for name, status in (("Newcomer", "submitted"), ("Answering", "questions"), ("Confirmed", "confirmed")):
        apply(cast, name, status)
    with scope(cast.cluster.pk):
        Complaint.objects.create(
            cluster=cast.cluster, participant=cast.buyer, user=cast.colleague, subject="Too dear", text="x",
            language="en", made_at=NOON, due_on=DAY,
        )  # fmt: skip
    page = signed_in(cast.coordinator).get("/admin/").content.decode()
    desk = page[page.index("Wait for you") : page.index("desk-title")]
    assert "2 applications wait for you" in desk
    assert "Newcomer" in desk
    assert "Confirmed" in desk
    assert "Complaints without an answer" in desk
    assert "1 late" in desk
    assert "Answering" not in desk
    assert "Foreigner" not in page


def test_the_desk_costs_the_same_with_more_applications(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    apply(cast, "First", "submitted")
    client.get("/admin/")
    few = queries(client, "/admin/")
    for number in range(5):
        apply(cast, f"Next{number}", "submitted")
    assert queries(client, "/admin/") <= few


def test_the_latest_changes_are_the_clusters_own(cast: Cast) -> None:
    make_cast("beta")
    page = signed_in(cast.coordinator).get("/admin/").content.decode()
    assert "Latest changes" in page
    assert "beta" not in page
