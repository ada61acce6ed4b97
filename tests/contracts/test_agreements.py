"""An agreement's way from the offer to its end, and what clearing settles by it."""

import datetime as dt
import hashlib
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from contracts.domain.agreement_states import AgreementError
from contracts.models import (
    Agreement,
    AgreementDocument,
    AgreementEvent,
    AgreementSignature,
    AgreementTemplate,
    ClusterSettings,
    Contract,
    ExternalPartner,
)
from contracts.services import agreements
from contracts.services.agreement_papers import add_template
from contracts.services.agreements import Actor, Evidence, offer_agreement
from participants.access import Access
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, Cast, make_cast, make_dso_user

TODAY = dt.date(2026, 6, 11)
TOMORROW = dt.date(2026, 6, 12)
JULY = dt.date(2026, 7, 1)
HOW = {"declaration": "I accept.", "ip": "192.0.2.7", "authentication": [{"method": "password", "at": 1.0}]}


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast("ours")


def member(cast: Cast) -> Actor:
    return Actor(cast.colleague, Access(cast.cluster.pk, "member", cast.buyer.pk))


def coordinator(cast: Cast) -> Actor:
    return Actor(cast.coordinator, Access(cast.cluster.pk, "coordinator"))


def evidence(agreement: Agreement) -> Evidence:
    return Evidence(pdf_sha256=agreement.documents.get().pdf_sha256, **HOW)


def offered(cast: Cast, start: dt.date = JULY) -> Agreement:
    return offer_agreement(cast.cluster, cast.buyer, start, cast.coordinator, NOON)


def sign_both(agreement: Agreement, cast: Cast, now: dt.datetime = NOON) -> Agreement:
    agreements.sign(agreement, member(cast), "partner", now, evidence(agreement))
    agreements.sign(agreement, coordinator(cast), "coordinator", now, evidence(agreement))
    return agreement


def state(agreement: Agreement, now: dt.datetime = NOON) -> str:
    return agreements.standing_of(agreement, now).state.value


def rows(cast: Cast) -> list[tuple[str, dt.date, dt.date | None]]:
    found = Contract.objects.filter(participant=cast.buyer).order_by("valid_from")
    return list(found.values_list("scheme", "valid_from", "valid_to"))


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


