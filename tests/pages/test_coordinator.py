"""The coordinator's admin as its user sees it: everybody in one view, histories, tables in and out, many at once."""

import datetime as dt
import io
from typing import Any

import openpyxl
import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contracts.models import Contract, TariffRate
from metering.models import IntervalInput, MeteringPoint, PointAssignment
from participants.models import Application, Change, Complaint, Membership, Participant
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, Cast, make_cast, make_user

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/participants/participant/"
TABLES = f"{PEOPLE}tables/"
NEW_PERSON = "P0003,consumer,person,Third House,third@example.org,ul. Nowa 3,00-003,Trzystacje,PL,,,no"


@pytest.fixture
def cast() -> Cast:
    cast = make_cast("alfa")
    TariffRate.objects.create(
        dso=cast.cluster.dso, group="G11", component="network", unit="PLN/kWh", rate_net=1, local_treatment="full",
        valid_from=DAY,
    )  # fmt: skip
    return cast


def signed_in(user: Any) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def people(cast: Cast) -> list[str]:
    with scope(cast.cluster.pk):
        return list(Participant.objects.order_by("code").values_list("code", flat=True))


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


def upload(client: Client, text: str | bytes, table: str = "participants") -> Any:
    data = text.encode() if isinstance(text, str) else text
    return client.post(TABLES, {"table": table, "file": SimpleUploadedFile("members.csv", data)})


def confirm(client: Client, preview: Any) -> Any:
    return client.post(TABLES, preview.context["store"].initial)


def exported(client: Client, table: str = "participants") -> str:
    return str(client.get(f"{TABLES}{table}.csv").content.decode())


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
    page = signed_in(cast.coordinator).get(f"{PEOPLE}{cast.seller.pk}/change/").content.decode()
    for text in ("trades in the cluster", cast.seller_point.code, "ST-1", cast.owner.email, "June 2026", "0.400"):
        assert text in page, text


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


# Tables in and out


def test_what_is_exported_can_be_taken_in_and_changes_nothing(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    for table in ("participants", "metering_points"):
        for kind in ("csv", "xlsx"):
            file = client.get(f"{TABLES}{table}.{kind}")
            preview = upload(client, file.content, table)
            assert preview.context["changes"].rows == (), (table, kind)
            assert preview.context["changes"].unchanged == 2


def test_a_new_and_a_changed_participant_after_a_preview(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    text = exported(client).replace("Household P0002 of alfa", "Renamed") + NEW_PERSON + "\n"
    preview = upload(client, text)
    assert [(row.name, row.kind) for row in preview.context["changes"].rows] == [("P0002", "changed"), ("P0003", "new")]
    assert "Renamed" in preview.content.decode()
    assert people(cast) == ["P0001", "P0002"]
    assert confirm(client, preview).status_code == 302
    assert people(cast) == ["P0001", "P0002", "P0003"]
    with scope(cast.cluster.pk):
        assert Change.objects.latest("pk").user_id == cast.coordinator.pk
        count = Change.objects.count()
    again = upload(client, text)
    assert again.context["changes"].rows == ()
    with scope(cast.cluster.pk):
        assert Change.objects.count() == count


def test_every_mistake_is_told_with_its_line_and_nothing_is_stored(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    bad = "P0004,household,person,Fourth,not an address,,,,POLAND,123,,maybe"
    page = upload(client, exported(client) + NEW_PERSON + "\n" + bad + "\n")
    found = {(fault.line, fault.column) for fault in page.context["faults"]}
    assert found == {(5, "kind"), (5, "email"), (5, "country"), (5, "nip"), (5, "vat_payer")}
    assert "nothing was stored" in page.content.decode()
    assert people(cast) == ["P0001", "P0002"]


def test_mistakes_are_told_in_the_readers_language(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    client.cookies["django_language"] = "pl"
    rows = [f"P000{number},consumer,person,X,,,,,PL,,,no" for number in range(5, 9)]
    rows[0] = rows[0].replace("consumer", "household")
    rows[1] = rows[1].replace("P0006", "P0005")
    rows[2] = rows[2].replace(",X,", ",,")
    rows[3] = rows[3].replace("PL", "POLAND")
    for table, text in (
        ("participants", exported(client) + "\n".join(rows)),
        ("participants", exported(client).replace("iban", "konto") + "a,b\n"),
        ("metering_points", exported(client, "metering_points").replace("P0002", "P9").replace("2026-01-01", "1.1.26")),
    ):
        for fault in upload(client, text, table).context["faults"]:
            assert not any(f" {word} " in f" {fault.text} " for word in ("the", "is", "not", "it")), fault.text


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"PK not a workbook", b"", b"id,name\n"])
def test_what_is_no_table_is_refused(cast: Cast, data: bytes) -> None:
    page = upload(signed_in(cast.coordinator), data)
    assert page.status_code == 200
    assert "store" not in page.context
    assert people(cast) == ["P0001", "P0002"]


def test_a_preview_that_is_out_of_date_is_shown_again(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    preview = upload(client, exported(client).replace("Household P0002 of alfa", "Renamed"))
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.seller.pk).update(city="Elsewhere")
    again = confirm(client, preview)
    assert len(again.context["changes"].rows) == 2
    with scope(cast.cluster.pk):
        assert not Participant.objects.filter(name="Renamed").exists()
    assert confirm(client, again).status_code == 302


def test_moved_points_make_their_quarter_hours_due_again(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    text = exported(client, "metering_points").replace("2026-01-01,", "2026-01-01,2026-06-11")
    assert confirm(client, upload(client, text, "metering_points")).status_code == 302
    with scope(cast.cluster.pk):
        assert set(PointAssignment.objects.values_list("valid_to", flat=True)) == {dt.date(2026, 6, 11)}
        assert IntervalInput.objects.get(interval_start=NOON).changes == 2


def test_points_name_what_exists(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    text = exported(client, "metering_points").replace("P0002,", "P0099,").replace("G11", "G99")
    found = {fault.column for fault in upload(client, text, "metering_points").context["faults"]}
    assert found == {"participant", "tariff_group"}


def test_a_workbook_keeps_codes_and_runs_no_formula(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.buyer.pk).update(name='=HYPERLINK("http://example.org")')
    file = signed_in(cast.coordinator).get(f"{TABLES}participants.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(file.content)).worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}


def test_tables_with_semicolons_as_office_programs_write_them(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    text = "\ufeff" + (exported(client) + NEW_PERSON).replace(",", ";")
    assert [row.name for row in upload(client, text).context["changes"].rows] == ["P0003"]


def test_others_take_nothing_in_and_get_nothing_out(cast: Cast) -> None:
    other = make_cast("beta")
    for user in (cast.owner, make_user("stranger@example.org")):
        client = signed_in(user)
        for address in (TABLES, f"{TABLES}participants.csv", f"{TABLES}metering_points.xlsx"):
            assert client.get(address).status_code in (302, 403)
        assert upload(client, NEW_PERSON).status_code in (302, 403)
    text = exported(signed_in(other.coordinator))
    assert "alfa" not in text
    assert people(cast) == ["P0001", "P0002"]


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
    assert exported(client).count("\n") == 3
    file = act(client, "participants_csv", cast.buyer).content.decode()
    assert "P0002" in file
    assert "P0001" not in file
    assert cast.buyer_point.code in act(client, "points_csv", cast.buyer).content.decode()


def test_who_only_looks_changes_nobody(cast: Cast) -> None:
    reader = make_user("reader@alfa.example.org")
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
    assert upload(client, NEW_PERSON).status_code == 403


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
