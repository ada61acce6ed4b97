"""Agreements decide, by the local day, who is settled; and people who act at once."""

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from django.db import connection

from clearing.services import Report, clear_due
from contracts.domain.agreement_states import AgreementError
from contracts.models import Agreement, AgreementEvent, AgreementSignature, Contract
from contracts.services import agreements
from contracts.services.agreements import Actor, Evidence, offer_agreement
from participants.access import Access
from participants.models import Coordinator, Participant, User
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_user
from tests.clearing.world import FAR, NEIGHBOUR, NOW, SELLER, STANDARD, World, make_world, quarters

JUNE_11 = dt.date(2026, 6, 11)
MARCH = dt.datetime(2026, 3, 20, 12, tzinfo=dt.UTC)
MAY_11 = dt.datetime(2026, 5, 11, 21, 30, tzinfo=dt.UTC)
"""Half past eleven in the evening there: thirty days of notice end with 10 June."""
BEFORE, AFTER = quarters(8)[:4], quarters(8)[4:]


class Desk:
    """The coordinator and the members of a world who agree."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.user = make_user("desk@example.org")
        self.office = Actor(self.user, Access(world.cluster.pk, "coordinator"))

    def participant(self, code: str) -> Participant:
        return Participant.objects.get(assignments__metering_point__code=code)

    def member(self, agreement: Agreement) -> Actor:
        return Actor(self.user, Access(self.world.cluster.pk, "member", agreement.participant_id))

    def agree(self, code: str, start: dt.date, now: dt.datetime) -> Agreement:
        agreement = offer_agreement(self.world.cluster, self.participant(code), start, self.user, now)
        return self.sign(agreement, now)

    def sign(self, agreement: Agreement, now: dt.datetime) -> Agreement:
        how = Evidence(agreement.documents.get().pdf_sha256, "I accept.", None, [])
        agreements.sign(agreement, self.member(agreement), "partner", now, how)
        agreements.sign(agreement, self.office, "coordinator", now, how)
        return agreement


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    with scope(world.cluster.pk):
        Coordinator.objects.create(
            cluster=world.cluster,
            name="Coordinator",
            nip="1000158380",
            street="S",
            postcode="1",
            city="C",
            country="PL",
        )
    return world


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def settled(world: World, start: dt.datetime) -> set[str]:
    return set(world.local(world.state(start).run))


def test_whoever_signs_is_settled_from_the_local_midnight_on(world: World, desk: Desk) -> None:
    clear_due(world.cluster, NOW)
    with scope(world.cluster.pk):
        desk.agree(STANDARD, JUNE_11, MAY_11)
    assert clear_due(world.cluster, NOW) == Report(stored=4)
    for start in BEFORE:
        assert settled(world, start) == {SELLER, NEIGHBOUR, FAR}
        assert len(world.runs(start)) == 1
    for start in AFTER:
        assert settled(world, start) == {SELLER, NEIGHBOUR, FAR, STANDARD}
        assert [run.revision for run in world.runs(start)] == [1, 2]


def test_after_notice_the_last_day_is_still_settled_and_the_next_is_not(world: World, desk: Desk) -> None:
    with scope(world.cluster.pk):
        agreement = desk.agree(FAR, dt.date(2026, 4, 1), MARCH)
        assert agreements.terminate(agreement, desk.member(agreement), MAY_11) == JUNE_11
    clear_due(world.cluster, NOW)
    assert all(settled(world, start) == {SELLER, NEIGHBOUR, FAR} for start in BEFORE)
    assert all(settled(world, start) == {SELLER, NEIGHBOUR} for start in AFTER)


def test_a_suspended_participant_is_not_settled_and_a_resumed_one_is_again(world: World, desk: Desk) -> None:
    with scope(world.cluster.pk):
        agreement = desk.agree(FAR, dt.date(2026, 4, 1), MARCH)
    clear_due(world.cluster, NOW)
    with scope(world.cluster.pk):
        agreements.suspend(agreement, desk.office, MAY_11, JUNE_11)
    assert clear_due(world.cluster, NOW) == Report(stored=4)
    assert all(FAR in settled(world, start) for start in BEFORE)
    assert not any(FAR in settled(world, start) for start in AFTER)
    with scope(world.cluster.pk):
        agreements.resume(agreement, desk.office, MAY_11, JUNE_11)
    assert clear_due(world.cluster, NOW) == Report(stored=4)
    assert all(FAR in settled(world, start) for start in AFTER)


def test_a_move_ends_the_settling_at_midnight(world: World, desk: Desk) -> None:
    with scope(world.cluster.pk):
        agreement = desk.agree(FAR, dt.date(2026, 4, 1), MARCH)
        agreements.end_by_move_or_death(agreement, desk.office, MAY_11, JUNE_11, "moved")
        assert not Contract.objects.filter(participant=agreement.participant, valid_from__gte=JUNE_11).exists()
    clear_due(world.cluster, NOW)
    assert all(FAR in settled(world, start) for start in BEFORE)
    assert not any(FAR in settled(world, start) for start in AFTER)


def test_an_amendment_leaves_no_gap(world: World, desk: Desk) -> None:
    with scope(world.cluster.pk):
        agreement = desk.agree(FAR, dt.date(2026, 4, 1), MARCH)
    clear_due(world.cluster, NOW)
    with scope(world.cluster.pk):
        new = agreements.amend(agreement, desk.office, MAY_11, JUNE_11)
        agreements.offer(new, desk.office, MAY_11)
        desk.sign(new, MAY_11)
    assert clear_due(world.cluster, NOW) == Report()
    assert all(FAR in settled(world, start) for start in BEFORE + AFTER)


def at_once(*works: Callable[[], object]) -> list[BaseException]:
    """Run all in threads with connections of their own; returns what they raised."""
    failures: list[BaseException] = []
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            ready.wait()
            work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def signing(cast: Cast, number: int, user: User, access: Access, side: str) -> Callable[[], object]:
    def sign() -> None:
        with scope(cast.cluster.pk):
            agreement = Agreement.objects.get(number=number)
            how = Evidence(agreement.documents.get().pdf_sha256, "I accept.", None, [])
            agreements.sign(agreement, Actor(user, access), side, MARCH, how)

    return sign


@pytest.mark.django_db(transaction=True)
def test_two_sides_who_sign_at_once_conclude_once() -> None:
    cast = make_cast("ours")
    with scope(cast.cluster.pk):
        Contract.objects.filter(participant=cast.buyer).delete()
        offer_agreement(cast.cluster, cast.buyer, JUNE_11, cast.coordinator, MARCH)
    partner = Access(cast.cluster.pk, "member", cast.buyer.pk)
    office = Access(cast.cluster.pk, "coordinator")
    failures = at_once(
        signing(cast, 1, cast.colleague, partner, "partner"),
        signing(cast, 1, cast.coordinator, office, "coordinator"),
        signing(cast, 1, cast.colleague, partner, "partner"),
    )
    assert [type(failure) for failure in failures] == [AgreementError]
    with scope(cast.cluster.pk):
        assert AgreementSignature.objects.count() == 2
        assert list(AgreementEvent.objects.values_list("position", flat=True)) == [1, 2, 3, 4]
        assert AgreementEvent.objects.last().target == "signed"
        rows = Contract.objects.filter(participant=cast.buyer).values_list("scheme", "valid_from", "valid_to")
        assert list(rows) == [("p2p", JUNE_11, None)]


@pytest.mark.django_db(transaction=True)
def test_two_offers_at_once_are_one() -> None:
    cast = make_cast("ours")

    def offer() -> None:
        with scope(cast.cluster.pk):
            offer_agreement(cast.cluster, cast.buyer, JUNE_11, cast.coordinator, MARCH)

    assert [type(failure) for failure in at_once(offer, offer)] == [AgreementError]
    with scope(cast.cluster.pk):
        assert list(Agreement.objects.values_list("number", "kind")) == [(1, "participant")]
