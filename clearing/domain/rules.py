"""The dated settings of a cluster that clearing obeys."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Allocation(StrEnum):
    """Who may take part in local energy, and with how much."""

    MIN_COST = "min_cost"
    PRO_RATA = "pro_rata"
    STATIC = "static"


class PriceRule(StrEnum):
    """How the one price of local energy is found."""

    MID_MARKET = "mid_market"
    SUPPLY_DEMAND_RATIO = "supply_demand_ratio"
    FIXED = "fixed"


class Residual(StrEnum):
    """Who bears the external price: each participant for its own rest, or all of a side together."""

    INDIVIDUAL = "individual"
    POOLED = "pooled"


@dataclass(frozen=True)
class Rules:
    """Settings of one interval.

    price_share     mid_market: the price's place between floor (0) and cap (1); supply_demand_ratio: the
                    compensation share k
    fixed_price     micro-PLN/kWh, for the rule `fixed`
    """

    allocation: Allocation = Allocation.MIN_COST
    price_rule: PriceRule = PriceRule.MID_MARKET
    price_share: Fraction = Fraction(1, 2)
    fixed_price: int = 0
    residual: Residual = Residual.POOLED
