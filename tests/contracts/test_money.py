"""Rounding and the whole numbers of money."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.domain.money import (
    MoneyError,
    divide_half_up,
    from_micro,
    from_nano,
    half_up,
    times_half_up,
    to_micro,
)


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**9))
def test_division_rounds_half_away_from_zero(numerator: int, denominator: int) -> None:
    exact = abs(Fraction(numerator, denominator))
    whole = int(exact + Fraction(1, 2))
    assert divide_half_up(numerator, denominator) == (whole if numerator >= 0 else -whole)


@given(st.decimals(-1000, 1000, places=5), st.integers(0, 4))
def test_half_up_agrees_with_whole_numbers(value: Decimal, places: int) -> None:
    expected = divide_half_up(int(value.scaleb(5)), 10 ** (5 - places))
    assert half_up(value, places) == Decimal(expected).scaleb(-places)
    assert str(half_up(value, places)) != "-0.00"


@given(st.integers(-(10**12), 10**12))
def test_micro_and_decimal_are_the_same_number(micro: int) -> None:
    assert to_micro(from_micro(micro)) == micro
    assert from_nano(micro * 1000) == from_micro(micro)


@given(st.integers(-(10**9), 10**9), st.decimals(0, 1, places=6))
def test_a_share_of_a_price_is_rounded_once(micro: int, share: Decimal) -> None:
    assert times_half_up(micro, share) == int(half_up(Decimal(micro) * share, 0))


def test_more_decimals_than_money_has_are_refused() -> None:
    with pytest.raises(MoneyError, match="more than 6 decimals"):
        to_micro(Decimal("0.1234567"))
    with pytest.raises(MoneyError):
        to_micro(Decimal("NaN"))
