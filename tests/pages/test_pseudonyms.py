"""Neighbours' names: different every day, never two alike, telling nothing."""

import datetime as dt
import itertools
import re
from decimal import Decimal

import pytest
from pytest_django import Settings

from clearing.models import Trade
from cluster_platform.portal.pseudonyms import names_of, pseudonyms
from metering.models import MeteringPoint
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast
from tests.pages.scenes import add_members, settle, signed_in, text_of

DAY = dt.date(2026, 6, 11)


@pytest.mark.parametrize("count", [4, 2500, 12_000])
def test_no_two_neighbours_share_a_name_on_a_day(count: int) -> None:
    names = names_of(1, range(count), DAY)
    assert len(set(names.values())) == count
    assert all(re.fullmatch(r"[A-Z]-\d{3,4}", name) for name in names.values())


def test_a_name_lasts_the_day_even_if_members_come() -> None:
    before = names_of(1, range(2000), DAY)
    after = names_of(1, range(2300), DAY)
    assert {point: after[point] for point in before} == before


def test_names_of_two_days_and_of_two_clusters_have_nothing_in_common() -> None:
    """As often alike as by chance: of 2000 points among 22,000 names."""
    today = names_of(1, range(2000), DAY)
    others = [names_of(1, range(2000), DAY + dt.timedelta(days=days)) for days in range(1, 8)]
    for other in [*others, names_of(2, range(2000), DAY)]:
        assert sum(today[point] == other[point] for point in today) < 8
        # Nor does the order tell: neighbours in the one list are none in the other.
        ranks = {name: rank for rank, name in enumerate(sorted(other.values()))}
        places = [ranks[other[point]] for point in sorted(today, key=today.__getitem__)]
        assert sum(abs(a - b) == 1 for a, b in itertools.pairwise(places)) < 20


def test_names_depend_on_the_installation(settings: Settings) -> None:
    before = names_of(1, range(100), DAY)
    settings.SECRET_KEY = "another one"
    after = names_of(1, range(100), DAY)
    assert sum(before[point] == after[point] for point in before) < 3


@pytest.mark.django_db
def test_trades_alike_are_not_listed_in_the_same_order_every_day() -> None:
    cast = make_cast("alfa")
    sellers = add_members(cast, 4)
    days = [NOON + dt.timedelta(days=number) for number in range(1, 7)]
    orders = set()
    for start in days:
        with scope(cast.cluster.pk):
            buy_from_all(cast, start, sellers)
            names = pseudonyms(cast.cluster.pk, start.date())
        page = text_of(signed_in(cast.colleague).get(f"/trades/?day={start:%Y-%m-%d}"))
        shown = [name for name in re.findall(r"[A-Z]-\d{3}", page) if name != names[cast.seller_point.pk]]
        assert sorted(shown) == sorted(names[point.pk] for point in sellers)
        orders.add(tuple(shown.index(names[point.pk]) for point in sellers))
    assert len(orders) > 2


def buy_from_all(cast: Cast, start: dt.datetime, sellers: list[MeteringPoint]) -> None:
    """Every seller gives the same amount at the same time."""
    run = settle(cast, start, dict.fromkeys(sellers, 100), {cast.buyer_point: 100})
    Trade.objects.bulk_create(
        Trade(
            cluster=cast.cluster, run=run, interval_start=start, seller=point, buyer=cast.buyer_point,
            sharing_level="station", wh=100, energy_pln_kwh=Decimal("0.25"), grid_fee_pln_kwh=Decimal("0.2"),
        )
        for point in sellers[1:]
    )  # fmt: skip
