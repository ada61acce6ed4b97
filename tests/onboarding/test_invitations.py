"""Invitations by link and by list; complaints; a cluster's public page."""

import datetime as dt
import re
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.translation import override

from participants.application_words import STATUS
from participants.models import Application, ClusterPage, Complaint, Invitation
from participants.services.invitations import Invited, send_invitations
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast, make_user
from tests.onboarding.scenes import applicant, everything, letter_to
from tests.pages.scenes import add_members, bill, settle, signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def link_in(message: Any) -> str:
    found = re.search(r"http://localhost:8000(/c/\S+)", message.body)
    assert found is not None
    return found[1]


@pytest.fixture
def link(cast: Cast, django_capture_on_commit_callbacks: Any) -> str:
    with django_capture_on_commit_callbacks(execute=True):
        form = {
            "email": "Anna@Example.org",
            "name": "Anna Nowa",
            "kind": "prosumer",
            "legal_form": "person",
            "language": "pl",
        }
        signed_in(cast.coordinator).post("/admin/participants/invitation/add/", form)
    assert mail.outbox[-1].to == ["anna@example.org"]
    return link_in(mail.outbox[-1])


def test_an_invited_person_begins_with_what_is_known(cast: Cast, link: str) -> None:
    client = signed_in(applicant())
    assert "Cluster alfa invites you" in text_of(client.get(link))
    page = client.post(link, follow=True)
    assert 'value="Anna Nowa"' in page.content.decode()
    with scope(cast.cluster.pk):
        assert Application.objects.get().invitation == Invitation.objects.get()
    assert "used already" in text_of(client.get(link))
    assert "To your application" in text_of(client.get(link))
    assert client.post(link).status_code == 410


def test_the_token_itself_is_not_stored(cast: Cast, link: str) -> None:
    token = link.rstrip("/").rsplit("/", 1)[1]
    with scope(cast.cluster.pk):
        stored = Invitation.objects.get()
        assert token not in str(Invitation.objects.values().get())
    assert len(token) >= 40
    assert stored.email == "anna@example.org"


def test_an_invitation_is_for_its_address_only(cast: Cast, link: str) -> None:
    unverified = make_user("someone@example.org")
    unverified.emailaddress_set.create(email="anna@example.org", verified=False)
    for user in (make_user("other@example.org"), cast.owner, cast.coordinator, unverified):
        before = everything(cast)
        client = signed_in(user)
        assert "another e-mail address" in text_of(client.get(link))
        assert client.post(link).status_code == 403
        assert everything(cast) == before


def test_wrong_old_and_replaced_links_do_not_work(
    cast: Cast, link: str, django_capture_on_commit_callbacks: Any
) -> None:
    client = signed_in(applicant())
    other = make_cast("beta")
    assert client.post(link.replace("/alfa/", "/beta/")).status_code == 410
    assert client.post(f"{link[:-5]}xxxx/").status_code == 410
    with django_capture_on_commit_callbacks(execute=True), scope(cast.cluster.pk):
        send_invitations(cast.cluster, [Invited("anna@example.org")], cast.coordinator, dt.datetime.now(dt.UTC), "pl")
    assert "replaced by a newer one" in text_of(client.get(link))
    newer = link_in(mail.outbox[-1])
    with scope(cast.cluster.pk):
        Invitation.objects.update(expires_at=dt.datetime.now(dt.UTC))
    assert client.post(newer).status_code == 410
    with scope(cast.cluster.pk, other.cluster.pk):
        assert not Application.objects.exists()


def upload(client: Client, text: str) -> Any:
    file = SimpleUploadedFile("people.csv", text.encode(), "text/csv")
    return client.post("/admin/participants/invitation/import/", {"file": file, "language": "pl"})


