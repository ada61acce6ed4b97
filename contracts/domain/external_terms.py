"""What the coordinator pays and gets outside: a fixed price, or one that follows the market."""

from dataclasses import dataclass
from decimal import Decimal

from contracts.domain.money import half_up

BUY, SELL = "buy", "sell"
FIXED, INDEXED = "fixed", "indexed"
PRICE_PLACES = 6


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of one direction [PLN/MWh]; `price` of the fixed kind, `factor` and `margin` of the indexed one."""

    direction: str
    kind: str
    price: Decimal | None
    factor: Decimal | None
    margin: Decimal | None
    balancing: Decimal
    balancing_in_price: bool


def price_pln_kwh(terms: Terms, market_pln_mwh: Decimal | None) -> Decimal | None:
    """The price of a quarter-hour [PLN/kWh, 6 decimals, half up]; None while the market's is needed and not known.

    `price` or `market × factor + margin`; a balancing cost that is in the price adds to what is bought at and lessens
    what is sold at.

    >>> price_pln_kwh(Terms("buy", "indexed", None, Decimal("1.02"), Decimal(15), Decimal(4), True), Decimal("427.18"))
    Decimal('0.454724')
    """
    if terms.kind == FIXED:
        price = terms.price or Decimal(0)
    elif market_pln_mwh is None:
        return None
    else:
        price = market_pln_mwh * (terms.factor or Decimal(0)) + (terms.margin or Decimal(0))
    if terms.balancing_in_price:
        price += terms.balancing if terms.direction == BUY else -terms.balancing
    return half_up(price.scaleb(-3), PRICE_PLACES)
