"""The standard mechanism of each member, a second time from the readings: own offers, sales at market price."""

import datetime as dt
import random
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from billing.models import Promise
from billing.selectors.statements import current_statements
from billing.selectors.terms import month_of
from billing.services.statements import bill_period
from contracts.models import (
    MarketPrice,
    MonthlyMarketPrice,
    OfferAssignment,
    RetailOffer,
    RetailPrice,
    SaleMechanism,
)
from participants.tenancy.scope import scope
from tests.billing.hourly_scene import FAR, GAS, LEVIES, NETWORK, NOW, SELLER, WARSAW, Scene, make_scene
from tests.billing.recompute import half_up
from tests.clearing.world import DAY

pytestmark = pytest.mark.django_db
LONG, SHORT = dt.date(2026, 10, 25), dt.date(2026, 3, 29)
FULL_FEES = Fraction(NETWORK["G11", "flat"]) + sum(map(Fraction, LEVIES.values())) + Fraction("0.03316")


def publish(scene: Scene, lacks: dt.datetime | None = None) -> dict[dt.datetime, Fraction]:
    """Market prices of every quarter-hour of the two days, some negative [PLN/MWh]."""
    chance = random.Random(scene.first.toordinal())
    prices = {at: Decimal(chance.randint(-30_000, 90_000)) / 100 for at in scene.starts}
    MarketPrice.objects.bulk_create(
        MarketPrice(interval_start=at, version=version, pln_mwh=price, received_at=NOW, via="live", source="x")
        for version, shift in ((1, 5), (2, 0))
        for at, price in ((at, price + shift) for at, price in prices.items() if at != lacks)
    )
    return {at: Fraction(price) for at, price in prices.items()}


def mechanism(scene: Scene, code: str = "", **fields) -> None:
    """Of a point's owner, or of all private people."""
    with scope(scene.cluster.pk):
        whose = {"participant": scene.owner(code)} if code else {"legal_form": "person"}
        values = {"kind": "market", "netting": "hour", "factor": Decimal("1.23"), "valid_from": DAY}
        SaleMechanism.objects.create(cluster=scene.cluster, **whose, **values | fields)


def bill(scene: Scene):
    return bill_period(scene.cluster, scene.period, NOW)


def standard(scene: Scene, code: str, side: str) -> Fraction:
    with scope(scene.cluster.pk):
        in_force = current_statements(scene.cluster, month_of(scene.cluster, scene.period))
        row = Promise.objects.get(statement__in=in_force, statement__participant=scene.owner(code), side=side)
        return Fraction(row.standard_pln)


def netted(scene: Scene, code: str, hourly: bool) -> dict[tuple[dt.datetime, ...], int]:
    """Net Wh by hour or quarter-hour, each under its quarter-hours."""
    groups = defaultdict(list)
    for at in scene.starts:
        groups[scene.hour(at) if hourly else at].append(at)
    return {tuple(starts): sum(scene.nets[code][at] for at in starts) for starts in groups.values()}


def at_market(scene: Scene, code: str, prices: dict, hourly: bool, floored: bool = True) -> Fraction:
    """Second way: Σ fed in × price, an hour's price being the mean of its quarter-hours."""
    total = Fraction(0)
    for starts, net in netted(scene, code, hourly).items():
        price = half_up(sum(prices[at] for at in starts) / len(starts) / 1000, 6)
        total += Fraction(max(0, net), 1000) * (max(Fraction(0), price) if floored else price)
    return total


@pytest.mark.parametrize("day", [LONG, SHORT])
@pytest.mark.parametrize("netting", ["hour", "interval"])
@pytest.mark.parametrize("floored", [True, False])
def test_a_sale_at_market_price(day, netting, floored):
    scene = make_scene(day, 21)
    prices = publish(scene)
    mechanism(scene, netting=netting, negative_counts_as_zero=floored)
    bill(scene)
    for code in (SELLER, FAR):
        worth = at_market(scene, code, prices, netting == "hour", floored)
        assert standard(scene, code, "sell") == -half_up(worth * Fraction("1.23"), 9)
        drawn = sum(max(0, -net) for net in netted(scene, code, netting == "hour").values())
        cost = Fraction(drawn, 1000) * (Fraction("0.502") + FULL_FEES)
        assert standard(scene, code, "buy") == half_up(cost * Fraction("1.23"), 9)


