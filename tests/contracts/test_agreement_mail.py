"""Each act is told to whom it concerns, in their language; a concluded agreement comes with its signatures."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core import mail

from contracts.domain.agreement_states import TRANSITIONS, Act, By
from contracts.models import Agreement, ExternalPartner
from contracts.services import agreements
from contracts.services.agreement_confirmation import confirmation_of
from contracts.services.agreement_mail import TO_COORDINATOR, TO_PARTNER
from contracts.services.agreements import Actor
from participants.access import Access
from participants.models import Membership, User
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_dso_user, make_user
from tests.contracts.agreement_scenes import JULY, TOMORROW, coordinator, evidence, member, offered, sign_both

Commit = Callable[..., AbstractContextManager[Any]]
LATER = NOON + dt.timedelta(days=2)


@pytest.fixture
def sent(django_capture_on_commit_callbacks: Commit) -> Callable[[Callable[[], Any]], list[tuple[str, str]]]:
    """What an act sends, as pairs of address and subject."""

    def done(act: Callable[[], Any]) -> list[tuple[str, str]]:
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            act()
        return sorted((letter.to[0], letter.subject) for letter in mail.outbox)

    return done


def in_english(*users: User) -> None:
    User.objects.filter(pk__in=[user.pk for user in users]).update(language="en")


def test_the_way_to_an_agreement_in_force_and_out_of_it(cast: Cast, sent: Any) -> None:
    buyer, desk = cast.colleague.email, cast.coordinator.email
    in_english(cast.coordinator)
    partner = "Household P0002 of ours"
    with scope(cast.cluster.pk):
        agreement = agreements.prepare(cast.cluster, coordinator(cast), NOON, TOMORROW, participant=cast.buyer)
        how = evidence(agreement)
        assert sent(lambda: agreements.offer(agreement, coordinator(cast), NOON)) == [
            (buyer, "Cluster ours: Umowa nr 1 czeka na decyzję")
        ]
        assert "http://localhost:8000/contract/1/" in mail.outbox[0].body
        assert sent(lambda: agreements.sign(agreement, member(cast), "partner", NOON, how)) == [
            (desk, f"Cluster ours: {partner}: agreement No. 1 accepted")
        ]
        assert f"/admin/contracts/agreement/{agreement.pk}/" in mail.outbox[0].body
        assert sent(lambda: agreements.sign(agreement, coordinator(cast), "coordinator", NOON, how)) == [
            (buyer, "Cluster ours: Umowa nr 1 podpisana przez obie strony")
        ]
        assert "Obowiązuje od 12 czerwca 2026." in mail.outbox[0].body
        assert mail.outbox[0].attachments == [
            ("agreement-1-signatures.pdf", confirmation_of(agreement), "application/pdf")
        ]
        assert sent(lambda: agreements.suspend(agreement, coordinator(cast), LATER, JULY, "Brak odczytów")) == [
            (buyer, "Cluster ours: Umowa nr 1 zawieszona")
        ]
        assert "Brak odczytów" in mail.outbox[0].body
        assert "Ze skutkiem od 1 lipca 2026." in mail.outbox[0].body
        assert sent(lambda: agreements.resume(agreement, coordinator(cast), LATER))[0][0] == buyer
        assert sent(lambda: agreements.terminate(agreement, member(cast), LATER)) == [
            (buyer, "Cluster ours: Wypowiedzenie umowy nr 1 dotarło"),
            (desk, f"Cluster ours: {partner}: notice of agreement No. 1"),
        ]
        assert "The last day is 13 July 2026." in next(m.body for m in mail.outbox if m.to == [desk])
        moved = lambda: agreements.end_by_move_or_death(agreement, coordinator(cast), LATER, JULY, "")  # noqa: E731
        assert sent(moved) == [(buyer, "Cluster ours: Umowa nr 1 kończy się")]


def test_an_amendment_is_told_from_the_offer_to_the_signatures(cast: Cast, sent: Any) -> None:
    in_english(cast.colleague)
    with scope(cast.cluster.pk):
        agreement = sign_both(offered(cast, TOMORROW), cast)
        new: list[Agreement] = []
        office = coordinator(cast)
        assert sent(lambda: new.append(agreements.amend(agreement, office, LATER, JULY))) == []
        assert sent(lambda: agreements.offer(new[0], office, LATER)) == [
            (cast.colleague.email, "Cluster ours: Agreement No. 2 is offered to you")
        ]
        assert "It replaces agreement No. 1." in mail.outbox[0].body
        assert sent(lambda: sign_both(new[0], cast, LATER))[0] == (
            cast.colleague.email, "Cluster ours: Agreement No. 2 is signed by both sides",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("act", "who", "told"),
    [("withdraw", "coordinator", {"buyer"}), ("decline", "member", {"desk"})],
)
def test_an_offer_taken_back_or_declined(act: str, who: str, told: set[str], cast: Cast, sent: Any) -> None:
    addresses = {cast.colleague.email: "buyer", cast.coordinator.email: "desk"}
    actor = coordinator(cast) if who == "coordinator" else member(cast)
    with scope(cast.cluster.pk):
        agreement = offered(cast)
        found = sent(lambda: getattr(agreements, act)(agreement, actor, NOON))
    assert {addresses[to] for to, _ in found} == told


def test_a_revocation_is_confirmed_and_a_cancellation_is_told(cast: Cast, sent: Any) -> None:
    september = dt.date(2026, 9, 1)
    with scope(cast.cluster.pk):
        first = sign_both(offered(cast, september), cast)
        assert {to for to, _ in sent(lambda: agreements.revoke(first, member(cast), NOON))} == {
            cast.colleague.email, cast.coordinator.email,
        }  # fmt: skip
        second = sign_both(offered(cast, september), cast)
        assert sent(lambda: agreements.terminate(second, coordinator(cast), NOON)) == [
            (cast.colleague.email, "Cluster ours: Umowa nr 2 odwołana, zanim się zaczęła")
        ]


def test_only_who_may_sign_is_told_and_a_draft_is_nobodys(cast: Cast, sent: Any) -> None:
    acting, reading, clerk = (make_user(f"{who}@example.org") for who in ("acting", "reading", "clerk"))
    with scope(cast.cluster.pk):
        for user, role, level, of in (
            (acting, "member", "act", cast.buyer),
            (reading, "member", "read", cast.buyer),
            (clerk, "coordinator", "accounts", None),
        ):
            Membership.objects.create(cluster=cast.cluster, user=user, role=role, level=level, participant=of)
        draft = agreements.prepare(cast.cluster, coordinator(cast), NOON, JULY, participant=cast.buyer)
        assert sent(lambda: agreements.withdraw(draft, coordinator(cast), NOON)) == []
        agreement = agreements.prepare(cast.cluster, coordinator(cast), NOON, JULY, participant=cast.buyer)
        told = sent(lambda: agreements.offer(agreement, coordinator(cast), NOON))
        assert [to for to, _ in told] == sorted([acting.email, cast.colleague.email])
        signing = sent(lambda: agreements.sign(agreement, member(cast), "partner", NOON, evidence(agreement)))
        assert [to for to, _ in signing] == [cast.coordinator.email]


def test_without_a_login_the_participants_address_is_used(cast: Cast, sent: Any) -> None:
    with scope(cast.cluster.pk):
        Membership.objects.filter(participant=cast.buyer).delete()
        cast.buyer.email = "household@example.org"
        cast.buyer.save()
        agreement = agreements.prepare(
            cast.cluster, coordinator(cast), NOON, JULY, participant=cast.buyer, language="en"
        )
        assert sent(lambda: agreements.offer(agreement, coordinator(cast), NOON)) == [
            ("household@example.org", "Cluster ours: Agreement No. 1 is offered to you")
        ]


def test_the_distributor_is_told_and_partners_on_paper_are_not(cast: Cast, sent: Any) -> None:
    dso = make_dso_user(cast.cluster.dso)
    office = coordinator(cast)
    with scope(cast.cluster.pk):
        agreement = agreements.prepare(
            cast.cluster, office, NOON, JULY, dso=cast.cluster.dso, dso_settlement="direct", language="en"
        )
        assert [to for to, _ in sent(lambda: agreements.offer(agreement, office, NOON))] == [dso.email]
        actor = Actor(dso, Access(cast.cluster.pk, "dso"))
        declined = sent(lambda: agreements.decline(agreement, actor, NOON))
        assert [to for to, _ in declined] == [cast.coordinator.email]
        partner = ExternalPartner.objects.create(
            cluster=cast.cluster, kind="seller", name="T", nip="1000237576", street="S", postcode="00-001", city="C"
        )
        outside = agreements.prepare(cast.cluster, office, NOON, JULY, partner=partner, language="en")
        assert sent(lambda: agreements.offer(outside, office, NOON)) == []
        for side in ("partner", "coordinator"):
            assert sent(lambda: agreements.sign(outside, office, side, NOON, evidence(outside))) == []  # noqa: B023


def test_each_act_of_a_person_is_told_to_the_other_side() -> None:
    for row in TRANSITIONS:
        to = {By.PARTNER: TO_COORDINATOR, By.OFFICE: TO_PARTNER, By.COORDINATOR: TO_PARTNER}.get(row.by, {})
        silent = row.act in (Act.PREPARE, Act.RECORD_ACCEPTANCE) or row.by in (By.TIME, By.SUCCESSOR)
        assert silent or (row.act, row.target) in to, row
