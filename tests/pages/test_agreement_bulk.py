"""Several agreements at once: each is done or refused for itself."""

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client

from contracts import agreement_admin, agreement_bulk
from contracts.models import Agreement, AgreementSignature
from contracts.services import agreements
from contracts.services.agreements import Actor, Evidence, offer_agreement
from participants.access import Access
from participants.models import Membership, Participant, User
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 22, 12, 4, tzinfo=dt.UTC)
DECEMBER = dt.date(2026, 12, 1)
LIST = "/admin/contracts/agreement/"


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (agreement_admin, agreement_bulk):
        monkeypatch.setattr(module, "timezone", SimpleNamespace(now=lambda: NOW))


@pytest.fixture
def cast() -> Cast:
    """Agreement 1 is accepted by the seller, 2 offered to the buyer."""
    cast = make_cast("alfa")
    with scope(cast.cluster.pk):
        first = offer_agreement(cast.cluster, cast.seller, DECEMBER, cast.coordinator, NOW, "en")
        accept(cast, first, cast.owner, cast.seller)
        offer_agreement(cast.cluster, cast.buyer, DECEMBER, cast.coordinator, NOW, "en")
    return cast


def accept(cast: Cast, agreement: Agreement, user: User, participant: Participant) -> None:
    actor = Actor(user, Access(cast.cluster.pk, "member", participant.pk))
    how = Evidence(agreement.documents.get().pdf_sha256, "I accept.", None, [])
    agreements.sign(agreement, actor, "partner", NOW, how)


def states(cast: Cast, now: dt.datetime = NOW) -> dict[int, str]:
    with scope(cast.cluster.pk):
        return {row.number: agreements.standing_of(row, now).state.value for row in Agreement.objects.all()}


def all_of(cast: Cast) -> list[int]:
    with scope(cast.cluster.pk):
        return list(Agreement.objects.values_list("pk", flat=True))


def do(client: Client, cast: Cast, action: str, **values: Any) -> Any:
    data = {"action": action, ACTION_CHECKBOX_NAME: all_of(cast), **values}
    return client.post(LIST, data, follow=True)


def digests(cast: Cast) -> dict[str, str]:
    with scope(cast.cluster.pk):
        return {f"digest-{row.pk}": row.documents.get().pdf_sha256 for row in Agreement.objects.all()}


def test_the_accepted_are_signed_with_the_digests_that_were_shown(cast: Cast) -> None:
    desk = signed_in(cast.coordinator)
    page = do(desk, cast, "sign_selected")
    assert "I have read these agreements and accept them." in text_of(page)
    assert all(f'name="{name}" value="{digest}"' in page.content.decode() for name, digest in digests(cast).items())
    assert "This field is required" in text_of(do(desk, cast, "sign_selected", apply="1", **digests(cast)))
    assert states(cast) == {1: "accepted", 2: "offered"}
    done = do(desk, cast, "sign_selected", apply="1", agreed="on", **digests(cast))
    assert "2 agreements: done." in text_of(done)
    assert states(cast) == {1: "signed", 2: "countersigned"}
    with scope(cast.cluster.pk):
        mine = AgreementSignature.objects.get(side="coordinator", document__agreement__number=1)
        assert (mine.user, mine.declaration) == (cast.coordinator, "I have read agreement No. 1 and accept it.")


def test_nothing_is_signed_without_its_digest(cast: Cast) -> None:
    done = do(signed_in(cast.coordinator), cast, "sign_selected", apply="1", agreed="on")
    assert "This is not the document that was offered" in text_of(done)
    assert states(cast) == {1: "accepted", 2: "offered"}


def test_offers_are_withdrawn_and_what_is_concluded_is_not(cast: Cast) -> None:
    desk = signed_in(cast.coordinator)
    with scope(cast.cluster.pk):
        accept(cast, Agreement.objects.get(number=2), cast.colleague, cast.buyer)
    first = {name: digest for name, digest in digests(cast).items() if name.endswith(f"-{min(all_of(cast))}")}
    do(desk, cast, "sign_selected", apply="1", agreed="on", **first)
    text = text_of(do(desk, cast, "withdraw_selected", apply="1", reason="Other prices"))
    assert "1 agreement: done." in text
    assert "1 Household P0001 of alfa: This is not possible now. The agreement is: signed by both." in text
    assert states(cast) == {1: "signed", 2: "withdrawn"}


def test_what_runs_gets_amendments_and_what_is_signed_notice(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = signed_in(cast.coordinator)
    with scope(cast.cluster.pk):
        accept(cast, Agreement.objects.get(number=2), cast.colleague, cast.buyer)
    do(desk, cast, "sign_selected", apply="1", agreed="on", **digests(cast))
    early = text_of(do(desk, cast, "amend_selected", apply="1", start_day="2027-03-01"))
    assert "Agreement No. 1 is not in force." in early
    assert states(cast) == {1: "signed", 2: "signed"}
    later = dt.datetime(2026, 12, 5, 12, tzinfo=dt.UTC)
    for module in (agreement_admin, agreement_bulk):
        monkeypatch.setattr(module, "timezone", SimpleNamespace(now=lambda: later))
    assert "2 agreements: done." in text_of(do(desk, cast, "amend_selected", apply="1", start_day="2027-03-01"))
    assert states(cast, later) == {1: "in_force", 2: "in_force", 3: "offered", 4: "offered"}
    text = text_of(do(desk, cast, "notice_selected", apply="1", reason="The cluster closes"))
    assert "2 agreements: done." in text
    assert "The agreement is: offered." in text
    assert states(cast, later) == {1: "terminated", 2: "terminated", 3: "offered", 4: "offered"}


def test_notice_before_the_first_day_is_given_to_several(cast: Cast) -> None:
    desk = signed_in(cast.coordinator)
    with scope(cast.cluster.pk):
        accept(cast, Agreement.objects.get(number=2), cast.colleague, cast.buyer)
    do(desk, cast, "sign_selected", apply="1", agreed="on", **digests(cast))
    do(desk, cast, "notice_selected", apply="1", reason="The cluster closes")
    assert states(cast) == {1: "terminated", 2: "terminated"}


@pytest.mark.parametrize("action", ["sign_selected", "withdraw_selected", "amend_selected", "notice_selected"])
def test_clerks_other_clusters_and_members_do_nothing(action: str, cast: Cast) -> None:
    clerk, theirs = make_user("clerk@example.org", with_app=True), make_cast("beta", "Other Distribution")
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=clerk, role="coordinator", level="accounts")
    values = {"apply": "1", "agreed": "on", "reason": "x", "start_day": "2027-03-01", **digests(cast)}
    for user in (clerk, theirs.coordinator, cast.owner):
        do(signed_in(user), cast, action, **values)
        assert states(cast) == {1: "accepted", 2: "offered"}
