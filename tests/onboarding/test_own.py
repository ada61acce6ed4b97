"""Applicants who were not admitted: all they wrote, to take along and to have removed."""

import csv
import io
import json
import zipfile
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from participants.models import (
    Application,
    ApplicationDocument,
    ApplicationEvent,
    ApplicationPoint,
    Change,
    Membership,
    User,
)
from participants.services.applications import add_document, take_step
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast
from tests.onboarding.scenes import NOW, PDF, PPE, add_rates, applicant, apply, everything, status_of
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
SURE = {"sure": "yes"}


@pytest.fixture
def cast() -> Cast:
    cast = make_cast("alfa")
    add_rates(cast)
    return cast


def with_document(cast: Cast, user: User, until: str) -> Application:
    """An application with a file, an answer and its e-mail address."""
    application = apply(cast, user, "questions")
    with scope(cast.cluster.pk):
        add_document(application.pk, "bill.pdf", PDF, NOW)
        if until == "questions":
            return application
        take_step(cast.cluster, application.pk, "answer", "applicant", user, NOW, "Southern roof")
        if until == "refused":
            take_step(cast.cluster, application.pk, "refuse", "coordinator", cast.coordinator, NOW, "Another grid")
        if until == "withdrawn":
            take_step(cast.cluster, application.pk, "withdraw", "applicant", user, NOW)
        application.refresh_from_db()
    return application


def address(application: Application, page: str) -> str:
    return f"/c/alfa/applications/{application.pk}/{page}"


def left_of(cast: Cast, *words: str) -> list[str]:
    """Where one of the words still stands in the cluster's rows of people."""
    found = []
    with scope(cast.cluster.pk):
        for model in (Application, ApplicationPoint, ApplicationDocument, ApplicationEvent, Change):
            for row in model.objects.values():
                found += [f"{model.__name__}: {word}" for word in words if word in str(row)]
    return found


