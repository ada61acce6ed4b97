"""Terms agreed outside: the prices they make, what changes with them, and what they may not be."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from clearing.services import clear_due
from contracts.domain import external_terms as domain
from contracts.domain.market_prices import read_prices
from contracts.models import ExternalPrice, ExternalTerms, MarketPrice
from contracts.services.external_prices import price_externally
from contracts.services.market import store_market_prices
from contracts.tasks import price_cluster
from metering.domain.calendar import INTERVAL
from metering.models import IntervalInput
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.clearing.world import NET, START, World, make_bare_world, quarters
from tests.contracts.market import as_file, rows_of
from tests.contracts.outside import FIRST, make_partner, make_terms

DAY = dt.date(2026, 6, 11)
#: Local midnight of 11 June.
MIDNIGHT = dt.datetime(2026, 6, 10, 22, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 6, 12, 12, tzinfo=dt.UTC)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    world = make_bare_world("alfa")
    ensure_month_partitions("metering_reading", START, NOW)
    for number, start in enumerate(quarters(8)):
        world.read(start, NET, version=number + 1)
    yield world


def publish(*days: dt.date, now: dt.datetime = NOW, **changes: str) -> None:
    rows = [row for day in days for row in rows_of(day, **changes)]
    store_market_prices(read_prices(as_file(rows)), MarketPrice.Via.LIVE, "test", now)


def prices(world: World, start: dt.datetime = MIDNIGHT) -> list[tuple[int, Decimal, Decimal]]:
    with scope(world.cluster.pk):
        rows = ExternalPrice.objects.filter(interval_start=start).order_by("version")
        return list(rows.values_list("version", "buy_pln_kwh", "sell_pln_kwh"))


def terms_of(world: World, **changes: Any) -> tuple[ExternalTerms, ExternalTerms]:
    with scope(world.cluster.pk):
        buy = make_terms(make_partner(world.cluster), **changes)
        return buy, make_terms(make_partner(world.cluster, "buyer"))


def test_prices_follow_the_market_and_clearing_goes_on(world: World) -> None:
    terms_of(world, factor=Decimal("1.02"), margin_pln_mwh=Decimal(15), balancing_pln_mwh=Decimal(4))
    clear_due(world.cluster, NOW)
    assert world.state(START).waits_for == world.state(MIDNIGHT).waits_for == "prices"
    assert price_externally(world.cluster, NOW) == 0
    publish(DAY)
    assert price_externally(world.cluster, NOW) == 96
    # (400 × 1.02 + 15 + 4) / 1000, and the market's own price for what is sold.
    assert prices(world) == [(1, Decimal("0.427000"), Decimal("0.400000"))]
    assert clear_due(world.cluster, NOW).stored == 4
    assert [(run.buy_pln_kwh, run.sell_pln_kwh) for run in world.runs(MIDNIGHT)] == [(Decimal("0.427"), Decimal("0.4"))]
    assert world.state(START).waits_for == "prices"
    assert price_externally(world.cluster, NOW) == 0


def test_a_republished_day_makes_exactly_the_changed_quarter_hours_stale(world: World) -> None:
    terms_of(world)
    publish(DAY)
    price_cluster(world.cluster.pk)
    clear_due(world.cluster, NOW)
    before = {start: world.changes(start) for start in quarters(8)}
    publish(DAY, at_2230="-7", at_1000="1")
    price_cluster(world.cluster.pk)
    touched = MIDNIGHT + INTERVAL
    assert {start for start in quarters(8) if world.changes(start) != before[start]} == {touched}
    assert prices(world, touched)[-1] == (2, Decimal("-0.007000"), Decimal("-0.007000"))
    assert clear_due(world.cluster, NOW).stored == 1
    assert world.runs(touched)[-1].buy_pln_kwh == Decimal("-0.007")
    with scope(world.cluster.pk):
        # Of a quarter-hour for which nothing was delivered there is nothing to settle anew.
        assert IntervalInput.objects.count() == 8


def test_changed_terms_give_new_prices_only_where_they_differ(world: World) -> None:
    buy, _sell = terms_of(world)
    publish(DAY)
    price_externally(world.cluster, NOW)
    with scope(world.cluster.pk):
        buy.valid_to = DAY
        buy.save()
        make_terms(buy.partner, fixed="400", valid_from=DAY)
    assert price_externally(world.cluster, NOW) == 95  # At midnight the market's price is 400 too.
    assert prices(world) == [(1, Decimal("0.4"), Decimal("0.4"))]
    assert prices(world, MIDNIGHT + INTERVAL)[-1] == (2, Decimal("0.4"), Decimal("0.401"))


def test_fixed_prices_need_no_market(world: World) -> None:
    with scope(world.cluster.pk):
        make_terms(
            make_partner(world.cluster), fixed="440.50", valid_from=DAY, balancing_pln_mwh=5, balancing_in_price=False
        )
        sell = make_terms(make_partner(world.cluster, "buyer"), fixed="330", valid_from=DAY, balancing_pln_mwh=5)
    # 11, 12 and 13 June.
    assert price_externally(world.cluster, NOW) == 3 * 96
    assert prices(world) == [(1, Decimal("0.4405"), Decimal("0.325"))]
    assert prices(world, MIDNIGHT - INTERVAL) == []
    with scope(world.cluster.pk):
        sell.valid_to = dt.date(2026, 6, 13)
        sell.save()
    assert price_externally(world.cluster, NOW + dt.timedelta(days=1)) == 0


def test_a_cluster_without_terms_keeps_its_prices(world: World) -> None:
    world.price(quarters(8))
    publish(DAY)
    assert price_externally(world.cluster, NOW) == 0
    with scope(world.cluster.pk):
        make_terms(make_partner(world.cluster))
    assert price_externally(world.cluster, NOW) == 0
    assert prices(world) == [(1, Decimal("0.44698"), Decimal("0.33698"))]


def test_a_day_of_100_quarter_hours_is_priced_whole(world: World) -> None:
    terms_of(world)
    autumn = dt.date(2026, 10, 25)
    after = dt.datetime(2026, 10, 26, tzinfo=dt.UTC)
    publish(autumn, now=after)
    assert price_externally(world.cluster, after) == 100


@given(
    st.sampled_from(["buy", "sell"]),
    st.decimals(-5000, 5000, places=6),
    st.decimals("0.000001", 2, places=6),
    st.decimals(-500, 500, places=3),
    st.decimals(0, 100, places=3),
    st.booleans(),
)
def test_the_price_is_rounded_once(
    direction: str, market: Decimal, factor: Decimal, margin: Decimal, balancing: Decimal, inside: bool
) -> None:
    terms = domain.Terms(direction, "indexed", None, factor, margin, balancing, inside)
    price = domain.price_pln_kwh(terms, market)
    exact = market * factor + margin + (balancing if direction == "buy" else -balancing) * inside
    assert price is not None and abs(price * 1000 - exact) <= Decimal("0.0005")
    assert price.as_tuple().exponent == -6


def test_the_database_rounds_as_the_rule_does(world: World) -> None:
    fields = {
        "factor": Decimal("1.033333"),
        "margin_pln_mwh": Decimal("-12.345"),
        "balancing_pln_mwh": Decimal("3.001"),
    }
    buy, _sell = terms_of(world, **fields)
    publish(DAY, first="-3.1255")
    price_externally(world.cluster, NOW)
    with scope(world.cluster.pk):
        market = dict(MarketPrice.objects.values_list("interval_start", "pln_mwh"))
        for row in ExternalPrice.objects.all():
            assert row.buy_pln_kwh == domain.price_pln_kwh(buy.domain, market[row.interval_start])
            assert row.sell_pln_kwh == domain.price_pln_kwh(_sell.domain, market[row.interval_start])


def test_terms_that_make_no_price_are_refused(world: World) -> None:
    with scope(world.cluster.pk), override("en"):
        seller, buyer = make_partner(world.cluster), make_partner(world.cluster, "buyer")
        make_terms(seller, valid_to=dt.date(2026, 6, 1))
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"partner": buyer, "kind": "fixed"}, "Fill this in"),
            ({"partner": buyer, "kind": "indexed", "factor": 1}, "Fill this in"),
            ({"partner": seller, "kind": "fixed", "price_pln_mwh": 1}, "Overlaps “Example Trade · 2026-01-01”"),
            ({"partner": seller, "kind": "fixed", "price_pln_mwh": 1, "valid_to": FIRST}, "external_terms_dates"),
        ]
        for fields, said in wrong:
            row = ExternalTerms(cluster=world.cluster, valid_from=FIRST, **fields)
            with pytest.raises(ValidationError, match=said):
                row.full_clean()
        later: dict[str, Any] = {"price_pln_mwh": 1, "factor": 2, "valid_from": dt.date(2026, 6, 1)}
        after = ExternalTerms(cluster=world.cluster, partner=seller, kind="fixed", **later)
        after.full_clean()
        assert (after.direction, after.factor) == ("buy", None)
        with pytest.raises(IntegrityError, match="contracts_externalterms_overlap"), transaction.atomic():
            make_terms(seller, fixed="1")
        assert ExternalTerms.objects.count() == 1


@pytest.mark.parametrize("days", [1, 3])
def test_pricing_takes_the_same_statements_whatever_the_span(
    world: World, django_assert_num_queries: Any, days: int
) -> None:
    terms_of(world)
    publish(*(DAY - dt.timedelta(days=n) for n in range(days)))
    with django_assert_num_queries(9):
        assert price_externally(world.cluster, NOW) == 96 * days
