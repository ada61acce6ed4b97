"""The one price of local energy."""

from fractions import Fraction

from clearing.domain.rules import PriceRule, Rules


def half_away(value: Fraction) -> int:
    """Round to a whole number, halves away from zero.

    >>> [half_away(Fraction(n, 2)) for n in (-3, -1, 1, 3)]
    [-2, -1, 1, 2]
    """
    size = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return size if value >= 0 else -size


def local_price(rules: Rules, surplus_wh: int, shortage_wh: int, floor: int, cap: int) -> int:
    """Price of local energy in micro-PLN/kWh; floor and cap are the external sell and buy prices in the same unit.

    Above the cap a floor makes no sense (the interval is *inverted*): then it is their mean, whatever the rule.
    supply_demand_ratio: N. Liu et al., "Energy-Sharing Model With Price-Based Demand Response for Microgrids of
    Peer-to-Peer Prosumers", IEEE Trans. Power Systems 32 (2017), eqs. 12-14, with compensation.
    """
    if floor > cap:
        return half_away(Fraction(floor + cap, 2))
    if rules.price_rule is PriceRule.FIXED:
        return min(max(rules.fixed_price, floor), cap)
    raised = floor + rules.price_share * (cap - floor)
    if rules.price_rule is PriceRule.MID_MARKET or surplus_wh >= shortage_wh or raised <= 0:
        return half_away(Fraction(raised))
    ratio = Fraction(surplus_wh, shortage_wh)
    return half_away(Fraction(cap * raised / ((cap - raised) * ratio + raised)))