def test_a_list_is_shown_first_and_then_sent(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    client = signed_in(cast.coordinator)
    text = (
        "email,name,kind,legal_form,language\n"
        "a@example.org,Anna,prosumer,person,en\n"
        "nobody,Bad,consumer,person,\n"
        "b@example.org,Bob,king,person,\n"
        "a@example.org,Again,,,\n"
        "c@example.org,,,,\n"
        "d@example.org,,,,de\n"
    )
    page = text_of(upload(client, text))
    assert "2 of 6 lines can be sent" in page
    assert "3 nobody This is no e-mail address. Bad consumer person pl" in page
    assert "kind is one of" in page
    assert "stands in the file twice" in page
    assert "language is one of: pl, en." in page
    with scope(cast.cluster.pk):
        assert not Invitation.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        done = client.post(
            "/admin/participants/invitation/import/", {"list": text, "send": "1", "language": "pl"}, follow=True
        )
    assert "2 invitations are sent." in text_of(done)
    assert sorted(message.to[0] for message in mail.outbox) == ["a@example.org", "c@example.org"]
    assert "invites you" in letter_to("a@example.org").subject
    assert "zaprasza" in letter_to("c@example.org").subject


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name\nAnna\n", "must name the columns"),
        ("email,iban\na@example.org,x\n", "must name the columns"),
        ("email\n", "has no lines"),
        ("email,name\na@example.org,x\0y\n", "no text in UTF-8"),
        ('email,name\na@example.org,"never closed\nb@example.org,x\n', "is a quotation mark missing?"),
        ("email,name\na@example.org," + "x" * 140_000, "can't be read to its end"),
        ("email\n" + "".join(f"{n}@example.org\n" for n in range(501)), "At most 500 lines"),
    ],
)
def test_a_list_of_another_shape_is_refused(cast: Cast, text: str, problem: str) -> None:
    assert problem in text_of(upload(signed_in(cast.coordinator), text))


def test_a_list_may_be_separated_by_semicolons(cast: Cast) -> None:
    page = text_of(upload(signed_in(cast.coordinator), "email;name\r\na@example.org;Nowa, Anna\r\n"))
    assert "1 of 1 lines can be sent" in page
    assert "Nowa, Anna" in page


