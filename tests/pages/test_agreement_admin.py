"""Agreements in the coordinator's admin."""

import datetime as dt
from types import SimpleNamespace

import pytest
from django.test import Client

from contracts import agreement_admin
from contracts.models import Agreement, AgreementSignature, AgreementTemplate, Contract, ExternalPartner
from contracts.services import agreements
from contracts.services.agreements import Actor, Evidence, offer_agreement
from participants.access import Access
from participants.models import Membership
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_dso_user, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 22, 12, 4, tzinfo=dt.UTC)
LIST = "/admin/contracts/agreement/"


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, NOW)


def at(monkeypatch: pytest.MonkeyPatch, now: dt.datetime) -> None:
    monkeypatch.setattr(agreement_admin, "timezone", SimpleNamespace(now=lambda: now))


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


@pytest.fixture
def desk(cast: Cast) -> Client:
    return signed_in(cast.coordinator)


def only(cast: Cast) -> Agreement:
    with scope(cast.cluster.pk):
        return Agreement.objects.get()


def state(cast: Cast, now: dt.datetime = NOW) -> str:
    with scope(cast.cluster.pk):
        return agreements.standing_of(Agreement.objects.get(), now).state.value


def digest(cast: Cast) -> str:
    with scope(cast.cluster.pk):
        return Agreement.objects.get().documents.get().pdf_sha256


def do(desk: Client, cast: Cast, act: str, **values: str) -> str:
    return text_of(desk.post(f"{LIST}{only(cast).pk}/act/{act}/", values, follow=True))


def test_the_coordinator_prepares_offers_and_withdraws(cast: Cast, desk: Client) -> None:
    fields = {"participant": cast.buyer.pk, "language": "en", "start_day": "2026-12-01"}
    page = text_of(desk.post(f"{LIST}add/", fields, follow=True))
    assert "P0002 Household P0002 of alfa: draft" in page
    assert "To be in force from 1 December 2026." in page
    assert "Done: Offer it" in do(desk, cast, "offer")
    assert "offered" in text_of(desk.get(f"{LIST}?state=offered"))
    assert "0 agreements" in text_of(desk.get(f"{LIST}?state=ended"))
    assert "Done: Withdraw the offer" in do(desk, cast, "withdraw", reason="a wrong day")
    assert "a wrong day" in text_of(desk.get(f"{LIST}{only(cast).pk}/change/"))
    assert state(cast) == "withdrawn"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"start_day": "2026-11-22"}, "The first day can be tomorrow"),
        ({"participant": ""}, "Choose one"),
        ({"dso_settlement": "direct"}, "Choose one"),
    ],
)
def test_a_wrong_form_says_what_is_wrong(change: dict[str, str], complaint: str, cast: Cast, desk: Client) -> None:
    fields = {"participant": cast.buyer.pk, "language": "en", "start_day": "2026-12-01"}
    assert complaint in text_of(desk.post(f"{LIST}add/", fields | change))
    with scope(cast.cluster.pk):
        assert not Agreement.objects.exists()


def test_the_tax_number_of_a_partner_is_checked(cast: Cast, desk: Client) -> None:
    values = {"kind": "buyer", "name": "Trader", "street": "S", "postcode": "00-001", "city": "C"}
    wrong = desk.post("/admin/contracts/externalpartner/add/", {**values, "nip": "1000237577"})
    assert "its check digit is wrong" in text_of(wrong)
    desk.post("/admin/contracts/externalpartner/add/", {**values, "nip": "1000237576"})
    with scope(cast.cluster.pk):
        assert [partner.nip for partner in ExternalPartner.objects.all()] == ["1000237576"]


