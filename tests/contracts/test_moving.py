"""Whoever has no metering point left: what was agreed with them ends, whatever it is."""

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from contracts.models import Agreement, Contract
from contracts.services import agreements
from contracts.services.agreements import Actor, offer_agreement
from contracts.services.moving import bound_after, end_after_move, leaves_the_cluster
from metering.models import PointAssignment
from participants.access import Access
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast
from tests.contracts.agreement_scenes import TOMORROW, sign_both
from tests.pages.scenes import add_point

LATER = NOON + dt.timedelta(days=9)
TODAY = LATER.date()
NEXT = TODAY + dt.timedelta(days=1)
MONTH_END = dt.date(2026, 6, 30)


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast("ours")


def end(cast: Cast, day: dt.date, level: Any = "full") -> dt.date:
    actor = Actor(cast.coordinator, Access(cast.cluster.pk, "coordinator", level=level))
    return end_after_move(cast.cluster, cast.buyer, day, actor, LATER, "moved")


def schemes(cast: Cast) -> list[tuple[str, dt.date | None]]:
    rows = Contract.objects.filter(participant=cast.buyer).order_by("valid_from")
    return list(rows.values_list("scheme", "valid_to"))


def state(agreement: Agreement, on: dt.date) -> tuple[str, dt.date]:
    row: Any = Agreement.objects.with_state(on).get(pk=agreement.pk)
    return row.state, row.day


def test_a_signed_agreement_ends_on_the_day_or_tomorrow(cast: Cast) -> None:
    for day, ends in ((MONTH_END, MONTH_END), (dt.date(2026, 6, 13), NEXT)):
        with scope(cast.cluster.pk):
            agreement = Agreement.objects.first() or sign_both(
                offer_agreement(cast.cluster, cast.buyer, TOMORROW, cast.coordinator, NOON), cast
            )
            assert end(cast, day) == ends
            assert state(agreement, LATER.date()) == ("terminated", ends)
            assert state(agreement, ends) == ("ended", ends)
            assert schemes(cast)[-1] == ("p2p", ends)


def test_an_agreement_under_notice_ends_earlier(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = sign_both(offer_agreement(cast.cluster, cast.buyer, TOMORROW, cast.coordinator, NOON), cast)
        office = Actor(cast.coordinator, Access(cast.cluster.pk, "coordinator"))
        agreements.terminate(agreement, office, LATER, dt.date(2026, 9, 1), "notice")
        end(cast, MONTH_END)
        assert state(agreement, TODAY) == ("terminated", MONTH_END)
        assert schemes(cast)[-1] == ("p2p", MONTH_END)


def test_an_offer_is_withdrawn_and_a_plain_contract_ends(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = offer_agreement(cast.cluster, cast.buyer, MONTH_END, cast.coordinator, NOON)
        assert end(cast, dt.date(2026, 6, 13)) == NEXT
        assert state(agreement, TODAY)[0] == "withdrawn"
        assert schemes(cast) == [("p2p", NEXT)]
        assert bound_after(cast.buyer, NEXT, LATER) == []


def test_who_may_not_sign_ends_nothing(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        sign_both(offer_agreement(cast.cluster, cast.buyer, TOMORROW, cast.coordinator, NOON), cast)
        before = schemes(cast)
        with pytest.raises(PermissionDenied):
            end(cast, MONTH_END, "read")
        assert schemes(cast) == before


def test_who_has_another_point_or_gets_one_later_does_not_leave(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        assert not leaves_the_cluster(cast.buyer, MONTH_END)
        PointAssignment.objects.filter(participant=cast.buyer).update(valid_to=MONTH_END)
        assert leaves_the_cluster(cast.buyer, MONTH_END)
        assert not leaves_the_cluster(cast.buyer, TODAY)
        add_point(cast, cast.buyer, "590000000000000099", valid_from=dt.date(2026, 8, 1))
        assert not leaves_the_cluster(cast.buyer, MONTH_END)
