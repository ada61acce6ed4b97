"""Whole numbers for money: micro-PLN per kWh for prices, nano-PLN for amounts.

`wh × micro-PLN/kWh = nano-PLN`, exactly (1 Wh = 10⁻³ kWh, so 10⁻³ × 10⁻⁶ PLN). Decimals appear only at the edges.
Rounding is half up, away from zero, everywhere.
"""

from decimal import ROUND_HALF_UP, Context, Decimal

MICRO = 10**6
NANO = 10**9

_WIDE = Context(prec=60)


class MoneyError(ValueError):
    """A number with more decimals than its kind of money has."""


def half_up(value: Decimal, places: int) -> Decimal:
    """`value` with `places` decimals, half up (away from zero), never `-0`.

    >>> half_up(Decimal("-0.125"), 2), half_up(Decimal("-0.001"), 2)
    (Decimal('-0.13'), Decimal('0.00'))
    """
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _WIDE)
    return rounded.copy_abs() if rounded.is_zero() else rounded


def is_vat_of(net: Decimal, vat: Decimal) -> bool:
    """Whether an invoice with this net total can have this VAT: of the same sign and not more, or none.

    >>> is_vat_of(Decimal(100), Decimal(23)), is_vat_of(Decimal(100), Decimal(123)), is_vat_of(Decimal(-1), Decimal(1))
    (True, False, False)
    """
    return 0 <= vat <= net or net <= vat <= 0


def divide_half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` as a whole number, half up (away from zero); denominator > 0.

    >>> divide_half_up(5, 2), divide_half_up(-5, 2), divide_half_up(4, 3)
    (3, -3, 1)
    """
    if denominator <= 0:
        raise MoneyError(f"can't divide by {denominator}")
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient


def scaled(value: Decimal, places: int) -> int:
    """`value × 10^places` when that is whole; refuses a value with more decimals."""
    number = value.scaleb(places, _WIDE)
    if not number.is_finite() or number != number.to_integral_value():
        raise MoneyError(f"{value} has more than {places} decimals")
    return int(number)


def to_micro(value: Decimal) -> int:
    """PLN with at most 6 decimals as micro-PLN."""
    return scaled(value, 6)


def from_micro(micro: int) -> Decimal:
    """Micro-PLN as PLN with 6 decimals."""
    return Decimal(micro).scaleb(-6, _WIDE)


def from_nano(nano: int) -> Decimal:
    """Nano-PLN as PLN with 9 decimals."""
    return Decimal(nano).scaleb(-9, _WIDE)


def times_half_up(micro: int, factor: Decimal) -> int:
    """`micro × factor` as whole micro-PLN, half up.

    >>> times_half_up(246400, Decimal("0.75")), times_half_up(5, Decimal("0.5"))
    (184800, 3)
    """
    numerator, denominator = factor.as_integer_ratio()
    return divide_half_up(micro * numerator, denominator)
