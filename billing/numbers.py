"""Numbers with their units, as the reader's language writes them."""

from decimal import Decimal
from functools import cache

from django.utils.formats import get_format
from django.utils.translation import get_language, pgettext

from contracts.domain.money import half_up

MINUS = "\N{MINUS SIGN}"
GAP = "\N{NO-BREAK SPACE}"


def number(value: Decimal | int | float, places: int = 0) -> str:
    """`value` with `places` decimals, half up, thousands set apart."""
    return f"{half_up(Decimal(str(value)), places):,f}".translate(_signs(get_language()))


@cache  # a bill has two hundred numbers
def _signs(language: str) -> dict[int, str]:
    thousands, decimals = (get_format(f"{kind}_SEPARATOR", language) for kind in ("THOUSAND", "DECIMAL"))
    return str.maketrans({"-": MINUS, ",": thousands, ".": decimals})


def signed(value: Decimal | int | float, places: int = 0) -> str:
    """`number` with its sign, also where it is positive; what rounds to nothing has none."""
    text = number(value, places)
    return f"+{text}" if value > 0 and text != number(0, places) else text


def kwh_number(wh: int) -> str:
    """Energy in kWh with as many digits as matter: 0.412, 41.3, 429."""
    places = 3 if abs(wh) < 10_000 else 1 if abs(wh) < 100_000 else 0
    return number(Decimal(wh).scaleb(-3), places if wh else 0)


def kwh(wh: int) -> str:
    return f"{kwh_number(wh)}{GAP}kWh"


def kw_number(wh: int) -> str:
    """Mean power (kW) of one quarter-hour's energy (Wh)."""
    return number(Decimal(wh * 4).scaleb(-3), 1 if abs(wh) >= 250 else 3 if wh else 0)


def pln_unit() -> str:
    return pgettext("unit", "PLN")


def price_unit() -> str:
    return pgettext("unit", "PLN/kWh")


def pln(value: Decimal, places: int = 2) -> str:
    return f"{number(value, places)}{GAP}{pln_unit()}"


def price(value: Decimal) -> str:
    return f"{number(value, 3)}{GAP}{price_unit()}"


def percent(share: Decimal) -> str:
    """A share of one as a whole percentage."""
    return f"{number(share * 100)}{GAP}%"