def test_each_member_may_have_an_own_one_from_day_to_day():
    """One has a fixed price, and from the long day on the market's and an own offer; the others the cluster's list."""
    scene = make_scene(LONG, 22)
    prices = publish(scene)
    mechanism(scene, SELLER, kind="fixed", pln_mwh=Decimal(310), netting="interval", factor=Decimal(1), valid_to=LONG)
    mechanism(scene, SELLER, netting="hour", valid_from=LONG)
    with scope(scene.cluster.pk):
        offer = RetailOffer.objects.create(cluster=scene.cluster, name="Green flat")
        RetailPrice.objects.create(
            cluster=scene.cluster, offer=offer, group="G11", zone="flat", energy_pln_kwh=Decimal("0.7"), valid_from=DAY
        )
        OfferAssignment.objects.create(
            cluster=scene.cluster, participant=scene.owner(SELLER), offer=offer, valid_from=LONG
        )
    bill(scene)
    first, second = (
        [at for at in scene.starts if (at.astimezone(WARSAW).date() == LONG) == later] for later in (False, True)
    )
    before = [Fraction(scene.nets[SELLER][at], 1000) for at in first]
    of_second = Scene(scene.world, LONG, second, scene.nets)
    after = [Fraction(net, 1000) for net in netted(of_second, SELLER, hourly=True).values()]
    fixed = sum(max(Fraction(0), net) for net in before) * Fraction("0.31")
    market = at_market(of_second, SELLER, prices, hourly=True)
    assert standard(scene, SELLER, "sell") == -(half_up(fixed, 9) + half_up(market * Fraction("1.23"), 9))
    cost = sum(max(Fraction(0), -net) for net in before) * (Fraction("0.502") + FULL_FEES)
    cost += sum(max(Fraction(0), -net) for net in after) * (Fraction("0.7") + FULL_FEES)
    assert standard(scene, SELLER, "buy") == half_up(cost * Fraction("1.23"), 9)
    listed = sum(Fraction(max(0, net), 1000) for net in netted(scene, FAR, hourly=False).values())
    assert standard(scene, FAR, "sell") == -half_up(listed * Fraction("0.13885") * Fraction("1.23"), 9)


def test_the_market_price_of_a_month_published_again_is_a_new_revision():
    scene = make_scene(LONG, 23)
    mechanism(scene, kind="month", netting="interval")
    with pytest.raises(CommandError, match="There is no market price of the month 2026-10, which P"):
        call_command("bill", scene.cluster.slug, scene.period)
    fed_in = sum(Fraction(max(0, net), 1000) for net in netted(scene, SELLER, hourly=False).values())
    for version, price in ((1, "200.00"), (2, "210.50"), (3, "-4")):
        MonthlyMarketPrice.objects.create(
            month=dt.date(2026, 10, 1), version=version, pln_mwh=Decimal(price), source="published"
        )
        report = bill(scene)
        assert (report.new if version == 1 else report.replaced) >= 3
        counted = max(Fraction(0), Fraction(price))
        assert standard(scene, SELLER, "sell") == -half_up(fed_in * counted / 1000 * Fraction("1.23"), 9)
    assert bill(scene).unchanged == report.statements


def test_what_is_missing_is_named():
    scene = make_scene(LONG, 24)
    fed_in = next(at for at in scene.starts if scene.nets[GAS][at] > 0)
    publish(scene, lacks=fed_in)
    mechanism(scene, GAS, netting="interval")
    stamp = fed_in.strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(
        CommandError, match=f"no market price for 1 quarter-hours .* of 2026-10 .* Q51 .* first {stamp}"
    ):
        call_command("bill", scene.cluster.slug, scene.period)
    with scope(scene.cluster.pk):
        assert not Promise.objects.exists()
        offer = RetailOffer.objects.create(cluster=scene.cluster, name="Empty")
        SaleMechanism.objects.all().delete()
        OfferAssignment.objects.create(cluster=scene.cluster, participant=scene.owner(FAR), offer=offer, valid_from=DAY)
    with pytest.raises(
        CommandError, match=r"no retail price of group 'G11', zone 'flat' in the offer 'Empty'.* 2026-10"
    ):
        call_command("bill", scene.cluster.slug, scene.period)


def test_a_month_without_market_prices_is_told_whole_not_zone_by_zone():
    scene = make_scene(LONG, 27)
    mechanism(scene, GAS, netting="interval")
    lacking = [at for at in scene.starts if scene.nets[GAS][at] > 0]
    told = f"no market price for {len(lacking)} quarter-hours .* Q51 .* first {lacking[0]:%Y-%m-%dT%H:%M:%SZ}"
    with pytest.raises(CommandError, match=told):
        call_command("bill", scene.cluster.slug, scene.period)


def test_the_database_holds_one_mechanism_and_offer_a_day():
    scene = make_scene(LONG, 25)
    mechanism(scene)
    mechanism(scene, SELLER)
    for code in ("", SELLER):
        with pytest.raises(IntegrityError), transaction.atomic():
            mechanism(scene, code, valid_from=LONG)
    with pytest.raises(IntegrityError), transaction.atomic():
        mechanism(scene, FAR, kind="fixed")
    with pytest.raises(IntegrityError), transaction.atomic():
        mechanism(scene, FAR, legal_form="person")
