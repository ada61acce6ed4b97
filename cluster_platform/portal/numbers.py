"""Numbers with their units, as on bills."""

from billing.numbers import (
    GAP,
    MINUS,
    kw_number,
    kwh,
    kwh_number,
    number,
    percent,
    pln,
    pln_unit,
    price,
    price_unit,
    signed,
)

__all__ = [
    "GAP", "MINUS", "kw_number", "kwh", "kwh_number", "number", "percent", "pln", "pln_unit", "price", "price_unit",
    "signed",
]  # fmt: skip