def test_an_applicant_takes_everything_along(cast: Cast) -> None:
    user = applicant()
    application = with_document(cast, user, "refused")
    response = signed_in(user).get(address(application, "data.zip"))
    assert response["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    (own,) = json.loads(archive.read("application.json"))
    assert (own["name"], own["iban"], own["status"]) == ("Anna Nowa", "PL61999999990000000000000901", "refused")
    assert [row["code"] for row in csv.DictReader(io.StringIO(archive.read("metering_points.csv").decode()))] == [PPE]
    steps = {step["step"]: step["text"] for step in json.loads(archive.read("steps.json"))}
    assert steps["answer"] == "Southern roof"
    assert steps["refuse"] == "Another grid"
    (document,) = [name for name in archive.namelist() if name.startswith("documents/")]
    assert archive.read(document) == PDF
    assert json.loads(archive.read("login.json"))[0]["email"] == user.email
    assert "Cluster alfa" in archive.read("README.txt").decode()


@pytest.mark.parametrize("until", ["questions", "submitted", "refused", "withdrawn"])
def test_an_applicant_has_everything_removed(cast: Cast, until: str, django_capture_on_commit_callbacks: Any) -> None:
    user = applicant()
    application = with_document(cast, user, until)
    client = signed_in(user)
    assert left_of(cast, "Anna Nowa", "Southern roof" if until != "questions" else "Which roof?", PPE)
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        text = text_of(client.post(address(application, "erase/"), SURE, follow=True))
    assert "What you wrote is deleted." in text
    words = ("Anna Nowa", "Southern roof", "Another grid", "Which roof?", PPE, "PL6199", "bill.pdf", "ul. Nowa")
    assert left_of(cast, *words) == []
    with scope(cast.cluster.pk):
        stored = Application.objects.get()
        assert stored.erased_at is not None
        assert stored.status in ("refused", "withdrawn")
        assert not ApplicationDocument.objects.exists()
    # Whoever was waiting for it is told that there is nothing to wait for.
    told = {message.to[0] for message in mail.outbox}
    assert (cast.coordinator.email in told) == (until in ("questions", "submitted"))
    assert client.get(address(application, "")).status_code == 404
    assert f"{application.pk} " not in text_of(signed_in(cast.coordinator).get("/admin/participants/application/"))
    assert "Begin" in text_of(client.get("/c/alfa/apply/"))
    user.refresh_from_db()
    assert user.is_active


def test_a_draft_is_removed_and_nobody_but_the_applicant_hears_of_it(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    user = applicant()
    application = apply(cast, user, "draft")
    with django_capture_on_commit_callbacks(execute=True):
        signed_in(user).post(address(application, "erase/"), SURE)
    assert left_of(cast, "Anna Nowa", PPE) == []
    assert {message.to[0] for message in mail.outbox} == {user.email}


def test_the_account_is_closed_only_if_it_opens_nothing_else(cast: Cast) -> None:
    user = applicant()
    application = apply(cast, user)
    client = signed_in(user)
    assert "Close my account here too." in text_of(client.get(address(application, "")))
    text = text_of(client.post(address(application, "erase/"), {**SURE, "login": "yes"}, follow=True))
    assert "your account is closed" in text
    user.refresh_from_db()
    assert (user.is_active, user.email) == (False, f"erased-{user.pk}@erased.invalid")
    assert client.get("/")["Location"].startswith("/accounts/login/")
    with scope(cast.cluster.pk):
        apply(cast, cast.colleague, code="590000000000009023")
        theirs = Application.objects.get(user=cast.colleague)
    client = signed_in(cast.colleague)
    assert "Close my account" not in text_of(client.get(address(theirs, "")))
    client.post(address(theirs, "erase/"), {**SURE, "login": "yes"})
    cast.colleague.refresh_from_db()
    assert cast.colleague.is_active
    with scope(cast.cluster.pk):
        assert Membership.objects.filter(user=cast.colleague).exists()


def test_nothing_is_removed_without_saying_that_one_is_sure_or_by_others(cast: Cast) -> None:
    user = applicant()
    application = with_document(cast, user, "refused")
    before = everything(cast)
    assert signed_in(user).get(address(application, "erase/")).status_code == 405
    assert "can't be undone" in text_of(signed_in(user).post(address(application, "erase/"), follow=True))
    for other in (cast.owner, cast.coordinator, applicant("other@example.org")):
        assert signed_in(other).post(address(application, "erase/"), SURE).status_code == 404
        assert signed_in(other).get(address(application, "data.zip")).status_code == 404
    assert everything(cast) == before
    assert status_of(cast, application) == "refused"


def test_the_database_keeps_an_open_application_from_being_marked_as_erased(cast: Cast) -> None:
    application = apply(cast, applicant())
    with scope(cast.cluster.pk):
        with pytest.raises(IntegrityError, match="only_what_is_over_is_erased"), transaction.atomic():
            Application.objects.filter(pk=application.pk).update(erased_at=NOW)


def test_a_draft_stands_in_no_history_that_the_coordinator_reads(cast: Cast) -> None:
    user = applicant("secret-drafter@example.org")
    signed_in(user).post("/c/alfa/apply/")
    with scope(cast.cluster.pk):
        application = Application.objects.get()
    client = signed_in(user)
    client.post(address(application, "who/"), {"name": "Nobody Knows", "legal_form": "person", "kind": "consumer"})
    point = {
        "code": PPE, "tariff_group": "G11", "contracted_power_kw": "14", "phases": "3", "yearly_use_kwh": "2400",
        "generation_source": "", "generation_capacity_kw": "0",
    }  # fmt: skip
    client.post(address(application, "points/"), point)
    desk = signed_in(cast.coordinator)

    def shown() -> str:
        return "".join(text_of(desk.get(page)) for page in ("/admin/", "/admin/participants/change/"))

    for words in ("Nobody Knows", "secret-drafter", PPE, "Draft started"):
        assert words not in shown(), words
    with scope(cast.cluster.pk):
        Application.objects.update(
            status="submitted", submitted_at=NOW, street="x", postcode="00-001", city="x", iban="x"
        )
    assert "Nobody Knows" in shown()
    assert PPE in shown()
