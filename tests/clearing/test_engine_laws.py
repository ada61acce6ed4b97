"""The laws of every interval, on random clusters, against a second solver on the full pairwise problem."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearing.domain.grid import GridNode
from clearing.domain.program import CBC
from clearing.domain.result import ExternalPrices
from clearing.domain.rules import Allocation, PriceRule, Residual, Rules
from tests.clearing.clusters import RULES, Cluster, Point, clusters, digest_of

MIN_COST = RULES.filter(lambda rules: rules.allocation is Allocation.MIN_COST)


def pairwise_cost(cluster: Cluster, need: list[int], offer: list[int]) -> int:
    """Least cost of matching need with offer pair by pair (networkx, whole numbers), the rest settled outside."""
    shortage, surplus = sum(need), sum(offer)
    matched = min(shortage, surplus)
    graph = nx.DiGraph()
    graph.add_node("import", demand=matched - shortage)
    graph.add_node("export", demand=surplus - matched)
    for point, wanted in zip(cluster.points, need, strict=True):
        graph.add_node(("buyer", point.code), demand=wanted)
        graph.add_edge("import", ("buyer", point.code), weight=cluster.prices.buy + cluster.fee(point.profile, None))
    for point, offered in zip(cluster.points, offer, strict=True):
        graph.add_node(("seller", point.code), demand=-offered)
        graph.add_edge(("seller", point.code), "export", weight=-cluster.prices.sell)
        for buyer in cluster.points:
            fee = cluster.fee(buyer.profile, cluster.common_level(point.node, buyer.node))
            graph.add_edge(("seller", point.code), ("buyer", buyer.code), weight=fee)
    cost, _ = nx.network_simplex(graph)
    return cost


@settings(max_examples=300, deadline=None)
@given(clusters(MIN_COST))
def test_costs_the_optimum_of_the_pairwise_problem(cluster: Cluster) -> None:
    need = [max(-point.net, 0) for point in cluster.points]
    offer = [max(point.net, 0) for point in cluster.points]
    assert cluster.clear().operating_cost == pairwise_cost(cluster, need, offer)


@settings(max_examples=150, deadline=None)
@given(clusters(RULES.filter(lambda rules: rules.allocation is not Allocation.MIN_COST)))
def test_costs_the_optimum_for_the_totals_of_the_rule(cluster: Cluster) -> None:
    result = cluster.clear()
    outside = sum(
        int(wh) * (cluster.prices.buy + cluster.fee(point.profile, None))
        for wh, point in zip(result.external_bought, cluster.points, strict=True)
    ) - cluster.prices.sell * int(result.external_sold.sum())
    local = pairwise_cost(cluster, result.local_bought.tolist(), result.local_sold.tolist())
    assert result.operating_cost == local + outside


@settings(max_examples=200, deadline=None)
@given(clusters())
def test_energy_and_money_add_up(cluster: Cluster) -> None:
    result = cluster.clear()
    trades = result.trades
    surplus = sum(max(point.net, 0) for point in cluster.points)
    shortage = sum(max(-point.net, 0) for point in cluster.points)
    matched = min(surplus, shortage)
    assert (result.surplus_wh, result.shortage_wh, result.matched_wh) == (surplus, shortage, matched)
    assert (result.external_import_wh, result.external_export_wh) == (shortage - matched, surplus - matched)
    assert result.state == ("surplus" if surplus > shortage else "shortage" if surplus < shortage else "balanced")
    paid = received = 0
    for i, point in enumerate(cluster.points):
        bought, sold = int(result.local_bought[i]), int(result.local_sold[i])
        assert min(bought, sold, result.external_bought[i], result.external_sold[i]) >= 0
        assert bought + result.external_bought[i] == max(-point.net, 0)
        assert sold + result.external_sold[i] == max(point.net, 0)
        assert trades.wh[trades.buyer == i].sum() == bought
        assert trades.wh[trades.seller == i].sum() == sold
        price, even = result.local_price or 0, int(result.equalisation[i])
        if point.net < 0:
            assert result.external_fee[i] == cluster.fee(point.profile, None)
            paid += bought * price + int(result.external_bought[i]) * cluster.prices.buy + even
        elif point.net > 0:
            received += sold * price + int(result.external_sold[i]) * cluster.prices.sell - even
        else:
            assert even == 0
    assert result.local_bought.sum() == result.local_sold.sum() == matched
    assert paid == received + (shortage - matched) * cluster.prices.buy - (surplus - matched) * cluster.prices.sell


@settings(max_examples=150, deadline=None)
@given(clusters())
def test_trades_are_few_and_pay_the_fee_of_their_common_ancestor(cluster: Cluster) -> None:
    trades = cluster.clear().trades
    codes = [point.code for point in cluster.points]
    keys = [
        (codes[s], codes[b], int(level)) for s, b, level in zip(trades.seller, trades.buyer, trades.level, strict=True)
    ]
    assert keys == sorted(set(keys))
    assert (trades.wh > 0).all()
    assert len(keys) <= 4 * len(codes)
    for seller, buyer, fee in zip(trades.seller, trades.buyer, trades.grid_fee, strict=True):
        one, other = cluster.points[seller], cluster.points[buyer]
        assert fee == cluster.fee(other.profile, cluster.common_level(one.node, other.node))


@settings(max_examples=150, deadline=None)
@given(clusters())
def test_price_lies_between_floor_and_cap(cluster: Cluster) -> None:
    result, (buy, sell) = cluster.clear(), cluster.prices
    assert result.inverted == (sell > buy)
    if not result.matched_wh:
        assert result.local_price is None
    elif result.inverted:
        assert abs(2 * result.local_price - buy - sell) <= 1
    else:
        assert sell <= result.local_price <= buy


@settings(max_examples=150, deadline=None)
@given(clusters(RULES.filter(lambda rules: rules.residual is Residual.POOLED)))
def test_pooled_gives_each_side_one_blended_price(cluster: Cluster) -> None:
    result, (buy, sell) = cluster.clear(), cluster.prices
    if not result.matched_wh:
        assert not result.equalisation.any()
        return
    cost = result.local_price * result.matched_wh + buy * result.external_import_wh
    receipt = result.local_price * result.matched_wh + sell * result.external_export_wh
    assert result.equalisation[result.net_wh < 0].sum() == 0
    assert result.equalisation[result.net_wh > 0].sum() == 0
    for i, net in enumerate(result.net_wh.tolist()):
        even, price = int(result.equalisation[i]), result.local_price
        if net < 0:
            own = int(result.local_bought[i]) * price + int(result.external_bought[i]) * buy
            assert abs(own + even - Fraction(cost * -net, result.shortage_wh)) < 1
        elif net > 0:
            own = int(result.local_sold[i]) * price + int(result.external_sold[i]) * sell
            assert abs(own - even - Fraction(receipt * net, result.surplus_wh)) < 1


@settings(max_examples=200, deadline=None)
@given(clusters(RULES.filter(lambda rules: rules.allocation is not Allocation.STATIC)))
def test_equals_are_treated_equally_to_one_watt_hour_a_level(cluster: Cluster) -> None:
    result = cluster.clear()
    levels = len({node.level for node in cluster.nodes.values()}) + (cluster.rules.allocation != Allocation.MIN_COST)
    for i, one in enumerate(cluster.points):
        for j, other in enumerate(cluster.points[:i]):
            if one.node != other.node or one.net * other.net <= 0:
                continue
            if one.net < 0 and any(
                cluster.fee(one.profile, None) - cluster.fee(one.profile, node.level)
                != cluster.fee(other.profile, None) - cluster.fee(other.profile, node.level)
                for node in cluster.nodes.values()
            ):
                continue
            energy = result.local_bought if one.net < 0 else result.local_sold
            apart = abs(int(energy[i]) * abs(other.net) - int(energy[j]) * abs(one.net))
            assert apart <= levels * (abs(one.net) + abs(other.net))


@settings(max_examples=150, deadline=None)
@given(clusters(), st.randoms(use_true_random=False))
def test_order_of_the_input_changes_no_byte(cluster: Cluster, random: Random) -> None:
    points, nodes = list(cluster.points), list(cluster.nodes.items())
    random.shuffle(points)
    random.shuffle(nodes)
    shuffled = Cluster(
        dict(nodes),
        cluster.discounts,
        cluster.full,
        cluster.discounted,
        cluster.waived,
        points,
        cluster.prices,
        cluster.rules,
    )
    assert shuffled.digest() == cluster.digest()


@settings(max_examples=100, deadline=None)
@given(clusters())
def test_both_solvers_settle_the_same(cluster: Cluster) -> None:
    highs, cbc = cluster.clear(), cluster.clear(CBC)
    assert highs.operating_cost == cbc.operating_cost
    assert digest_of(cluster, highs) == digest_of(cluster, cbc)


@pytest.mark.parametrize("seed", range(4))
def test_a_larger_cluster_with_many_ties(seed: int) -> None:
    random = Random(seed)
    nodes = {"C": GridNode(None, "cluster")} | {f"G{n}": GridNode("C", "substation") for n in range(3)}
    nodes |= {f"S{n}": GridNode(f"G{n % 3}", "station") for n in range(12)}
    points = [
        Point(
            f"{n:03}", f"S{random.randrange(12)}", random.randrange(4), random.randint(-1, 1) * random.randint(1, 900)
        )
        for n in range(200)
    ]
    discounts = {"station": Decimal("0.25"), "substation": Decimal("0.15"), "cluster": Decimal("0.05")}
    rates = [0, 0, 0, 0], [100_000, 200_000, 200_000, 0], [0, 0, 30_000, 30_000]
    cluster = Cluster(nodes, discounts, *rates, points, ExternalPrices(446_980, 336_980))
    result = cluster.clear()
    need, offer = [max(-point.net, 0) for point in points], [max(point.net, 0) for point in points]
    assert result.operating_cost == pairwise_cost(cluster, need, offer)
    assert digest_of(cluster, result) == cluster.digest(CBC)


def largest_remainder(total: int, weights: list[int]) -> list[int]:
    """The textbook way, in fractions."""
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = [share.__floor__() for share in exact]
    ranked = sorted(range(len(weights)), key=lambda i: (parts[i] - exact[i], i))
    for i in ranked[: total - sum(parts)]:
        parts[i] += 1
    return parts


@settings(max_examples=100, deadline=None)
@given(clusters(st.just(Rules(allocation=Allocation.PRO_RATA, price_rule=PriceRule.MID_MARKET))))
def test_pro_rata_gives_everybody_the_same_local_share(cluster: Cluster) -> None:
    result = cluster.clear()
    order = sorted(range(len(cluster.points)), key=lambda i: cluster.points[i].code)
    for sign, energy in ((-1, result.local_bought), (1, result.local_sold)):
        amounts = [max(sign * cluster.points[i].net, 0) for i in order]
        if result.matched_wh:
            assert energy[order].tolist() == largest_remainder(result.matched_wh, amounts)
        else:
            assert not energy.any()
