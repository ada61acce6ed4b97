"""An applicant fills in the form, sends it in, answers and withdraws."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from participants.models import Application, ApplicationDocument, ApplicationPoint
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast
from tests.onboarding.scenes import (
    ADDRESS,
    PDF,
    POINT,
    PPE,
    WHO,
    add_rates,
    applicant,
    apply,
    everything,
    letter_to,
    status_of,
)
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\0IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\0" * 40 + b"\xff\xd9"


@pytest.fixture
def cast() -> Cast:
    cast = make_cast("alfa")
    add_rates(cast)
    return cast


def begin(client: Client) -> str:
    """Starts a draft; the address of the application."""
    client.post("/c/alfa/apply/")
    return str(client.get("/c/alfa/apply/")["Location"])


def upload(client: Client, mine: str, name: str, content: bytes, kind: str = "application/pdf") -> Any:
    return client.post(f"{mine}documents/", {"file": SimpleUploadedFile(name, content, kind), "add": "1"})


def test_the_whole_form(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    client = signed_in(applicant())
    assert "Join Cluster alfa" in text_of(client.get("/c/alfa/apply/"))
    mine = begin(client)
    assert client.get("/", follow=True).redirect_chain[-1][0] == mine
    assert client.post(f"{mine}who/", WHO)["Location"] == f"{mine}address/"
    assert client.post(f"{mine}address/", ADDRESS)["Location"] == f"{mine}points/"
    assert client.post(f"{mine}points/", {**POINT, "add": "1"})["Location"] == f"{mine}points/"
    assert PPE in text_of(client.get(f"{mine}points/"))
    assert client.post(f"{mine}points/", {"phases": "3"})["Location"] == f"{mine}documents/"
    assert upload(client, mine, "bill.pdf", PDF)["Location"] == f"{mine}documents/"
    assert client.post(f"{mine}documents/", {})["Location"] == f"{mine}check/"
    text = text_of(client.get(f"{mine}check/"))
    assert "Anna Nowa" in text
    assert "PL61999999990000000000000901" in text
    assert "Still missing" not in text
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"{mine}check/")["Location"] == mine
    text = text_of(client.get(mine))
    assert "The coordinator is reading your application" in text
    assert "Sent in" in text
    letter = letter_to("anna@example.org")
    assert letter.subject == "Cluster alfa: The coordinator is reading your application"
    assert f"http://localhost:8000{mine}" in letter.body


def test_a_draft_is_saved_and_says_what_is_missing(cast: Cast) -> None:
    client = signed_in(applicant())
    mine = begin(client)
    assert client.post(f"{mine}who/", {"name": "Anna", "later": "1"})["Location"] == mine
    text = text_of(client.get(mine))
    assert "Your application is a draft" in text
    assert "at least one metering point" in text
    assert "your bank account" in text
    assert 'value="Anna"' in client.get(f"{mine}who/").content.decode()
    before = everything(cast)
    assert client.post(f"{mine}check/")["Location"] == mine
    assert everything(cast) == before


def test_companies_need_a_tax_number_and_producers_a_generator(cast: Cast) -> None:
    client = signed_in(applicant())
    application = apply(cast, applicant(), "draft", legal_form="company", kind="producer")
    with scope(cast.cluster.pk):
        ApplicationPoint.objects.update(generation_source="", generation_capacity_kw=0)
    text = text_of(client.get(f"/c/alfa/applications/{application.pk}/check/"))
    assert "your tax number (NIP)" in text
    assert "the generation of one of your metering points" in text


def test_what_does_not_go_together_is_asked_for(cast: Cast) -> None:
    client = signed_in(applicant())
    application = apply(cast, applicant(), "draft", kind="consumer", vat_payer=True)
    text = text_of(client.get(f"/c/alfa/applications/{application.pk}/check/"))
    assert "that you are a prosumer or producer" in text
    assert "your tax number (NIP)" in text
    before = everything(cast)
    client.post(f"/c/alfa/applications/{application.pk}/check/")
    assert everything(cast) == before


@pytest.mark.parametrize(
    ("page", "changes", "problem"),
    [
        ("who", {"nip": "1000158381"}, "This is no tax number"),
        ("who", {"regon": "123456789"}, "This is no register number"),
        ("who", {"email": "anna"}, "valid email address"),
        ("address", {"iban": "PL62999999990000000000000901"}, "This is no account number"),
        ("address", {"iban": "PL61"}, "This is no account number"),
        ("address", {"postcode": "00001"}, "A postcode looks like this"),
        ("points", {"code": "590000000000009017"}, "last is a check digit"),
        ("points", {"code": "5900000000000090"}, "18 digits"),
        ("points", {"code": ""}, "This field is required"),
        ("points", {"tariff_group": "Z99"}, "Select a valid choice"),
        ("points", {"phases": "2"}, "Select a valid choice"),
        ("points", {"contracted_power_kw": "0"}, "More than 0"),
        ("points", {"generation_source": ""}, "Give both"),
        ("points", {"generation_capacity_kw": "0"}, "Give both"),
        ("points", {"generation_capacity_kw": "-1"}, "Not less than 0"),
        ("points", {"contracted_power_kw": "1,234.5"}, "Enter a number"),
        ("points", {"yearly_use_kwh": "-5"}, "greater than or equal to 0"),
    ],
)
def test_wrong_numbers_are_refused(cast: Cast, page: str, changes: dict[str, str], problem: str) -> None:
    client = signed_in(applicant())
    mine = begin(client)
    before = everything(cast)
    right = {"who": WHO, "address": ADDRESS, "points": POINT}[page]
    response = client.post(f"{mine}{page}/", {**right, **changes})
    assert response.status_code == 200
    assert problem in text_of(response)
    assert everything(cast) == before


def test_numbers_may_be_written_as_people_write_them(cast: Cast) -> None:
    client = signed_in(applicant())
    mine = begin(client)
    client.post(f"{mine}who/", {**WHO, "nip": "PL 100-015-83-80"})
    client.post(f"{mine}address/", {**ADDRESS, "iban": "61 9999 9999 0000 0000 0000 0901"})
    client.post(f"{mine}points/", {**POINT, "code": "590 000 000 000 009 016"})
    with scope(cast.cluster.pk):
        stored = Application.objects.get()
        assert (stored.nip, stored.iban) == ("1000158380", "PL61999999990000000000000901")
        assert stored.points.get().code == PPE


@pytest.mark.parametrize("language", ["pl", "en"])
@pytest.mark.parametrize("written", ["9,5", "9.5", " 9,50"])
def test_kilowatts_have_a_comma_or_a_point_in_every_language(cast: Cast, language: str, written: str) -> None:
    client = signed_in(applicant(), language)
    mine = begin(client)
    client.post(f"{mine}points/", {**POINT, "contracted_power_kw": written, "generation_capacity_kw": written})
    with scope(cast.cluster.pk):
        point = ApplicationPoint.objects.get()
        assert point.contracted_power_kw == point.generation_capacity_kw == Decimal("9.5")
    # A number input would drop the comma before it is sent.
    assert 'type="number" name="contracted_power_kw"' not in client.get(f"{mine}points/").content.decode()


def test_a_metering_point_is_changed_and_removed_but_not_doubled(cast: Cast) -> None:
    client = signed_in(applicant())
    mine = begin(client)
    client.post(f"{mine}points/", POINT)
    assert "in the application already" in text_of(client.post(f"{mine}points/", {**POINT, "add": "1"}))
    with scope(cast.cluster.pk):
        point = ApplicationPoint.objects.get()
    client.post(f"{mine}points/{point.pk}/", {**POINT, "yearly_use_kwh": "3000"})
    with scope(cast.cluster.pk):
        assert ApplicationPoint.objects.get().yearly_use_kwh == 3000
    client.post(f"{mine}points/{point.pk}/remove/")
    with scope(cast.cluster.pk):
        assert not ApplicationPoint.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("a.pdf", PDF, "application/pdf"), ("a.png", PNG, "image/png"), ("a.JPG", JPEG, "image/jpeg")],
)
def test_documents_are_kept_and_given_back_as_they_were(cast: Cast, name: str, content: bytes, kind: str) -> None:
    client = signed_in(applicant())
    mine = begin(client)
    # What the browser says of the type counts for nothing.
    assert upload(client, mine, name, content, "text/html").status_code == 302
    address = re.search(rf'href="({mine}documents/\d+/)"', client.get(f"{mine}documents/").content.decode())
    assert address is not None
    response = client.get(address[1])
    assert b"".join(response.streaming_content) == content
    assert response["Content-Type"] == kind
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    client.post(f"{address[1]}remove/")
    with scope(cast.cluster.pk):
        assert not ApplicationDocument.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("bill.pdf", b"<html><script>alert(1)</script></html>", "This is no PDF, PNG or JPEG"),
        ("bill.pdf", b"MZ\x90\x00" + b"\0" * 100, "This is no PDF, PNG or JPEG"),
        ("bill.pdf", b"%PDF-1.4 cut off", "This is no PDF, PNG or JPEG"),
        ("bill.pdf", PNG, "another type than the file is"),
        ("bill.html", PDF, "another type than the file is"),
        ("bill.png.svg", PNG, "another type than the file is"),
        ("bill.pdf", PDF + b"\0" * (5 * 2**20), "larger than 5 MB"),
        ("bill.pdf", b"", "empty"),
    ],
)
def test_spoofed_and_oversized_files_are_refused(cast: Cast, name: str, content: bytes, problem: str) -> None:
    client = signed_in(applicant())
    mine = begin(client)
    before = everything(cast)
    response = upload(client, mine, name, content)
    assert response.status_code == 200
    assert problem in text_of(response)
    assert everything(cast) == before


def test_ten_documents_are_the_most(cast: Cast) -> None:
    client = signed_in(applicant())
    mine = begin(client)
    for number in range(10):
        upload(client, mine, f"{number}.pdf", PDF)
    assert "Ten files are the most" in text_of(upload(client, mine, "more.pdf", PDF))


def test_all_documents_together_have_their_limit(cast: Cast) -> None:
    client = signed_in(applicant())
    mine = begin(client)
    almost = PDF + b" " * (5 * 2**20 - len(PDF) - 5) + b"%%EOF"
    for number in range(4):
        assert upload(client, mine, f"{number}.pdf", almost).status_code == 302
    assert "All files together may have 20 MB" in text_of(upload(client, mine, "more.pdf", PDF + almost[:20] + PDF))
    with scope(cast.cluster.pk):
        assert ApplicationDocument.objects.count() == 4


@pytest.mark.parametrize("language", ["en", "pl"])
def test_a_request_that_is_too_long_is_refused_with_a_page(cast: Cast, language: str) -> None:
    client = signed_in(applicant(), language)
    mine = begin(client)
    before = everything(cast)
    response = upload(client, mine, "bill.pdf", PDF + b"\0" * (17 * 2**20))
    assert response.status_code == 413
    assert {"en": "At most 16 MB", "pl": "najwyżej 16 MB"}[language] in text_of(response)
    assert mine in response.content.decode()
    assert everything(cast) == before


def test_a_machine_that_sends_too_much_is_told_so_in_its_own_words(cast: Cast, settings: Any) -> None:
    settings.FILES_MAX_MB = 1
    response = Client().post("/api/v1/files", b"x" * (2**21 + 1), content_type="text/csv")
    assert response.status_code == 413
    assert response.json() == {"detail": "The request is longer than 2 MB."}


def test_too_many_parts_of_a_form_are_refused_with_a_page(cast: Cast) -> None:
    client = signed_in(applicant())
    mine = begin(client)
    response = client.post(f"{mine}who/", {f"x{number}": "x" for number in range(1001)})
    assert response.status_code == 400
    assert "That could not be read" in text_of(response)


def test_the_files_of_a_draft_that_is_withdrawn_are_gone(cast: Cast) -> None:
    client = signed_in(applicant())
    mine = begin(client)
    upload(client, mine, "bill.pdf", PDF)
    client.post(f"{mine}withdraw/")
    with scope(cast.cluster.pk):
        assert not ApplicationDocument.objects.exists()


def test_a_question_is_answered_with_corrected_data(cast: Cast) -> None:
    user = applicant()
    application = apply(cast, user, "questions")
    client = signed_in(user)
    mine = f"/c/alfa/applications/{application.pk}/"
    assert "Which roof?" in text_of(client.get(mine))
    client.post(f"{mine}who/", {**WHO, "name": "Anna Nowak"})
    assert client.post(mine, {"text": " "}).status_code == 200
    assert status_of(cast, application) == "questions"
    client.post(mine, {"text": "The southern one."})
    text = text_of(client.get(mine))
    assert "The coordinator is reading your application" in text
    assert "The southern one." in text
    assert "Anna Nowak" in text


def test_what_was_sent_in_is_not_changed_any_more(cast: Cast) -> None:
    user = applicant()
    application = apply(cast, user)
    with scope(cast.cluster.pk):
        point = ApplicationPoint.objects.get()
    client = signed_in(user)
    mine = f"/c/alfa/applications/{application.pk}/"
    before = everything(cast)
    assert client.get(f"{mine}who/")["Location"] == mine
    client.post(f"{mine}who/", {**WHO, "name": "Somebody Else"})
    client.post(f"{mine}address/", {**ADDRESS, "city": "Elsewhere"})
    client.post(f"{mine}points/", {**POINT, "code": "590000000000009023"})
    client.post(f"{mine}points/{point.pk}/remove/")
    upload(client, mine, "bill.pdf", PDF)
    client.post(mine, {"text": "Nobody asked"})
    client.post(f"{mine}check/")
    assert everything(cast) == before


@pytest.mark.parametrize("until", ["draft", "submitted", "questions", "at_dso", "confirmed"])
def test_an_application_can_be_withdrawn_until_admission(cast: Cast, until: str) -> None:
    user = applicant()
    application = apply(cast, user, until)
    client = signed_in(user)
    client.post(f"/c/alfa/applications/{application.pk}/withdraw/")
    assert "You have withdrawn your application" in text_of(client.get(f"/c/alfa/applications/{application.pk}/"))
    assert "Apply again" in text_of(client.get("/c/alfa/apply/"))


def test_beginning_twice_makes_one_draft(cast: Cast) -> None:
    client = signed_in(applicant())
    assert begin(client) == begin(client)
    with scope(cast.cluster.pk):
        assert Application.objects.count() == 1