def test_a_complaint_has_a_deadline_and_gets_one_answer(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    member = signed_in(cast.owner)
    member.post("/complaints/", {"subject": "June", "text": "The meter was wrong."})
    with scope(cast.cluster.pk):
        complaint = Complaint.objects.get()
    assert (complaint.due_on - complaint.made_at.date()).days in (settings.COMPLAINT_DAYS, settings.COMPLAINT_DAYS + 1)
    assert "An answer is due by" in text_of(member.get("/complaints/"))
    desk = signed_in(cast.coordinator)
    assert "June" in text_of(desk.get("/admin/participants/complaint/"))
    address = f"/admin/participants/complaint/{complaint.pk}/change/"
    assert "This field is required" in text_of(desk.post(address, {"answer": ""}))
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(address, {"answer": "It was replaced.", "subject": "Changed"})
    assert mail.outbox[-1].to == [cast.owner.email]
    assert "It was replaced." in mail.outbox[-1].body
    text = text_of(member.get("/complaints/"))
    assert "It was replaced." in text
    assert "June" in text
    assert desk.post(address, {"answer": "Something else."}).status_code == 403
    with scope(cast.cluster.pk):
        assert Complaint.objects.get().answer == "It was replaced."


def test_a_late_complaint_is_seen_by_the_coordinator(cast: Cast) -> None:
    today = dt.datetime.now(dt.UTC).date()
    with scope(cast.cluster.pk):
        for subject, days in (("Overdue", -2), ("In time", 5)):
            Complaint.objects.create(
                cluster=cast.cluster, participant=cast.seller, user=cast.owner, subject=subject, text="x",
                language="en", made_at=NOON, due_on=today + dt.timedelta(days=days),
            )  # fmt: skip
    desk = signed_in(cast.coordinator)
    assert re.search(r"Complaints without an answer 2 1 late", text_of(desk.get("/admin/")))
    address = "/admin/participants/complaint/"
    everything_open = text_of(desk.get(address))
    assert re.search(r"Overdue.* late .*In time.* waits for your answer", everything_open)
    assert "Overdue" in text_of(desk.get(f"{address}?answer=late"))
    assert "In time" not in text_of(desk.get(f"{address}?answer=late"))
    with scope(cast.cluster.pk):
        overdue = Complaint.objects.get(subject="Overdue")
    desk.post(f"{address}{overdue.pk}/change/", {"answer": "Sorry."}, follow=True)
    assert "Overdue" not in text_of(desk.get(f"{address}?answer=late"))
    assert "Overdue" in text_of(desk.get(f"{address}?answer=done"))


def test_the_coordinator_writes_what_the_public_page_says(cast: Cast) -> None:
    other = make_cast("beta", dso_name="Another Distribution")
    desk = signed_in(cast.coordinator)
    list_page = "/admin/participants/clusterpage/"
    assert desk.get(list_page)["Location"].endswith("/add/")
    text = {"text_pl": "Sąsiedzi <b>z doliny</b>", "text_en": "", "contact": "biuro@example.org"}
    desk.post(f"{list_page}add/", text)
    polish, english = (Client(headers={"Accept-Language": language}) for language in ("pl", "en"))
    page = polish.get("/c/alfa/").content.decode()
    assert '<div class="about" lang="pl"><p>Sąsiedzi &lt;b&gt;z doliny&lt;/b&gt;</p>' in page
    assert 'href="mailto:biuro@example.org"' in page
    # Until there is an English text, the Polish one is better than none, and says what it is.
    assert '<div class="about" lang="pl">' in english.get("/c/alfa/").content.decode()
    with scope(cast.cluster.pk):
        stored = ClusterPage.objects.get()
    address = desk.get(list_page)["Location"]
    assert address.endswith(f"/{stored.pk}/change/")
    desk.post(address, {**text, "text_en": "Neighbours of the valley"})
    assert "Neighbours of the valley" in text_of(english.get("/c/alfa/"))
    assert desk.get(f"{list_page}add/").status_code == 403
    assert "valley" not in text_of(english.get("/c/beta/"))
    outsider = signed_in(other.coordinator)
    assert outsider.post(address, {**text, "text_en": "Taken over"}).status_code == 302
    assert "Taken over" not in text_of(english.get("/c/alfa/"))


def test_anybody_sees_sums_of_a_cluster_but_only_of_five_or_more(cast: Cast) -> None:
    client = Client(headers={"Accept-Language": "en"})
    assert "Cluster alfa" in text_of(client.get("/c/"))
    text = text_of(client.get("/c/alfa/"))
    assert "Too few members trade" in text
    assert "0.400" not in text
    assert "better off" not in text
    points = add_members(cast, 6)
    with scope(cast.cluster.pk):
        settle(cast, NOON, dict.fromkeys(points[:5], 1000), {points[5]: 4000}, revision=2)
        for number, point in enumerate(points):
            bill(cast, point.assignments.get().participant)
            if number == 3:
                assert "better off" not in text_of(client.get("/c/alfa/"))
    text = text_of(client.get("/c/alfa/"))
    assert "All members fed in 20.0 kW" in text, text
    assert "What members drew · 4.000 kWh" in text
    # Six statements, each 3.25 PLN better.
    assert re.search(r"20 PLN.*better off than with the standard tariff: 6 members together in June 2026", text)
    assert "All members fed in" in text_of(client.get("/c/alfa/now/"))
    assert "Household" not in text
    assert client.get("/c/nowhere/").status_code == 404


def test_the_sign_in_page_leads_to_the_clusters() -> None:
    assert 'href="/c/"' in Client().get("/accounts/login/").content.decode()


def test_mail_is_in_the_applicants_language(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    client = signed_in(applicant(), "pl")
    client.post("/c/alfa/apply/")
    with scope(cast.cluster.pk):
        application = Application.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/c/alfa/applications/{application.pk}/withdraw/", headers={"Accept-Language": "en"})
    with override("pl"):
        assert str(STATUS["withdrawn"].headline) in mail.outbox[-1].subject
