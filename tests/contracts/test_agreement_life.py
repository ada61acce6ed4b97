"""An agreement after the signatures, or instead of them: suspended, ended, amended, withdrawn."""

import datetime as dt

import pytest

from contracts.domain.agreement_states import AgreementError
from contracts.models import Contract
from contracts.services import agreements
from contracts.services.agreement_papers import add_template
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, Cast
from tests.contracts.agreement_scenes import (
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


def test_notice_before_the_first_day_ends_it_after_the_notice_period(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        Contract.objects.all().delete()
        agreement = sign_both(offered(cast), cast)
        assert agreements.terminate(agreement, coordinator(cast), NOON, reason="No room") == dt.date(2026, 7, 12)
        assert rows(cast) == [("p2p", JULY, dt.date(2026, 7, 12)), ("standard", dt.date(2026, 7, 12), None)]
        assert state(agreement) == "terminated"
        assert state(agreement, dt.datetime(2026, 7, 11, 22, tzinfo=dt.UTC)) == "ended"


def test_notice_that_has_passed_before_the_first_day_cancels_it(cast: Cast) -> None:
    september = dt.date(2026, 9, 1)
    with scope(cast.cluster.pk):
        Contract.objects.filter(participant=cast.buyer).update(scheme="standard")
        agreement = sign_both(offered(cast, september), cast)
        assert agreements.terminate(agreement, coordinator(cast), NOON) == september
        assert (state(agreement), rows(cast)) == ("withdrawn", [("standard", DAY, None)])
        assert agreement.events.last().act == "cancel"
        sign_both(offered(cast, september), cast)
        assert rows(cast) == [("standard", DAY, september), ("p2p", september, None)]


def test_an_amendment_under_notice_before_it_begins_ends_with_the_agreement_that_it_replaces(cast: Cast) -> None:
    september = dt.date(2026, 9, 1)
    with scope(cast.cluster.pk):
        agreement = sign_both(offered(cast, TOMORROW), cast)
        now = NOON + dt.timedelta(days=2)
        new = agreements.amend(agreement, coordinator(cast), now, september)
        agreements.offer(new, coordinator(cast), now)
        sign_both(new, cast, now)
        assert agreements.terminate(new, member(cast), now) == september
        assert (state(new, now), rows(cast)) == ("terminated", [("p2p", DAY, september), ("standard", september, None)])