def test_a_paper_from_outside_is_signed_suspended_and_ended(
    cast: Cast, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scope(cast.cluster.pk):
        partner = ExternalPartner.objects.create(
            cluster=cast.cluster, kind="seller", name="Trader", nip="1000237576", street="S", postcode="1", city="C"
        )
    desk.post(f"{LIST}add/", {"partner": partner.pk, "language": "pl", "start_day": "2026-12-01"})
    do(desk, cast, "offer")
    assert "nothing was done" in do(desk, cast, "countersign", digest=digest(cast))
    assert "not the document" in do(desk, cast, "countersign", digest="0" * 64, agreed="on")
    do(desk, cast, "countersign", digest=digest(cast), agreed="on")
    do(desk, cast, "record_acceptance", digest=digest(cast), agreed="on")
    assert state(cast) == "signed"
    december = dt.datetime(2026, 12, 2, 12, tzinfo=dt.UTC)
    at(monkeypatch, december)
    assert "The first day can be tomorrow" in do(desk, cast, "suspend", day="2026-12-02")
    assert "That is not a day" in do(desk, cast, "suspend", day="tomorrow")
    do(desk, cast, "suspend", day="2026-12-10", reason="no deliveries")
    assert state(cast, december) == "suspended"
    do(desk, cast, "resume", day="2026-12-12")
    do(desk, cast, "terminate")
    page = text_of(desk.get(f"{LIST}{only(cast).pk}/change/"))
    assert "Trader: terminated, still running With effect from 2 January 2027." in page
    do(desk, cast, "close", day="2026-12-24", reason="closed down")
    assert state(cast, dt.datetime(2026, 12, 23, 23, tzinfo=dt.UTC)) == "ended"


def test_the_distributors_agreement_is_amended(cast: Cast, desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    dso = Actor(make_dso_user(cast.cluster.dso), Access(cast.cluster.pk, "dso"))
    desk.post(f"{LIST}add/", {"dso_settlement": "direct", "language": "en", "start_day": "2026-12-01"})
    do(desk, cast, "offer")
    do(desk, cast, "countersign", digest=digest(cast), agreed="on")
    with scope(cast.cluster.pk):
        first = Agreement.objects.get()
        agreements.sign(first, dso, "partner", NOW, Evidence(first.documents.get().pdf_sha256, "I accept.", None, []))
    at(monkeypatch, dt.datetime(2026, 12, 2, 12, tzinfo=dt.UTC))
    assert "Amend" in text_of(desk.get(f"{LIST}{first.pk}/change/"))
    fields = {"start_day": "2027-01-01", "dso_settlement": "coordinator"}
    page = text_of(desk.post(f"{LIST}{first.pk}/amend/", fields, follow=True))
    assert "It replaces agreement No. 1." in page
    assert "Members' grid fees are settled: through the coordinator." in page
    assert "still open" in text_of(desk.post(f"{LIST}{first.pk}/amend/", fields))


def test_evidence_shows_in_the_admin_and_cannot_be_changed_there(cast: Cast, desk: Client) -> None:
    with scope(cast.cluster.pk):
        offer_agreement(cast.cluster, cast.buyer, dt.date(2026, 12, 1), cast.coordinator, NOW, "en")
    do(desk, cast, "countersign", digest=digest(cast), agreed="on")
    address = f"{LIST}{only(cast).pk}/"
    page = text_of(desk.get(f"{address}change/"))
    assert "coordinator@alfa.example.org" in page and "127.0.0.1" in page
    with scope(cast.cluster.pk):
        before = list(AgreementSignature.objects.values())
    for attempt in ("change/", "delete/"):
        response = desk.post(f"{address}{attempt}", {"number": 99, "post": "yes"})
        assert response.status_code in (200, 403, 404)
    with scope(cast.cluster.pk):
        assert list(AgreementSignature.objects.values()) == before
        assert Agreement.objects.get().number == 1
        assert state(cast) == "countersigned"


def test_texts_are_versions_that_are_added_and_never_changed(cast: Cast, desk: Client) -> None:
    texts = "/admin/contracts/agreementtemplate/"
    fields = {"kind": "participant", "language": "en", "notice_days": 14, "body": "# Agreement {number}"}
    for version in (1, 2):
        desk.post(f"{texts}add/", fields)
        with scope(cast.cluster.pk):
            assert AgreementTemplate.objects.count() == version
            newest = AgreementTemplate.objects.order_by("-version").first()
            assert (newest.version, newest.created_by) == (version, cast.coordinator)
    assert "unknown variables: nonsense" in text_of(desk.post(f"{texts}add/", fields | {"body": "{nonsense}"}))
    assert desk.post(f"{texts}{newest.pk}/change/", fields | {"body": "other"}).status_code == 403
    with scope(cast.cluster.pk):
        assert AgreementTemplate.objects.filter(body="# Agreement {number}").count() == 2
        made = offer_agreement(cast.cluster, cast.buyer, dt.date(2026, 12, 1), cast.coordinator, NOW, "en")
        assert (made.notice_days, made.documents.get().text) == (14, "# Agreement 1\n")


def test_who_may_do_what_here(cast: Cast, desk: Client) -> None:
    with scope(cast.cluster.pk):
        offer_agreement(cast.cluster, cast.buyer, dt.date(2026, 12, 1), cast.coordinator, NOW, "en")
        accountant = make_user("accounts@example.org", with_app=True)
        reader = make_user("reader@example.org", with_app=True)
        for user, level in ((accountant, "accounts"), (reader, "read")):
            Membership.objects.create(cluster=cast.cluster, user=user, role="coordinator", level=level)
    operator = make_user("operator@example.org", is_staff=True, is_superuser=True)
    theirs = make_cast("beta", "Other Distribution")
    address = f"{LIST}{only(cast).pk}/"
    signature = {"digest": digest(cast), "agreed": "on"}
    for user, sees in (
        (accountant, True), (reader, True), (operator, True), (cast.colleague, False), (theirs.coordinator, False),
        (make_dso_user(cast.cluster.dso), False),
    ):  # fmt: skip
        client = signed_in(user)
        assert (client.get(f"{address}change/").status_code == 200) == sees, user
        assert (client.get(f"{address}pdf/").status_code == 200) == sees, user
        for act in ("countersign", "record_acceptance"):
            client.post(f"{address}act/{act}/", signature)
        if user != operator:
            assert client.post(f"{address}act/withdraw/").status_code in (302, 403, 404)
        assert state(cast) == "offered", user
    assert Client().get(LIST).status_code == 302


def test_whoever_has_an_agreement_is_not_settled_by_hand(cast: Cast, desk: Client) -> None:
    with scope(cast.cluster.pk):
        offer_agreement(cast.cluster, cast.buyer, dt.date(2026, 12, 1), cast.coordinator, NOW, "en")
        rows = {row.participant_id: row.pk for row in Contract.objects.all()}
    for participant, status in ((cast.buyer, 403), (cast.seller, 302)):
        fields = {"participant": participant.pk, "scheme": "standard", "valid_from": "2026-01-01"}
        response = desk.post(f"/admin/contracts/contract/{rows[participant.pk]}/change/", fields)
        assert response.status_code == status
    with scope(cast.cluster.pk):
        assert Contract.objects.get(participant=cast.buyer).scheme == "p2p"
