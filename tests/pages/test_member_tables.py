"""Members' tables in the coordinator's admin: taken in after a preview, and handed out."""

import csv
import datetime as dt
import io
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from metering.models import IntervalInput, PointAssignment
from participants.models import Change, Participant
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast, make_user
from tests.tariff import publish

pytestmark = pytest.mark.django_db
TABLES = "/admin/participants/participant/tables/"
NEW_PERSON = "P0003,consumer,person,Third House,third@example.org,ul. Nowa 3,00-003,Trzystacje,PL,,,no"


@pytest.fixture
def cast() -> Cast:
    cast = make_cast("alfa")
    publish(cast.cluster.dso, [{"group": "G11", "component": "network", "rate_net": 1}])
    return cast


def signed_in(user: Any) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def people(cast: Cast) -> list[str]:
    with scope(cast.cluster.pk):
        return list(Participant.objects.order_by("code").values_list("code", flat=True))


def upload(client: Client, text: str | bytes, table: str = "participants") -> Any:
    data = text.encode() if isinstance(text, str) else text
    return client.post(TABLES, {"table": table, "file": SimpleUploadedFile("members.csv", data)})


def confirm(client: Client, preview: Any) -> Any:
    return client.post(TABLES, preview.context["store"].initial)


def exported(client: Client, table: str = "participants") -> str:
    return str(client.get(f"{TABLES}{table}.csv").content.decode())


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


FORMULAS = ["=1+1", "+48 600", "-2", "@SUM(A1)", "'=1", "''@x", "O'Brien", "'", "=a,'-b", "'quoted'"]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_name_is_never_a_formula_and_comes_back_as_it_was(name: str, cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    with scope(cast.cluster.pk):
        Participant.objects.filter(code="P0002").update(name=name)
    text = exported(client)
    shown = next(row[3] for row in csv.reader(io.StringIO(text)) if row[0] == "P0002")
    assert shown[0] not in "=+-@\t\r"
    workbook = client.get(f"{TABLES}participants.xlsx").content
    (cell,) = (
        row[3] for row in openpyxl.load_workbook(io.BytesIO(workbook)).active.iter_rows() if row[0].value == "P0002"
    )
    assert (cell.data_type, cell.value, cell.number_format) == ("s", name, "@")
    for again in (text, text.replace("\n", "\r\n"), workbook):
        assert upload(client, again).context["changes"].rows == ()
    with scope(cast.cluster.pk):
        Participant.objects.filter(code="P0002").update(name="Other")
    confirm(client, upload(client, text))
    with scope(cast.cluster.pk):
        assert Participant.objects.get(code="P0002").name == name
