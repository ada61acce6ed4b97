"""The engine's parts against hand-made figures, and what it refuses."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearing.domain import program
from clearing.domain.clear import clear
from clearing.domain.errors import ClearingError, InputError, NotOptimal, NotWhole, SolverFailed
from clearing.domain.grid import GridNode, build_pools
from clearing.domain.members import fee_table, prepare
from clearing.domain.model import scattered
from clearing.domain.price import local_price
from clearing.domain.result import ExternalPrices
from clearing.domain.rules import Allocation, PriceRule, Residual, Rules
from clearing.domain.shares import split
from tests.clearing.clusters import Cluster, Point

TREE = {
    "C": GridNode(None, "cluster"),
    "G1": GridNode("C", "substation"),
    "G2": GridNode("C", "substation"),
    "S1": GridNode("G1", "station"),
    "S2": GridNode("G1", "station"),
    "S3": GridNode("G2", "station"),
}
DISCOUNTS = {"station": Decimal("0.25"), "substation": Decimal("0.15"), "cluster": Decimal("0.05")}


def cluster(*points: Point, **changes: object) -> Cluster:
    plain = Cluster(TREE, DISCOUNTS, [33_160], [246_400], [10_300], list(points), ExternalPrices(446_980, 336_980))
    return replace(plain, **changes)


def trades_of(case: Cluster) -> list[tuple[str, str, str, int, int]]:
    trades, levels = case.clear().trades, build_pools(case.nodes, case.discounts).levels
    codes = [point.code for point in case.points]
    return [
        (codes[s], codes[b], levels[level], int(wh), int(fee))
        for s, b, level, wh, fee in zip(
            trades.seller, trades.buyer, trades.level, trades.wh, trades.grid_fee, strict=True
        )
    ]


def test_energy_stays_as_near_as_it_can() -> None:
    case = cluster(
        Point("1", "S1", 0, 500), Point("2", "S1", 0, -300), Point("3", "S2", 0, -100), Point("4", "S3", 0, -400)
    )
    assert trades_of(case) == [
        ("1", "2", "station", 300, 33_160 + 184_800),
        ("1", "3", "substation", 100, 33_160 + 209_440),
        ("1", "4", "cluster", 100, 33_160 + 234_080),
    ]
    result = case.clear()
    assert result.state == "shortage" and result.local_price == 391_980
    assert result.external_bought.tolist() == [0, 0, 0, 300]
    assert result.equalisation.tolist() == [0, 300 * 20_625, 100 * 20_625, -400 * 20_625]
    assert result.operating_cost == 300 * 217_960 + 100 * 242_600 + 100 * 267_240 + 300 * (446_980 + 289_860)


def test_a_level_with_its_parents_discount_is_merged_into_it() -> None:
    case = cluster(
        Point("1", "S1", 0, 500),
        Point("2", "S1", 0, -300),
        Point("3", "S2", 0, -300),
        discounts=DISCOUNTS | {"station": Decimal("0.15")},
    )
    assert [trade[1:4] for trade in trades_of(case)] == [("2", "substation", 250), ("3", "substation", 250)]


def test_the_buyer_with_the_dearer_fee_is_served_first() -> None:
    case = cluster(
        Point("1", "S1", 0, 100),
        Point("2", "S1", 0, -100),
        Point("3", "S1", 1, -100),
        full=[0, 0],
        discounted=[100_000, 300_000],
        waived=[0, 0],
    )
    assert case.clear().local_bought.tolist() == [0, 0, 100]
    assert case.clear().equalisation.tolist() == [0, -2_750_000, 2_750_000]
    assert case.with_rules(residual=Residual.INDIVIDUAL).clear().equalisation.tolist() == [0, 0, 0]
    assert case.with_rules(allocation=Allocation.PRO_RATA).clear().local_bought.tolist() == [0, 50, 50]


def test_rates_waived_locally_draw_energy_to_those_who_pay_them() -> None:
    case = cluster(
        Point("1", "S1", 0, 10),
        Point("2", "S3", 0, -10),
        Point("3", "S1", 1, -10),
        full=[0, 0],
        discounted=[0, 100],
        waived=[50, 0],
    )
    assert trades_of(case) == [("1", "2", "cluster", 10, 0)]


def test_odd_watt_hours_go_by_metering_point_code() -> None:
    case = cluster(Point("9", "S1", 0, 5), Point("7", "S1", 0, -9), Point("3", "S1", 0, -9), Point("5", "S1", 0, -9))
    assert case.clear().local_bought.tolist() == [0, 1, 2, 2]


def test_static_keys_recycle_what_a_buyer_cannot_use() -> None:
    points = [
        Point("1", "S1", 0, 1000),
        Point("2", "S1", 0, -100, key=50),
        Point("3", "S1", 0, -600, key=30),
        Point("4", "S3", 0, -600, key=20),
        Point("5", "S3", 0, -600),
    ]
    case = cluster(*points, rules=Rules(allocation=Allocation.STATIC))
    assert case.clear().local_bought.tolist() == [0, 100, 540, 360, 0]
    small = replace(case, points=[replace(points[0], net=1500), *points[1:]])
    assert small.clear().local_bought.tolist() == [0, 100, 600, 600, 200]


def test_a_holder_of_several_points_has_one_key() -> None:
    case = cluster(
        Point("1", "S1", 0, 300),
        Point("2", "S1", 0, -200, "A", 1),
        Point("3", "S3", 0, -100, "A", 1),
        Point("4", "S3", 0, -300, "B", 1),
        rules=Rules(allocation=Allocation.STATIC),
    )
    assert case.clear().local_bought.tolist() == [0, 100, 50, 150]


@pytest.mark.parametrize(
    "points",
    [[], [Point("1", "S1", 0, 0)], [Point("1", "S1", 0, 70)], [Point("1", "S1", 0, -70), Point("2", "S2", 0, -1)]],
)
def test_without_local_energy_there_is_no_trade_and_no_price(points: list[Point]) -> None:
    result = cluster(*points).clear()
    assert result.local_price is None and result.matched_wh == 0 and not len(result.trades.wh)
    assert result.external_bought.sum() == result.external_import_wh
    assert result.external_sold.sum() == result.external_export_wh
    assert not result.equalisation.any()


@pytest.mark.parametrize(
    ("rules", "surplus", "shortage", "floor", "cap", "price"),
    [
        (Rules(), 1, 2, 336_980, 446_980, 391_980),
        (Rules(), 1, 2, 0, 1, 1),
        (Rules(), 1, 2, -1, 0, -1),
        (Rules(price_share=Fraction(1, 3)), 1, 2, 100, 200, 133),
        (Rules(), 1, 2, 300, 201, 251),
        (Rules(price_rule=PriceRule.FIXED, fixed_price=150), 1, 2, 100, 200, 150),
        (Rules(price_rule=PriceRule.FIXED, fixed_price=250), 1, 2, 100, 200, 200),
        (Rules(price_rule=PriceRule.FIXED, fixed_price=50), 1, 2, 100, 200, 100),
        (Rules(price_rule=PriceRule.SUPPLY_DEMAND_RATIO, price_share=Fraction(0)), 2, 2, 100, 200, 100),
        (Rules(price_rule=PriceRule.SUPPLY_DEMAND_RATIO, price_share=Fraction(0)), 1, 2, 100, 200, 133),
        (Rules(price_rule=PriceRule.SUPPLY_DEMAND_RATIO, price_share=Fraction(1, 2)), 1, 2, 100, 200, 171),
        (Rules(price_rule=PriceRule.SUPPLY_DEMAND_RATIO, price_share=Fraction(0)), 1, 2, -100, 200, -100),
    ],
)
def test_price_rules(rules: Rules, surplus: int, shortage: int, floor: int, cap: int, price: int) -> None:
    assert local_price(rules, surplus, shortage, floor, cap) == price


@given(st.lists(st.tuples(st.integers(-(10**16), 10**16), st.lists(st.integers(0, 5 * 10**8), max_size=6)), max_size=4))
def test_split_is_the_largest_remainder_of_each_group(groups: list[tuple[int, list[int]]]) -> None:
    weights = [weight for _, own in groups for weight in own]
    group = [number for number, (_, own) in enumerate(groups) for _ in own]
    parts = split(
        np.array([total for total, _ in groups], dtype=np.int64),
        np.array(weights, dtype=np.int64),
        np.array(group, dtype=np.int64),
    ).tolist()
    for number, (total, own) in enumerate(groups):
        mine = [part for part, at in zip(parts, group, strict=True) if at == number]
        whole = sum(own)
        if not whole:
            assert not any(mine)
            continue
        exact = [Fraction(total * weight, whole) for weight in own]
        assert sum(mine) == total
        raised = [part - share.__floor__() for part, share in zip(mine, exact, strict=True)]
        assert set(raised) <= {0, 1}
        rank = sorted(range(len(own)), key=lambda i: (exact[i].__floor__() - exact[i], i))
        assert [raised[i] for i in rank] == sorted(raised, reverse=True)


def test_second_costs_are_distinct() -> None:
    assert len(set(scattered(100_000).tolist())) == 100_000


def refusals() -> list[tuple[str, Cluster]]:
    point, other = Point("1", "S1", 0, 5), Point("2", "S1", 0, -5)
    return [
        ("less than", cluster(point, discounts=DISCOUNTS | {"station": Decimal("0.10")})),
        ("no discount", cluster(point, discounts={"cluster": Decimal(0)})),
        ("between 0 and 1", cluster(point, discounts=DISCOUNTS | {"station": Decimal("1.10")})),
        ("cycle", cluster(point, nodes=TREE | {"S1": GridNode("S2", "station"), "S2": GridNode("S1", "station")})),
        ("one root", cluster(point, nodes=TREE | {"X": GridNode(None, "cluster")})),
        ("not a node", cluster(point, nodes=TREE | {"S1": GridNode("G9", "station")})),
        ("unknown grid nodes: S9", cluster(replace(point, node="S9"))),
        ("twice", cluster(point, replace(other, code="1"))),
        ("fee profile", cluster(replace(point, profile=1))),
        ("cost more", cluster(point, discounted=[0], waived=[-1])),
        ("more than", cluster(replace(point, net=2_000_000_000), replace(other, net=-2_000_000_000))),
        ("beyond", cluster(point, prices=ExternalPrices(10**10, 0))),
        ("static key", cluster(replace(point, holder="A", key=1), replace(other, holder="A", key=2))),
        ("without a single key", cluster(point, other, rules=Rules(allocation=Allocation.STATIC))),
    ]


@pytest.mark.parametrize(("message", "case"), refusals(), ids=[message for message, _ in refusals()])
def test_what_contradicts_itself_is_refused(message: str, case: Cluster) -> None:
    with pytest.raises(InputError, match=message):
        case.clear()


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="fee table"):
        fee_table(np.zeros(2, dtype=np.int64), np.zeros((1, 3), dtype=np.int64))
    members = prepare(build_pools(TREE, DISCOUNTS), ["1"], ["S1"], [0])
    fees = fee_table(np.zeros(1, dtype=np.int64), np.zeros((1, 3), dtype=np.int64))
    with pytest.raises(InputError, match="shape"):
        clear(members, fees, np.zeros(2, dtype=np.int64), ExternalPrices(0, 0), Rules())
    with pytest.raises(InputError, match="levels"):
        narrow = fee_table(fees.external, fees.local[:, :2])
        clear(members, narrow, np.zeros(1, dtype=np.int64), ExternalPrices(0, 0), Rules())


def test_an_answer_of_the_solver_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    case = cluster(Point("1", "S1", 0, 100), Point("2", "S1", 0, -70), Point("3", "S2", 0, -70))
    honest = program._run

    def tampered(by: float) -> object:
        def run(asked: program.Program, solver: str) -> tuple[np.ndarray, np.ndarray]:
            x, dual = honest(asked, solver)
            return x + by * np.resize([1.0, -1.0], len(x)), dual

        return run

    for by, refused in ((0.5, NotWhole), (1.0, NotOptimal)):
        monkeypatch.setattr(program, "_run", tampered(by))
        with pytest.raises(refused):
            case.clear()


def test_unknown_solver_is_refused_and_is_of_the_one_family() -> None:
    with pytest.raises(SolverFailed, match="unknown solver"):
        cluster(Point("1", "S1", 0, 1), Point("2", "S1", 0, -1)).clear("GLPK")
    assert issubclass(SolverFailed, ClearingError)


def test_solvers_write_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for solver in program.SOLVERS:
        cluster(Point("1", "S1", 0, 9), Point("2", "S1", 0, -9), Point("3", "S2", 0, -9)).clear(solver)
    assert capfd.readouterr() == ("", "")
