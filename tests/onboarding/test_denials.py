"""Nobody reaches or changes an application, a document or a complaint that is not theirs."""

import pytest
from django.test import Client

from participants.models import ApplicationDocument, ApplicationPoint, User
from participants.services.applications import add_document
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_dso_user, make_user
from tests.onboarding.scenes import ADDRESS, NOW, PDF, POINT, START, WHO, add_rates, applicant, apply, everything
from tests.pages.scenes import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    cast = make_cast("alfa")
    add_rates(cast)
    return cast


def strangers(cast: Cast) -> dict[str, User]:
    other = make_cast("beta", dso_name="Another Distribution")
    apply(other, applicant("other@example.org"), "draft")
    return {
        "owner": cast.owner,
        "colleague": cast.colleague,
        "coordinator": cast.coordinator,
        "distributor": make_dso_user(cast.cluster.dso),
        "outsider": make_user("nobody@example.org"),
        "another applicant": applicant("other@example.org"),
        "other cluster's member": other.owner,
        "other cluster's coordinator": other.coordinator,
        "other distributor": make_dso_user(other.cluster.dso, "other-dso@example.org"),
    }


def test_an_application_does_not_exist_for_others(cast: Cast) -> None:
    application = apply(cast, applicant(), "draft")
    with scope(cast.cluster.pk):
        point = ApplicationPoint.objects.get()
        add_document(application.pk, "bill.pdf", PDF, NOW)
        document = ApplicationDocument.objects.get()
    mine = f"/c/alfa/applications/{application.pk}/"
    people = strangers(cast)
    before = everything(cast)
    for who, user in people.items():
        client = signed_in(user)
        for page in ("", "who/", "address/", "points/", "documents/", "check/", f"points/{point.pk}/",
                     f"documents/{document.pk}/"):  # fmt: skip
            assert client.get(mine + page).status_code == 404, (who, page)
        for page, data in (
            ("", {"text": "x"}), ("withdraw/", {}), ("who/", WHO), ("address/", ADDRESS), ("points/", POINT),
            (f"points/{point.pk}/", POINT), (f"points/{point.pk}/remove/", {}), ("check/", {}),
            (f"documents/{document.pk}/remove/", {}),
        ):  # fmt: skip
            assert client.post(mine + page, data).status_code == 404, (who, page)
    assert everything(cast) == before


def test_strangers_are_asked_to_sign_in(cast: Cast) -> None:
    application = apply(cast, applicant())
    before = everything(cast)
    for page in (
        "/c/alfa/apply/", f"/c/alfa/applications/{application.pk}/", f"/c/alfa/applications/{application.pk}/who/",
        "/complaints/", "/dso/applications/", f"/dso/applications/alfa/{application.pk}/", "/c/alfa/invitations/x/",
    ):  # fmt: skip
        for method in (Client().get, Client().post):
            response = method(page)
            assert response.status_code == 405 or response["Location"].startswith("/accounts/login/"), page
    assert everything(cast) == before


def test_ids_of_other_rows_in_a_request_change_nothing(cast: Cast) -> None:
    user = applicant()
    mine = apply(cast, user, "draft")
    theirs = apply(cast, applicant("other@example.org"), "draft", code="590000000000009023")
    other = make_cast("beta")
    foreign = apply(other, user, "draft", code="590000000000009030")
    with scope(cast.cluster.pk, other.cluster.pk):
        their_point = ApplicationPoint.objects.get(application=theirs)
        foreign_point = ApplicationPoint.objects.get(application=foreign)
        add_document(theirs.pk, "bill.pdf", PDF, NOW)
        their_document = ApplicationDocument.objects.get()
    client = signed_in(user)
    before = everything(cast), everything(other)
    base = f"/c/alfa/applications/{mine.pk}/"
    for point in (their_point, foreign_point):
        assert client.get(f"{base}points/{point.pk}/").status_code == 404
        assert client.post(f"{base}points/{point.pk}/", POINT).status_code == 404
        assert client.post(f"{base}points/{point.pk}/remove/").status_code == 404
    assert client.get(f"{base}documents/{their_document.pk}/").status_code == 404
    assert client.post(f"{base}documents/{their_document.pk}/remove/").status_code == 404
    # Another cluster's application under this one's address, and the other way round.
    assert client.get(f"/c/alfa/applications/{foreign.pk}/").status_code == 404
    assert client.post(f"/c/beta/applications/{mine.pk}/withdraw/").status_code == 404
    assert (everything(cast), everything(other)) == before


def test_fields_that_are_not_the_applicants_are_ignored(cast: Cast) -> None:
    user = applicant()
    application = apply(cast, user, "draft")
    client = signed_in(user)
    forged = {
        "status": "confirmed", "participant": cast.seller.pk, "user": cast.owner.pk, "start_day": "2026-01-01",
        "cluster": 999, "invitation": 1,
    }  # fmt: skip
    client.post(f"/c/alfa/applications/{application.pk}/who/", {**WHO, **forged})
    with scope(cast.cluster.pk):
        application.refresh_from_db()
    assert (application.status, application.user, application.start_day) == ("draft", user, None)
    assert application.participant_id is None


def test_only_the_distributor_of_the_cluster_confirms(cast: Cast) -> None:
    application = apply(cast, applicant(), "at_dso")
    with scope(cast.cluster.pk):
        point = ApplicationPoint.objects.get()
    data = {f"node_{point.pk}": "ST-1", f"group_{point.pk}": "G11", "start_day": f"{START}"}
    people = strangers(cast)
    del people["distributor"]
    before = everything(cast)
    for who, user in people.items():
        client = signed_in(user)
        expected = 404 if who == "other distributor" else 403
        address = f"/dso/applications/alfa/{application.pk}/"
        assert client.get(address).status_code == expected, who
        assert client.post(address, data).status_code == expected, who
        assert client.post(address, {"object": "1", "text": "no"}).status_code == expected, who
    assert everything(cast) == before


def test_only_the_coordinator_of_the_cluster_decides(cast: Cast) -> None:
    application = apply(cast, applicant(), "confirmed")
    people = strangers(cast)
    del people["coordinator"]
    people["applicant"] = applicant()
    before = everything(cast)
    for who, user in people.items():
        client = signed_in(user)
        for step in ("admit", "refuse", "ask", "send"):
            response = client.post(
                f"/admin/participants/application/{application.pk}/change/", {"step": step, f"{step}-text": "x"}
            )
            # Another cluster's coordinator is in an admin in which this row does not exist.
            assert response.status_code in (302, 403, 404), who
        assert client.get("/admin/participants/invitation/import/").status_code in (200, 302, 403)
        assert client.post(
            "/admin/participants/invitation/add/", {"email": "x@example.org", "language": "pl"}
        ).status_code in (302, 403)
    assert everything(cast) == before


def test_members_complain_for_themselves_only(cast: Cast) -> None:
    people = strangers(cast)
    before = everything(cast)
    for who in ("coordinator", "distributor", "outsider", "another applicant"):
        client = signed_in(people[who])
        assert client.get("/complaints/").status_code == 403, who
        assert client.post("/complaints/", {"subject": "x", "text": "x"}).status_code == 403, who
    assert everything(cast) == before
    signed_in(cast.owner).post("/complaints/", {"subject": "Too high", "text": "x", "participant": cast.buyer.pk})
    assert "Too high" in signed_in(cast.owner).get("/complaints/").content.decode()
    assert "Too high" not in signed_in(cast.colleague).get("/complaints/").content.decode()