@pytest.mark.parametrize("model", [Agreement, AgreementDocument, AgreementSignature, AgreementEvent, AgreementTemplate])
def test_what_was_agreed_can_neither_be_changed_nor_deleted(model: type[models.Model], cast: Cast) -> None:
    with scope(cast.cluster.pk):
        sign_both(offered(cast), cast)
        row = model._base_manager.first()
        table, before = model._meta.db_table, list(model._base_manager.order_by("pk").values_list())
        for attempt in (
            row.save,
            row.delete,
            lambda: model._base_manager.update(cluster=cast.cluster),
            lambda: sql(f"UPDATE {table} SET cluster_id = cluster_id"),
            lambda: sql(f"DELETE FROM {table}"),
            lambda: sql(f"TRUNCATE {table} CASCADE"),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                attempt()
        assert list(model._base_manager.order_by("pk").values_list()) == before


def test_the_database_takes_only_events_of_the_table_that_follow_each_other(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = offered(cast)
        fields = {"cluster": cast.cluster, "agreement": agreement, "day": TODAY, "at": NOON}
        for wrong in (
            {"position": 3, "act": "accept", "source": "offered", "target": "in_force"},
            {"position": 3, "act": "countersign", "source": "accepted", "target": "signed"},
            {"position": 2, "act": "accept", "source": "offered", "target": "accepted"},
            {"position": 4, "act": "accept", "source": "offered", "target": "accepted"},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                AgreementEvent.objects.create(**fields, **wrong)


def test_the_database_takes_no_signature_of_another_digest(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        paper = offered(cast).documents.get()
        with pytest.raises(IntegrityError), transaction.atomic():
            AgreementSignature.objects.create(
                cluster=cast.cluster, document=paper, side="partner", user=cast.colleague, email="x", at=NOON,
                pdf_sha256="0" * 64, declaration="x", authentication=[],
            )  # fmt: skip


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


def test_a_suspension_and_a_resumption_hold_from_their_midnights(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = sign_both(offered(cast, TOMORROW), cast)
        later = NOON + dt.timedelta(days=5)
        agreements.suspend(agreement, coordinator(cast), later, dt.date(2026, 7, 10), "unpaid")
        assert state(agreement, later) == "suspended"
        agreements.resume(agreement, coordinator(cast), later, dt.date(2026, 7, 20))
        assert rows(cast) == [
            ("p2p", DAY, dt.date(2026, 7, 10)),
            ("standard", dt.date(2026, 7, 10), dt.date(2026, 7, 20)),
            ("p2p", dt.date(2026, 7, 20), None),
        ]
        noted = [(e.act, e.source, e.target) for e in agreement.events.all()][4:]
    assert noted == [
        ("begin", "signed", "in_force"),
        ("suspend", "in_force", "suspended"),
        ("resume", "suspended", "in_force"),
    ]


@pytest.mark.parametrize("day", [TODAY, dt.date(2026, 6, 1)])
def test_nothing_takes_effect_in_the_past(day: dt.date, cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = sign_both(offered(cast, TOMORROW), cast)
        now = NOON + dt.timedelta(days=1)
        before = rows(cast)
        with pytest.raises(AgreementError):
            agreements.suspend(agreement, coordinator(cast), now, day)
        with pytest.raises(AgreementError):
            agreements.end_by_move_or_death(agreement, coordinator(cast), now, day, "moved")
        with pytest.raises(AgreementError):
            agreements.terminate(agreement, member(cast), now, day)
        assert rows(cast) == before


@pytest.mark.parametrize("who", ["member", "coordinator"])
def test_notice_by_either_side_ends_it_after_the_notice_period(who: str, cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = sign_both(offered(cast, TOMORROW), cast)
        now = NOON + dt.timedelta(days=1)
        actor = member(cast) if who == "member" else coordinator(cast)
        with pytest.raises(AgreementError):
            agreements.terminate(agreement, actor, now, dt.date(2026, 7, 12))
        assert agreements.terminate(agreement, actor, now) == dt.date(2026, 7, 13)
        assert rows(cast) == [("p2p", DAY, dt.date(2026, 7, 13)), ("standard", dt.date(2026, 7, 13), None)]
        assert state(agreement, now) == "terminated"
        midnight = dt.datetime(2026, 7, 12, 22, tzinfo=dt.UTC)
        assert state(agreement, midnight - dt.timedelta(seconds=1)) == "terminated"
        assert state(agreement, midnight) == "ended"
        with pytest.raises(AgreementError):
            agreements.resume(agreement, coordinator(cast), midnight)


def test_a_move_ends_it_earlier_and_nothing_is_settled_after(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = sign_both(offered(cast, TOMORROW), cast)
        now = NOON + dt.timedelta(days=1)
        agreements.terminate(agreement, member(cast), now)
        agreements.end_by_move_or_death(agreement, coordinator(cast), now, dt.date(2026, 6, 20), "moved")
        assert rows(cast) == [("p2p", DAY, dt.date(2026, 6, 20))]
        assert state(agreement, NOON + dt.timedelta(days=9)) == "ended"
        with pytest.raises(AgreementError):
            agreements.end_by_move_or_death(agreement, coordinator(cast), now, JULY, "later")


def test_who_steps_back_before_it_begins_is_settled_as_before(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        Contract.objects.filter(participant=cast.buyer).update(scheme="standard")
        agreement = sign_both(offered(cast), cast)
        assert rows(cast) == [("standard", DAY, JULY), ("p2p", JULY, None)]
        agreements.revoke(agreement, member(cast), NOON)
        assert (state(agreement), rows(cast)) == ("withdrawn", [("standard", DAY, None)])


def test_an_offer_is_withdrawn_or_declined_and_then_not_signed(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        first = offered(cast)
        agreements.withdraw(first, coordinator(cast), NOON)
        second = offered(cast)
        agreements.decline(second, member(cast), NOON)
        for agreement in (first, second):
            assert state(agreement) == "withdrawn"
            with pytest.raises(AgreementError):
                agreements.sign(agreement, member(cast), "partner", NOON, evidence(agreement))


def test_one_offer_at_a_time_and_one_agreement_a_day(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = offered(cast, TOMORROW)
        with pytest.raises(AgreementError):
            offered(cast)
        sign_both(agreement, cast)
        with pytest.raises(AgreementError):
            offered(cast)
        now = NOON + dt.timedelta(days=1)
        end = agreements.terminate(agreement, member(cast), now)
        with pytest.raises(AgreementError):
            offered(cast, end - dt.timedelta(days=1))
        again = offered(cast, end)
        sign_both(again, cast)
        assert rows(cast) == [("p2p", DAY, None)]


def test_an_amendment_replaces_from_its_day_and_the_old_text_stays(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = sign_both(offered(cast, TOMORROW), cast)
        old = agreement.documents.get().text
        now = NOON + dt.timedelta(days=2)
        add_template(cast.cluster, "participant", "pl", "# Nowa umowa {number}\n{amended}", 60, cast.coordinator, now)
        new = agreements.amend(agreement, coordinator(cast), now, JULY)
        agreements.offer(new, coordinator(cast), now)
        assert state(agreement, now) == "in_force"
        sign_both(new, cast, now)
        first_of_july = dt.datetime(2026, 6, 30, 22, tzinfo=dt.UTC)
        assert (state(agreement, now), state(new, now)) == ("terminated", "signed")
        assert (state(agreement, first_of_july), state(new, first_of_july)) == ("ended", "in_force")
        assert rows(cast) == [("p2p", DAY, None)]
        assert agreement.documents.get().text == old
        assert "Zastępuje umowę nr 1" in new.documents.get().text
        assert agreement.notice_days == 30 and new.notice_days == 60


def test_a_template_with_an_unknown_variable_is_refused(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        for body in ("{nobody}", "{", "{}", "{number!r}", "{number.real}"):
            with pytest.raises(AgreementError):
                add_template(cast.cluster, "seller", "en", body, 30, None, NOON)


def test_the_distributor_agrees_how_grid_fees_are_settled(cast: Cast) -> None:
    dso = Actor(make_dso_user(cast.cluster.dso), Access(cast.cluster.pk, "dso"))
    area = Actor(dso.user, Access(cast.cluster.pk, "dso", level="area"))
    with scope(cast.cluster.pk):
        agreement = agreements.prepare(
            cast.cluster, coordinator(cast), NOON, JULY, dso=cast.cluster.dso, dso_settlement="direct"
        )
        agreements.offer(agreement, coordinator(cast), NOON)
        for actor in (area, member(cast), coordinator(cast)):
            with pytest.raises(PermissionDenied):
                agreements.sign(agreement, actor, "partner", NOON, evidence(agreement))
        agreements.sign(agreement, dso, "partner", NOON, evidence(agreement))
        agreements.sign(agreement, coordinator(cast), "coordinator", NOON, evidence(agreement))
        modes = ClusterSettings.objects.order_by("valid_from").values_list("valid_from", "dso_settlement")
        assert list(modes) == [(DAY, "coordinator"), (JULY, "direct")]
        assert "rozliczane: bezpośrednio" in agreement.documents.get().text


@pytest.mark.parametrize("kind", ["seller", "buyer"])
def test_outside_partners_sign_on_paper_and_the_coordinator_records_it(kind: str, cast: Cast) -> None:
    with scope(cast.cluster.pk):
        partner = ExternalPartner.objects.create(
            cluster=cast.cluster, kind=kind, name="Trader", nip="1000237576", street="S", postcode="00-001", city="C"
        )
        before = rows(cast)
        agreement = agreements.prepare(cast.cluster, coordinator(cast), NOON, JULY, partner=partner, language="en")
        agreements.offer(agreement, coordinator(cast), NOON)
        agreements.sign(agreement, coordinator(cast), "coordinator", NOON, evidence(agreement))
        agreements.sign(agreement, coordinator(cast), "partner", NOON, evidence(agreement))
        assert state(agreement) == "signed"
        assert rows(cast) == before


class FakeDocuments:
    def __init__(self, document: AgreementDocument) -> None:
        self.document = document

    def get(self) -> AgreementDocument:
        return self.document


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
