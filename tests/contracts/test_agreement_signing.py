"""An agreement is offered, read and signed: from which midnight it holds, and what is kept as evidence."""

import datetime as dt
import hashlib
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied

from contracts.domain.agreement_states import AgreementError
from contracts.models import AgreementDocument, AgreementSignature, Contract
from contracts.services import agreements
from contracts.services.agreements import Actor, Evidence, offer_agreement
from participants.access import Access
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast
from tests.contracts.agreement_scenes import (
    HOW,
    JULY,
    TODAY,
    TOMORROW,
    coordinator,
    evidence,
    member,
    offered,
    rows,
    sign_both,
    state,
)


def test_an_offer_is_a_paper_with_the_rules_in_force(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = offered(cast)
        paper = agreement.documents.get()
    assert state_words(paper.text) == []
    for word in (
        "Household P0002 of ours",
        "590000000000000020",
        "1 lipca 2026",
        "0,02 PLN/kWh",
        "30 dni",
        "NIP 1000158380",
    ):
        assert word in paper.text
    assert bytes(paper.pdf).startswith(b"%PDF-")


def state_words(text: str) -> list[str]:
    return [word for word in ("{", "}") if word in text]


def test_both_sign_and_it_holds_from_the_local_midnight(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        Contract.objects.all().delete()
        agreement = offered(cast)
        assert (state(agreement), rows(cast)) == ("offered", [])
        agreements.sign(agreement, member(cast), "partner", NOON, evidence(agreement))
        assert (state(agreement), rows(cast)) == ("accepted", [])
        agreements.sign(agreement, coordinator(cast), "coordinator", NOON, evidence(agreement))
        assert (state(agreement), rows(cast)) == ("signed", [("p2p", JULY, None)])
        last_second = dt.datetime(2026, 6, 30, 21, 59, 59, tzinfo=dt.UTC)
        assert state(agreement, last_second) == "signed"
        assert state(agreement, last_second + dt.timedelta(seconds=1)) == "in_force"


def test_signed_late_it_holds_from_the_next_midnight_not_from_the_past(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        Contract.objects.all().delete()
        agreement = offered(cast, TODAY)
        almost_midnight = dt.datetime(2026, 6, 11, 21, 59, tzinfo=dt.UTC)
        sign_both(agreement, cast, almost_midnight)
        assert rows(cast) == [("p2p", TOMORROW, None)]


@pytest.mark.parametrize(
    "day", [dt.date(2026, 3, 29), dt.date(2026, 3, 30), dt.date(2026, 10, 25), dt.date(2026, 10, 26)]
)
def test_days_when_the_clocks_change_begin_at_local_midnight(day: dt.date, cast: Cast) -> None:
    before = dt.datetime.combine(day, dt.time(), ZoneInfo("Europe/Warsaw")).astimezone(dt.UTC)
    signing = before - dt.timedelta(days=20)
    with scope(cast.cluster.pk):
        agreement = offer_agreement(cast.cluster, cast.buyer, day, cast.coordinator, signing)
        sign_both(agreement, cast, signing)
        assert state(agreement, before - dt.timedelta(microseconds=1)) == "signed"
        assert state(agreement, before) == "in_force"


def test_evidence_says_who_accepted_what_when_from_where_and_how(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = sign_both(offered(cast), cast)
        mine = agreement.documents.get().signatures.get(side="partner")
        assert (mine.email, mine.at, mine.ip) == (cast.colleague.email, NOON, "192.0.2.7")
        assert mine.pdf_sha256 == hashlib.sha256(agreement.documents.get().pdf).hexdigest()
        assert mine.authentication == [{"method": "password", "at": 1.0}]
        acts = [(event.act, event.user) for event in agreement.events.all()]
    desk = cast.coordinator
    assert acts == [("prepare", desk), ("offer", desk), ("accept", cast.colleague), ("countersign", desk)]


@pytest.mark.parametrize("wrong", ["0" * 64, "", "another"])
def test_a_digest_of_something_else_is_not_signed(wrong: str, cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = offered(cast)
        with pytest.raises(AgreementError):
            agreements.sign(agreement, member(cast), "partner", NOON, Evidence(pdf_sha256=wrong, **HOW))
        assert state(agreement) == "offered"
        assert not AgreementSignature.objects.exists()


def test_a_document_changed_behind_our_back_is_not_signed(cast: Cast) -> None:
    """The owner's role could: the bytes no longer give the digest."""
    with scope(cast.cluster.pk):
        agreement = offered(cast)
        paper = agreement.documents.get()
        changed = AgreementDocument(
            pk=paper.pk, cluster=cast.cluster, agreement=agreement, pdf=b"%PDF-other", pdf_sha256=paper.pdf_sha256
        )
        agreement._prefetched_objects_cache = {"documents": FakeDocuments(changed)}
        with pytest.raises(AgreementError):
            agreements.sign(agreement, member(cast), "partner", NOON, evidence(agreement))


class FakeDocuments:
    def __init__(self, document: AgreementDocument) -> None:
        self.document = document

    def get(self) -> AgreementDocument:
        return self.document


def test_a_signature_is_given_once(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = offered(cast)
        agreements.sign(agreement, member(cast), "partner", NOON, evidence(agreement))
        with pytest.raises(AgreementError):
            agreements.sign(agreement, member(cast), "partner", NOON, evidence(agreement))


def test_others_do_not_sign_for_the_participant_nor_for_the_coordinator(cast: Cast) -> None:
    theirs = make_cast("theirs")
    here = cast.cluster.pk
    others = [
        Actor(cast.owner, Access(here, "member", cast.seller.pk)),
        Actor(cast.colleague, Access(here, "member", cast.buyer.pk, "read")),
        Actor(cast.coordinator, Access(here, "coordinator")),
        Actor(cast.coordinator, Access(here, "operator")),
        Actor(theirs.colleague, Access(theirs.cluster.pk, "member", theirs.buyer.pk)),
        Actor(cast.colleague, Access(here, "applicant")),
        Actor(cast.colleague, Access(here, "dso")),
        Actor(cast.colleague, None),
    ]
    clerks = [
        Actor(cast.coordinator, Access(here, "coordinator", level="accounts")),
        Actor(cast.coordinator, Access(here, "coordinator", level="read")),
        Actor(theirs.coordinator, Access(theirs.cluster.pk, "coordinator")),
        *(actor for actor in others if actor.access is None or actor.access.role != "coordinator"),
        member(cast),
    ]
    with scope(here):
        agreement = offered(cast)
        for side, refused in (("partner", others), ("coordinator", clerks)):
            for actor in refused:
                with pytest.raises(PermissionDenied):
                    agreements.sign(agreement, actor, side, NOON, evidence(agreement))
        assert state(agreement) == "offered"
