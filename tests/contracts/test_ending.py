"""The coordinator ends trading for several: agreements with their notice, plain contracts on the day."""

import datetime as dt
from typing import Any

from contracts.models import Agreement, Contract
from contracts.services.agreements import Actor, offer_agreement
from contracts.services.ending import Outcome, end_trading
from participants.access import Access
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast
from tests.contracts.agreement_scenes import TOMORROW, sign_both

SEPTEMBER = dt.date(2026, 9, 1)
LATER = NOON + dt.timedelta(days=2)


def end(cast: Cast, day: dt.date, level: Any = "full") -> list[Outcome]:
    actor = Actor(cast.coordinator, Access(cast.cluster.pk, "coordinator", level=level))
    return end_trading(cast.cluster, [cast.seller, cast.buyer], day, actor, LATER, "No reason")


def schemes(cast: Cast, participant: Any) -> list[tuple[str, dt.date | None]]:
    rows = Contract.objects.filter(participant=participant).order_by("valid_from")
    return list(rows.values_list("scheme", "valid_to"))


def test_an_agreement_is_terminated_and_a_plain_contract_ends(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        sign_both(offer_agreement(cast.cluster, cast.buyer, TOMORROW, cast.coordinator, NOON), cast)
        assert [outcome.refused for outcome in end(cast, SEPTEMBER)] == ["", ""]
        assert schemes(cast, cast.seller)[0] == ("p2p", SEPTEMBER)
        assert schemes(cast, cast.buyer)[-2:] == [("p2p", SEPTEMBER), ("standard", None)]
        (agreement,) = Agreement.objects.with_state(LATER.date())
        assert agreement.state == "terminated"
        assert all(outcome.refused for outcome in end(cast, dt.date(2026, 8, 1))[1:])
        assert schemes(cast, cast.buyer)[-2:] == [("p2p", SEPTEMBER), ("standard", None)]


def test_the_notice_period_is_kept_and_does_not_stop_the_others(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        sign_both(offer_agreement(cast.cluster, cast.buyer, TOMORROW, cast.coordinator, NOON), cast)
        before = schemes(cast, cast.buyer)
        seller, buyer = end(cast, dt.date(2026, 6, 15))
        assert (seller.refused, bool(buyer.refused)) == ("", True)
        assert schemes(cast, cast.buyer) == before


def test_who_may_not_change_people_ends_nothing(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        assert all(outcome.refused for outcome in end(cast, SEPTEMBER, "read"))
        assert schemes(cast, cast.seller) == [("p2p", None)]


def test_what_is_signed_but_has_not_begun_ends_with_its_notice_or_never_begins(cast: Cast) -> None:
    october = dt.date(2026, 10, 1)
    with scope(cast.cluster.pk):
        Contract.objects.all().delete()
        sign_both(offer_agreement(cast.cluster, cast.buyer, dt.date(2026, 8, 1), cast.coordinator, NOON), cast)
        assert end(cast, SEPTEMBER)[1].refused == ""
        assert schemes(cast, cast.buyer) == [("p2p", SEPTEMBER), ("standard", None)]
        sign_both(offer_agreement(cast.cluster, cast.buyer, october, cast.coordinator, NOON), cast)
        assert schemes(cast, cast.buyer) == [("p2p", SEPTEMBER), ("standard", october), ("p2p", None)]
        assert end(cast, SEPTEMBER)[1].refused == ""
        assert schemes(cast, cast.buyer) == [("p2p", SEPTEMBER), ("standard", None)]
        assert end(cast, SEPTEMBER)[1].refused
