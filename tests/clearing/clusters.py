"""Small random clusters for the engine's property tests, and what they need to be cleared."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from clearing.domain.clear import clear
from clearing.domain.grid import GridNode, build_pools
from clearing.domain.members import Members, fee_table, prepare
from clearing.domain.program import HIGHS
from clearing.domain.result import Cleared, ExternalPrices
from clearing.domain.rules import Allocation, PriceRule, Residual, Rules
from clearing.package.settled import settled_lines

# From far to near; names whose text order is another one.
LEVELS = ("cluster", "substation", "station", "house")


@dataclass(frozen=True)
class Point:
    code: str
    node: str
    profile: int
    net: int
    holder: str = ""
    key: int = 0


@dataclass(frozen=True)
class Cluster:
    """A cluster in one interval, in the plainest terms."""

    nodes: dict[str, GridNode]
    discounts: dict[str, Decimal]
    full: list[int]
    discounted: list[int]
    waived: list[int]
    points: list[Point]
    prices: ExternalPrices
    rules: Rules = field(default_factory=Rules)

    def fee(self, profile: int, level: str | None) -> int:
        """Grid fee in micro-PLN/kWh: of energy from outside, or of local energy that comes over a level."""
        if level is None:
            return self.full[profile] + self.discounted[profile] + self.waived[profile]
        rate = self.discounted[profile] * (1 - self.discounts[level])
        return self.full[profile] + int((rate + Decimal("0.5")).to_integral_value("ROUND_FLOOR"))

    def path(self, node: str) -> list[str]:
        """The node and its ancestors, root last."""
        path = [node]
        while (parent := self.nodes[path[-1]].parent) is not None:
            path.append(parent)
        return path

    def common_level(self, one: str, other: str) -> str:
        above = set(self.path(other))
        return self.nodes[next(node for node in self.path(one) if node in above)].level

    def members(self) -> Members:
        return prepare(
            build_pools(self.nodes, self.discounts),
            [point.code for point in self.points],
            [point.node for point in self.points],
            [point.profile for point in self.points],
            [point.holder or point.code for point in self.points],
            [point.key for point in self.points],
        )

    def clear(self, solver: str = HIGHS) -> Cleared:
        members = self.members()
        levels = members.pools.levels
        profiles = range(len(self.full))
        fees = fee_table(
            np.array([self.fee(profile, None) for profile in profiles], dtype=np.int64),
            np.array([[self.fee(profile, level) for level in levels] for profile in profiles]).reshape(
                len(profiles), len(levels)
            ),
        )
        net = np.array([point.net for point in self.points], dtype=np.int64)
        return clear(members, fees, net, self.prices, self.rules, solver)

    def digest(self, solver: str = HIGHS) -> str:
        """The content digest of the interval's package lines, which covers every figure of the result."""
        return digest_of(self, self.clear(solver))

    def with_rules(self, **changes: object) -> "Cluster":
        return replace(self, rules=replace(self.rules, **changes))


def digest_of(cluster: Cluster, result: Cleared) -> str:
    return settled_lines("2026-06-01T10:00:00Z", cluster.members(), cluster.prices, result).content_digest()


PRICES = st.builds(ExternalPrices, st.integers(-200_000, 900_000), st.integers(-300_000, 600_000))
RULES = st.builds(
    Rules,
    allocation=st.sampled_from(Allocation),
    price_rule=st.sampled_from(PriceRule),
    price_share=st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1), Fraction(1, 3)]),
    fixed_price=st.integers(-100_000, 700_000),
    residual=st.sampled_from(Residual),
)


@st.composite
def grids(draw: st.DrawFn) -> dict[str, GridNode]:
    """Trees of up to seven nodes and four levels; a level may be skipped, or follow itself."""
    ranks = [draw(st.integers(0, 1))]
    nodes = {"N0": GridNode(None, LEVELS[ranks[0]])}
    for number in range(1, draw(st.integers(1, 7))):
        parent = draw(st.integers(0, number - 1))
        ranks.append(draw(st.integers(ranks[parent], len(LEVELS) - 1)))
        nodes[f"N{number}"] = GridNode(f"N{parent}", LEVELS[ranks[-1]])
    return nodes


@st.composite
def clusters(draw: st.DrawFn, rules: st.SearchStrategy[Rules] = RULES) -> Cluster:
    """Clusters of up to nine points; ties in fees, discounts and amounts are frequent."""
    nodes = draw(grids())
    steps = sorted(draw(st.lists(st.sampled_from([0, 5, 15, 25, 100]), min_size=4, max_size=4)))
    rate = st.sampled_from([0, 1, 7, 55_800, 246_400, 319_200])
    profiles = draw(st.integers(1, 4))
    rates = [draw(st.lists(rate, min_size=profiles, max_size=profiles)) for _ in range(3)]
    net = st.one_of(st.integers(-6, 6), st.integers(-3000, 3000))
    points = [
        Point(
            code=f"{draw(st.integers(0, 9))}{number}",
            node=draw(st.sampled_from(sorted(nodes))),
            profile=draw(st.integers(0, profiles - 1)),
            net=draw(net),
            key=number % 4 + 1,
        )
        for number in range(draw(st.integers(0, 9)))
    ]
    return Cluster(
        nodes,
        dict(zip(LEVELS, (Decimal(s) / 100 for s in steps), strict=True)),
        *rates,
        points,
        draw(PRICES),
        draw(rules),
    )
