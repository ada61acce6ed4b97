"""The contract on a member's and a distributor's page."""

import datetime as dt
import re
from types import SimpleNamespace

import pytest
from django.test import Client

from cluster_platform import agreement_views
from contracts.models import Agreement, AgreementSignature, Contract
from contracts.services import agreements
from contracts.services.agreements import Actor, Evidence, offer_agreement
from participants.access import Access
from participants.models import Membership, User
from participants.tenancy.scope import scope
from tests.cast import PASSWORD, Cast, make_cast, make_dso_user, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 22, 12, 4, tzinfo=dt.UTC)
DECEMBER = dt.date(2026, 12, 1)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement_views, "timezone", SimpleNamespace(now=lambda: NOW))


@pytest.fixture
def cast() -> Cast:
    cast = make_cast("alfa")
    with scope(cast.cluster.pk):
        offer_agreement(cast.cluster, cast.seller, DECEMBER, cast.coordinator, NOW, "en")
    return cast


def countersign(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = Agreement.objects.get(number=1)
        actor = Actor(cast.coordinator, Access(cast.cluster.pk, "coordinator"))
        how = Evidence(agreement.documents.get().pdf_sha256, "I accept.", None, [])
        agreements.sign(agreement, actor, "coordinator", NOW, how)


def digest_on(page: str) -> str:
    return re.search(r'name="digest" value="(\w+)"', page)[1]


def state(cast: Cast, now: dt.datetime = NOW) -> str:
    with scope(cast.cluster.pk):
        return agreements.standing_of(Agreement.objects.get(number=1), now).state.value


def test_a_member_reads_downloads_and_signs(cast: Cast) -> None:
    client = Client(headers={"Accept-Language": "en"})
    client.post("/accounts/login/", {"login": cast.owner.email, "password": PASSWORD})
    assert "Your contract waits for your signature" in text_of(client.get("/"))
    page = client.get("/contract/")
    text = text_of(page)
    assert "Read it and sign" in text
    assert "590000000000000013, tariff group G11, generation 10 kW" in text
    pdf = client.get("/contract/1.pdf")
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    done = client.post("/contract/1/sign/", {"digest": digest_on(page.content.decode()), "agreed": "yes"}, follow=True)
    assert "You have signed; the coordinator signs next" in text_of(done)
    assert "password" in text_of(done)
    with scope(cast.cluster.pk):
        signature = AgreementSignature.objects.get()
        assert (signature.user, signature.ip, signature.at) == (cast.owner, "127.0.0.1", NOW)
        assert signature.authentication[0]["method"] == "password"
        assert signature.declaration == "I have read agreement No. 1 and accept it."
    assert "Your contract waits" not in text_of(client.get("/"))
    countersign(cast)
    assert "Signed by both, in force from 1 December 2026" in text_of(client.get("/contract/"))
    assert 'href="/contract/1/signatures.pdf"' in client.get("/contract/").content.decode()
    with_signatures = client.get("/contract/1/signatures.pdf")
    assert (with_signatures["Content-Type"], with_signatures.content[:5]) == ("application/pdf", b"%PDF-")
    assert client.get("/contract/1.pdf").content == pdf.content


def test_in_polish_too(cast: Cast) -> None:
    text = text_of(signed_in(cast.owner, "pl").get("/contract/"))
    assert "Przeczytaj i podpisz" in text
    assert "Umowa nr 1" in text


def test_nothing_is_signed_without_the_tick_or_with_another_digest(cast: Cast) -> None:
    client = signed_in(cast.owner)
    digest = digest_on(client.get("/contract/").content.decode())
    unticked = client.post("/contract/1/sign/", {"digest": digest}, follow=True)
    assert "nothing was done" in text_of(unticked)
    other = client.post("/contract/1/sign/", {"digest": digest[::-1], "agreed": "yes"}, follow=True)
    assert "This is not the document that was offered" in text_of(other)
    assert client.post("/contract/1/anything/", {"agreed": "yes"}).status_code == 404
    assert client.get("/contract/1/sign/").status_code == 405
    assert state(cast) == "offered"


def test_a_member_declines(cast: Cast) -> None:
    signed_in(cast.owner).post("/contract/1/decline/", {"agreed": "yes"})
    assert state(cast) == "withdrawn"


def test_a_member_revokes_or_gives_notice(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(cast.owner)
    countersign(cast)
    digest = digest_on(client.get("/contract/").content.decode())
    client.post("/contract/1/sign/", {"digest": digest, "agreed": "yes"})
    assert "Until it is in force you may revoke" in text_of(client.get("/contract/"))
    refused = client.post("/contract/1/notice/", {"agreed": "yes"}, follow=True)
    assert "you can revoke it without notice" in text_of(refused)
    later = dt.datetime(2026, 12, 5, 12, tzinfo=dt.UTC)
    monkeypatch.setattr(agreement_views, "timezone", SimpleNamespace(now=lambda: later))
    assert "Given today, 4 January 2027 is the last day" in text_of(client.get("/contract/"))
    done = client.post("/contract/1/notice/", {"agreed": "yes"}, follow=True)
    assert "Runs until 4 January 2027, the last day" in text_of(done)
    assert state(cast, later) == "terminated"


def test_after_a_suspension_it_says_from_when_it_holds_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(cast.owner)
    countersign(cast)
    digest = digest_on(client.get("/contract/").content.decode())
    client.post("/contract/1/sign/", {"digest": digest, "agreed": "yes"})
    december = dt.datetime(2026, 12, 5, 12, tzinfo=dt.UTC)
    monkeypatch.setattr(agreement_views, "timezone", SimpleNamespace(now=lambda: december))
    assert "Suspended" not in text_of(client.get("/contract/"))
    with scope(cast.cluster.pk):
        agreement, actor = Agreement.objects.get(), Actor(cast.coordinator, Access(cast.cluster.pk, "coordinator"))
        agreements.suspend(agreement, actor, december, dt.date(2026, 12, 7))
        agreements.resume(agreement, actor, december, dt.date(2026, 12, 12))
    assert "Suspended before, in force again from 12 December 2026." in text_of(client.get("/contract/"))
    desk = text_of(signed_in(cast.coordinator).get(f"/admin/contracts/agreement/{agreement.pk}/change/"))
    assert "Suspended before, in force again from 12 December 2026." in desk


def others(cast: Cast) -> list[User]:
    theirs = make_cast("beta", "Other Distribution")
    return [cast.colleague, theirs.owner, theirs.coordinator, cast.coordinator, make_user("nobody@example.org")]


def test_nobody_else_reads_or_signs_it(cast: Cast) -> None:
    dso = make_dso_user(cast.cluster.dso)
    operator = make_user("operator@example.org", is_staff=True, is_superuser=True)
    digest = digest_on(signed_in(cast.owner).get("/contract/").content.decode())
    for user in [*others(cast), dso, operator]:
        client = signed_in(user)
        for response in (
            client.get("/contract/1/"),
            client.get("/contract/1.pdf"),
            *(client.post(f"/contract/1/{act}/", {"digest": digest, "agreed": "yes"}) for act in ("sign", "decline")),
        ):
            assert response.status_code in (403, 404), (user, response.status_code)
    assert Client().get("/contract/").status_code == 302
    assert state(cast) == "offered"


def test_a_delegate_who_only_reads_does_not_sign(cast: Cast) -> None:
    reader, actor = make_user("reader@example.org"), make_user("actor@example.org")
    with scope(cast.cluster.pk):
        for user, level in ((reader, "read"), (actor, "act")):
            Membership.objects.create(
                cluster=cast.cluster, user=user, role="member", participant=cast.seller, level=level
            )
    client = signed_in(reader)
    page = client.get("/contract/")
    assert "Sign the agreement" not in text_of(page)
    digest = digest_on(signed_in(actor).get("/contract/").content.decode())
    assert client.post("/contract/1/sign/", {"digest": digest, "agreed": "yes"}).status_code == 403
    assert state(cast) == "offered"
    signed_in(actor).post("/contract/1/sign/", {"digest": digest, "agreed": "yes"})
    assert state(cast) == "accepted"


def test_a_draft_is_not_shown(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        office = Actor(cast.coordinator, Access(cast.cluster.pk, "coordinator"))
        agreements.prepare(cast.cluster, office, NOW, DECEMBER, participant=cast.buyer)
    client = signed_in(cast.colleague)
    assert "You have traded since 1 January 2026" in text_of(client.get("/contract/"))
    with scope(cast.cluster.pk):
        Contract.objects.all().delete()
    assert "No contract has been offered to you yet" in text_of(client.get("/contract/"))
    assert client.get("/contract/2.pdf").status_code == 404


def test_the_distributor_signs_its_own(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        office = Actor(cast.coordinator, Access(cast.cluster.pk, "coordinator"))
        paper = agreements.prepare(
            cast.cluster, office, NOW, DECEMBER, dso=cast.cluster.dso, dso_settlement="direct", language="en"
        )
        agreements.offer(paper, office, NOW)
    client = signed_in(make_dso_user(cast.cluster.dso))
    page = client.get("/contract/")
    assert "Members' grid fees are settled: directly" in text_of(page)
    digest = digest_on(page.content.decode())
    done = client.post("/contract/2/sign/", {"digest": digest, "agreed": "yes"}, follow=True)
    assert "You have signed" in text_of(done)
