"""Who is written to about an application or a complaint, in which language, and what a broken mail server does."""

import datetime as dt
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from metering.models import DsoArea, GridNode
from participants.models import Application, ApplicationPoint, DsoUser, Membership, User
from participants.services.invitations import Invited, send_invitations
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_dso_user, make_user
from tests.onboarding.scenes import NOW, add_rates, applicant, apply, letter_to, status_of
from tests.pages.scenes import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    cast = make_cast("alfa")
    make_cast("beta", dso_name="Another Distribution")
    add_rates(cast)
    return cast


def read_in(user: User, language: str) -> User:
    """The user has opened a page in this language."""
    signed_in(user, language).get("/c/")
    user.refresh_from_db()
    return user


def test_the_coordinator_hears_of_each_step_of_others_in_their_own_language(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    read_in(cast.coordinator, "pl")
    english = read_in(make_user("second@example.org"), "en")
    accountant = make_user("accounts@example.org")
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=english, role="coordinator")
        Membership.objects.create(cluster=cast.cluster, user=accountant, role="coordinator", level="accounts")
    user = applicant()
    application = apply(cast, user, "draft")
    mine, review = (
        f"/c/alfa/applications/{application.pk}/",
        f"/admin/participants/application/{application.pk}/change/",
    )
    member, desk = signed_in(user), signed_in(cast.coordinator, "pl")
    dso = signed_in(make_dso_user(cast.cluster.dso))
    asked = f"/dso/applications/alfa/{application.pk}/"

    def told() -> str:
        to = [address for message in mail.outbox for address in message.to]
        assert accountant.email not in to
        assert "coordinator@beta.example.org" not in to
        letter = letter_to(english.email)
        assert f"http://localhost:8000{review}" in letter.body
        assert letter_to(cast.coordinator.email).subject != letter.subject
        return f"{letter.subject} {letter.body}"

    with django_capture_on_commit_callbacks(execute=True):
        member.post(f"{mine}check/")
    assert "Cluster alfa: New application: Anna Nowa" in told()
    assert "Nowy wniosek: Anna Nowa" in letter_to(cast.coordinator.email).subject
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(review, {"step": "ask", "ask-text": "Which roof?"})
    assert [message.to for message in mail.outbox] == [[user.email]]
    with django_capture_on_commit_callbacks(execute=True):
        member.post(mine, {"text": "The southern one."})
    assert "Your question is answered: Anna Nowa" in told()
    assert "The southern one." in told()
    desk.post(review, {"step": "send"})
    with django_capture_on_commit_callbacks(execute=True):
        dso.post(asked, {"object": "1", "text": "The meter is somewhere else."})
    assert "The distributor objects" in told()
    assert "The meter is somewhere else." in told()
    assert "The meter is somewhere else." not in letter_to(user.email).body
    desk.post(review, {"step": "send"})
    with scope(cast.cluster.pk):
        point = ApplicationPoint.objects.get()
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    with django_capture_on_commit_callbacks(execute=True):
        dso.post(asked, {f"node_{point.pk}": "ST-1", f"group_{point.pk}": "G12", "start_day": f"{day}"})
    assert "The distributor has confirmed" in told()


def test_nobody_hears_of_a_draft(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    user = applicant()
    application = apply(cast, user, "draft")
    with django_capture_on_commit_callbacks(execute=True):
        signed_in(user).post(f"/c/alfa/applications/{application.pk}/withdraw/")
    assert [message.to for message in mail.outbox] == [[user.email]]


def test_the_distributors_people_of_the_cluster_hear_what_waits_for_them(
    cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    whole = read_in(make_dso_user(cast.cluster.dso), "en")
    area, elsewhere = (make_dso_user(cast.cluster.dso, f"{name}@example.org") for name in ("area", "elsewhere"))
    DsoUser.objects.filter(user__in=[area, elsewhere]).update(whole_grid=False)
    with scope(cast.cluster.pk):
        DsoArea.objects.create(cluster=cast.cluster, user=area, grid_node=GridNode.objects.get(code="ST-1"))
    application = apply(cast, applicant())
    with django_capture_on_commit_callbacks(execute=True):
        signed_in(cast.coordinator).post(f"/admin/participants/application/{application.pk}/change/", {"step": "send"})
    told = {message.to[0] for message in mail.outbox} - {"anna@example.org"}
    assert told == {whole.email, area.email}
    letter = letter_to(whole.email)
    assert letter.subject == "Cluster alfa: an applicant's metering points wait for you"
    assert f"http://localhost:8000/dso/applications/alfa/{application.pk}/" in letter.body
    assert "punkty" in letter_to(area.email).subject
    # Whom it is about stands on the page, behind the sign-in.
    assert "Anna" not in letter.subject + letter.body


def test_the_coordinator_hears_of_a_complaint(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    read_in(cast.coordinator, "en")
    with django_capture_on_commit_callbacks(execute=True):
        signed_in(cast.owner).post("/complaints/", {"subject": "June", "text": "Too high."})
    letter = letter_to(cast.coordinator.email)
    assert letter.subject == "Cluster alfa: a member complains"
    assert "Too high." in letter.body
    assert "An answer is due by" in letter.body


def test_the_language_of_the_pages_is_the_language_of_the_letters(cast: Cast) -> None:
    assert read_in(cast.owner, "en").language == "en"
    assert read_in(cast.owner, "pl").language == "pl"


def test_an_invitation_is_in_the_language_that_was_chosen(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    form = {"email": "anna@example.org", "name": "", "kind": "", "legal_form": ""}
    desk = signed_in(cast.coordinator, "pl")
    for language, words in (("en", "invites you to join"), ("pl", "zaprasza")):
        with django_capture_on_commit_callbacks(execute=True):
            desk.post("/admin/participants/invitation/add/", {**form, "language": language})
        assert words in letter_to("anna@example.org").subject


def test_an_address_that_is_refused_holds_up_no_other_and_nothing_is_undone(
    cast: Cast, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = EmailBackend.send_messages

    def refuse(self: EmailBackend, messages: Any) -> int:
        if messages[0].to == ["a@example.org"]:
            raise OSError("no such mailbox")
        return int(send(self, messages))

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    people = [Invited("a@example.org"), Invited("b@example.org")]
    with django_capture_on_commit_callbacks(execute=True), scope(cast.cluster.pk):
        assert len(send_invitations(cast.cluster, people, cast.coordinator, NOW, "en")) == 2
    assert [message.to for message in mail.outbox] == [["b@example.org"]]


def test_a_mail_server_that_is_down_undoes_nothing(
    cast: Cast, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(self: EmailBackend) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "open", down)
    user = applicant()
    application = apply(cast, user, "draft")
    with django_capture_on_commit_callbacks(execute=True):
        response = signed_in(user).post(f"/c/alfa/applications/{application.pk}/check/")
    assert response.status_code == 302
    assert status_of(cast, application) == "submitted"
    with scope(cast.cluster.pk):
        assert Application.objects.get().submitted_at is not None
