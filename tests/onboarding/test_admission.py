"""From the coordinator's review over the distributor's confirmation to membership."""

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.db import connection

from contracts.models import Agreement, Contract
from contracts.selectors.agreements import agreements_on
from contracts.services import admission
from contracts.services.admission import NotAdmissible, admit
from metering.models import GridNode, IntervalInput, MeteringPoint, PointAssignment
from participants.domain.application_steps import StepRefused
from participants.models import Application, ApplicationPoint, Membership, Participant
from participants.services.applications import add_document, confirm_points, take_step
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_dso_user
from tests.onboarding.scenes import (
    ADDRESS,
    NOW,
    PDF,
    POINT,
    PPE,
    START,
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


@pytest.fixture
def cast() -> Cast:
    cast = make_cast("alfa")
    add_rates(cast)
    return cast


def review(application: Application) -> str:
    return f"/admin/participants/application/{application.pk}/change/"


def test_the_way_from_review_to_membership(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    user = applicant()
    application = apply(cast, user)
    coordinator, member = signed_in(cast.coordinator), signed_in(user)
    dso = signed_in(make_dso_user(cast.cluster.dso))
    assert "Anna Nowa" in text_of(coordinator.get("/admin/participants/application/?waits=us"))
    text = text_of(coordinator.get(review(application)))
    assert "In review" in text
    assert "PL61999999990000000000000901" in text
    with django_capture_on_commit_callbacks(execute=True):
        coordinator.post(review(application), {"step": "send"})
    assert "The distributor is checking" in letter_to(user.email).subject
    assert "1 application waits for you" in text_of(dso.get("/dso/applications/"))
    page = dso.get(f"/dso/applications/alfa/{application.pk}/")
    assert PPE in text_of(page)
    assert "PL6199" not in text_of(page)
    with scope(cast.cluster.pk):
        point = ApplicationPoint.objects.get()
    tomorrow = dt.datetime.now(dt.UTC).date() + 2 * dt.timedelta(days=1)
    data = {f"node_{point.pk}": "ST-1", f"group_{point.pk}": "G12", "start_day": f"{tomorrow}"}
    assert dso.post(f"/dso/applications/alfa/{application.pk}/", data).status_code == 302
    assert "Nothing waits for you" in text_of(dso.get("/dso/applications/"))
    assert "The distributor has confirmed" in text_of(member.get(f"/c/alfa/applications/{application.pk}/"))
    with django_capture_on_commit_callbacks(execute=True):
        assert "Admitted as P0003 Anna Nowa" in text_of(
            coordinator.post(review(application), {"step": "admit"}, follow=True)
        )
    assert "You are admitted" in letter_to(user.email).subject
    with scope(cast.cluster.pk):
        participant = Participant.objects.get(code="P0003")
        assert (participant.kind, participant.iban) == ("prosumer", "PL61999999990000000000000901")
        assignment = PointAssignment.objects.get(participant=participant)
        assert (assignment.metering_point.code, assignment.grid_node.code) == (PPE, "ST-1")
        assert (assignment.tariff_group, assignment.valid_from) == ("G12", tomorrow)
        assert Membership.objects.get(user=user).participant == participant
        now = dt.datetime.now(dt.UTC)
        assert agreements_on(cast.cluster, now).get(participant=participant).state == "offered"
        # Nobody trades before the agreement is signed.
        assert not Contract.objects.filter(participant=participant, scheme="p2p").exists()
    assert member.get("/energy/").status_code == 200


@pytest.mark.parametrize("legal_form", ["person", "company", "public"])
@pytest.mark.parametrize("kind", ["consumer", "prosumer", "producer"])
def test_every_kind_is_admitted_as_it_applied(cast: Cast, kind: str, legal_form: str) -> None:
    user = applicant()
    client = signed_in(user)
    client.post("/c/alfa/apply/")
    mine = str(client.get("/c/alfa/apply/")["Location"])
    nip = "" if legal_form == "person" else "1000158380"
    client.post(f"{mine}who/", {**WHO, "kind": kind, "legal_form": legal_form, "nip": nip})
    client.post(f"{mine}address/", ADDRESS)
    nothing = {"generation_source": "", "generation_capacity_kw": "0"} if kind == "consumer" else {}
    client.post(f"{mine}points/", {**POINT, **nothing})
    client.post(f"{mine}check/")
    with scope(cast.cluster.pk):
        application = Application.objects.get(status="submitted")
        take_step(cast.cluster, application.pk, "send", "coordinator", cast.coordinator, NOW)
        points = {point.pk: ("ST-1", "G11") for point in application.points.all()}
        confirm_points(cast.cluster, application.pk, points, START, cast.coordinator, NOW)
    desk = signed_in(cast.coordinator)
    text = text_of(desk.post(review(application), {"step": "admit"}, follow=True))
    assert "Admitted as P0003" in text
    # The new member's own point is no reason to look twice.
    assert "belongs to" not in text
    with scope(cast.cluster.pk):
        participant = Participant.objects.get(code="P0003")
        assert (participant.kind, participant.legal_form, participant.nip) == (kind, legal_form, nip)
        assignment = PointAssignment.objects.get(participant=participant)
        assert assignment.generation_source == "photovoltaics"
        assert assignment.generation_capacity_kw == (0 if kind == "consumer" else Decimal("9.5"))


@pytest.mark.parametrize(("language", "words"), [("pl", "Umowa"), ("en", "Agreement")])
def test_the_agreement_is_in_the_language_that_the_applicant_sent_in(cast: Cast, language: str, words: str) -> None:
    user = applicant()
    application = apply(cast, user, "draft")
    signed_in(user, language).post(f"/c/alfa/applications/{application.pk}/check/")
    with scope(cast.cluster.pk):
        take_step(cast.cluster, application.pk, "send", "coordinator", cast.coordinator, NOW)
        points = {point.pk: ("ST-1", "G11") for point in application.points.all()}
        confirm_points(cast.cluster, application.pk, points, START, cast.coordinator, NOW)
        admit(cast.cluster, application.pk, cast.coordinator, NOW)
        agreement = Agreement.objects.get()
        assert agreement.language == language
        assert words in agreement.documents.get().text


def test_admitting_twice_gives_the_same_participant(cast: Cast) -> None:
    application = apply(cast, applicant(), "confirmed")
    with scope(cast.cluster.pk):
        first = admit(cast.cluster, application.pk, cast.coordinator, NOW)
        assert admit(cast.cluster, application.pk, cast.coordinator, NOW) == first
        assert Participant.objects.filter(name="Anna Nowa").count() == 1
        assert Agreement.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_coordinators_who_admit_at_once_make_one_member() -> None:
    cast = make_cast("alfa")
    add_rates(cast)
    application = apply(cast, applicant(), "confirmed")
    other = apply(cast, applicant("other@example.org"), "confirmed", code="590000000000009023")
    together = threading.Barrier(3)
    found: list[tuple[int, str]] = []

    def run(wanted: Application) -> None:
        try:
            together.wait(timeout=20)
            with scope(cast.cluster.pk):
                found.append((wanted.pk, admit(cast.cluster, wanted.pk, cast.coordinator, NOW).code))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[wanted]) for wanted in (application, application, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == 3
    assert len(set(found)) == 2
    assert {code for _, code in found} == {"P0003", "P0004"}
    with scope(cast.cluster.pk):
        assert Membership.objects.filter(participant__code__in=["P0003", "P0004"]).count() == 2


def test_settled_quarter_hours_from_the_first_day_on_are_looked_at_again(cast: Cast) -> None:
    application = apply(cast, applicant(), "confirmed")
    with scope(cast.cluster.pk):
        Application.objects.update(start_day=dt.date(2026, 6, 11))
        admit(cast.cluster, application.pk, cast.coordinator, NOW)
        assert IntervalInput.objects.get().changes == 2
        # Signing takes time: the agreement begins tomorrow at the earliest.
        assert Agreement.objects.get().start_day == dt.date(2026, 11, 23)


def test_a_metering_point_that_is_somebody_elses_is_not_taken(cast: Cast) -> None:
    application = apply(cast, applicant(), "confirmed", code=cast.seller_point.code)
    client = signed_in(cast.coordinator)
    assert "belongs to P0001" in text_of(client.get(review(application)))
    before = everything(cast)
    text = text_of(client.post(review(application), {"step": "admit"}, follow=True))
    assert "end that assignment first" in text
    assert everything(cast) == before
    with scope(cast.cluster.pk):
        PointAssignment.objects.filter(metering_point=cast.seller_point).update(valid_to=START)
    client.post(review(application), {"step": "admit"})
    assert status_of(cast, application) == "admitted"


def test_nothing_is_left_of_an_admission_that_fails(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    application = apply(cast, applicant(), "confirmed")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(admission, "offer_agreement", fail)
    before = everything(cast)
    with scope(cast.cluster.pk):
        points = MeteringPoint.objects.count()
    with pytest.raises(ZeroDivisionError), scope(cast.cluster.pk):
        admit(cast.cluster, application.pk, cast.coordinator, NOW)
    assert everything(cast) == before
    with scope(cast.cluster.pk):
        assert MeteringPoint.objects.count() == points


def test_a_node_that_is_gone_stops_the_admission(cast: Cast) -> None:
    application = apply(cast, applicant(), "confirmed")
    with scope(cast.cluster.pk):
        GridNode.objects.filter(code="ST-1").update(code="ST-2")
        with pytest.raises(NotAdmissible, match="ST-1"):
            admit(cast.cluster, application.pk, cast.coordinator, NOW)


@pytest.mark.parametrize("until", ["submitted", "questions", "at_dso"])
def test_nobody_is_admitted_before_the_distributor_has_confirmed(cast: Cast, until: str) -> None:
    application = apply(cast, applicant(), until)
    before = everything(cast)
    with scope(cast.cluster.pk), pytest.raises(StepRefused):
        admit(cast.cluster, application.pk, cast.coordinator, NOW)
    text = text_of(signed_in(cast.coordinator).post(review(application), {"step": "admit"}, follow=True))
    assert "the application has moved on" in text
    assert everything(cast) == before


def test_a_question_and_a_refusal_need_their_text(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    user = applicant()
    application = apply(cast, user)
    client = signed_in(cast.coordinator)
    before = everything(cast)
    for step in ("ask", "refuse"):
        assert "This field is required" in text_of(client.post(review(application), {"step": step, f"{step}-text": ""}))
    assert everything(cast) == before
    with django_capture_on_commit_callbacks(execute=True):
        client.post(review(application), {"step": "refuse", "refuse-text": "Outside of our grid."})
    letter = mail.outbox[-1].body
    assert letter.index("The reason is below.") < letter.index("Outside of our grid.")
    text = text_of(signed_in(user).get(f"/c/alfa/applications/{application.pk}/"))
    assert "Your application was refused" in text
    assert "Outside of our grid." in text


def test_the_distributor_objects_and_the_coordinator_reads_why(cast: Cast) -> None:
    user = applicant()
    application = apply(cast, user, "at_dso")
    dso = signed_in(make_dso_user(cast.cluster.dso))
    address = f"/dso/applications/alfa/{application.pk}/"
    assert "This field is required" in text_of(dso.post(address, {"object": "1", "text": ""}))
    dso.post(address, {"object": "1", "text": "The meter is somewhere else."})
    assert "The meter is somewhere else." in text_of(signed_in(cast.coordinator).get(review(application)))
    text = text_of(signed_in(user).get(f"/c/alfa/applications/{application.pk}/"))
    assert "The distributor has objected" in text
    assert "The meter is somewhere else." not in text
    assert dso.get(address).status_code == 404
    signed_in(cast.coordinator).post(review(application), {"step": "send"})
    assert "You objected" in text_of(dso.get(address))
    assert "The meter is somewhere else." in text_of(dso.get(address))


@pytest.mark.parametrize(
    "changes", [{"start_day": "2020-01-01"}, {"node": "NOWHERE"}, {"group": "Z9"}, {"start_day": ""}, {"node": ""}]
)
def test_the_distributor_confirms_only_what_there_is(cast: Cast, changes: dict[str, str]) -> None:
    application = apply(cast, applicant(), "at_dso")
    with scope(cast.cluster.pk):
        point = ApplicationPoint.objects.get()
    values = {"node": "ST-1", "group": "G11", "start_day": "2090-01-01", **changes}
    data = {
        f"node_{point.pk}": values["node"], f"group_{point.pk}": values["group"], "start_day": values["start_day"],
    }  # fmt: skip
    before = everything(cast)
    response = signed_in(make_dso_user(cast.cluster.dso)).post(f"/dso/applications/alfa/{application.pk}/", data)
    assert response.status_code == 200
    assert everything(cast) == before


def test_drafts_are_nobodys_business(cast: Cast) -> None:
    application = apply(cast, applicant(), "draft")
    client = signed_in(cast.coordinator)
    assert "Anna Nowa" not in text_of(client.get("/admin/participants/application/"))
    assert client.get(review(application)).status_code == 302


def test_the_coordinator_opens_the_documents_of_an_application(cast: Cast) -> None:
    application = apply(cast, applicant(), "questions")
    with scope(cast.cluster.pk):
        document = add_document(application.pk, "bill.pdf", PDF, NOW)
    address = f"/admin/participants/application/{application.pk}/documents/{document.pk}/"
    assert b"".join(signed_in(cast.coordinator).get(address).streaming_content) == PDF
    other = make_cast("beta")
    assert signed_in(other.coordinator).get(address).status_code == 404
    assert signed_in(cast.owner).get(address).status_code in (302, 403)


def test_an_admitted_applicant_may_apply_for_another_participant(cast: Cast) -> None:
    user = applicant()
    application = apply(cast, user, "confirmed")
    with scope(cast.cluster.pk):
        admit(cast.cluster, application.pk, cast.coordinator, NOW)
    client = signed_in(user)
    assert client.get("/").status_code == 200
    assert client.post("/c/alfa/apply/").status_code == 302
    assert client.get("/energy/").status_code == 200
