"""How a bill writes days, amounts, accounts and names. All in the language in force."""

import unicodedata
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from django.utils.formats import date_format
from django.utils.translation import gettext

from billing.domain.documents import Party
from billing.numbers import number
from billing.words import UNITS, UNITS_IN_PART, dated, said
from metering.domain.calendar import next_month

GAP = "\N{NO-BREAK SPACE}"
#: Blocks that the PDF's font draws whole: Latin, Greek and Cyrillic letters, punctuation and signs of currencies.
DRAWN = ((0x20, 0x250), (0x384, 0x3FF), (0x400, 0x460), (0x1E00, 0x1F00), (0x2010, 0x2028), (0x2030, 0x203B))
DRAWN_TOO = frozenset("€™→−≤≥×")
NOT_DRAWN = "?"


@lru_cache(4096)  # bills repeat the same words
def drawable(text: str) -> str:
    """On one line, composed, with `?` for what the font of an archival PDF does not have."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(letter if _is_drawn(letter) else NOT_DRAWN for letter in composed)


def _is_drawn(letter: str) -> bool:
    if letter in DRAWN_TOO:
        return True
    # Controls, and what is assigned to nothing.
    known = unicodedata.category(letter)[0] != "C"
    return known and any(first <= ord(letter) < end for first, end in DRAWN)


def money(value: Decimal) -> str:
    """PLN with two decimals, without its unit."""
    return number(value, 2)


def day(value: date) -> str:
    return dated(value, "DATE_FORMAT")


def short_day(value: date) -> str:
    return date_format(value, "SHORT_DATE_FORMAT")


def span(first: date, end: date) -> str:
    """A whole month by its name, else from the first to the last day."""
    if first.day == 1 and end == next_month(first):
        return dated(first, "F Y")
    last = end - timedelta(days=1)
    return short_day(first) if first == last else f"{short_day(first)} – {short_day(last)}"


def account(iban: str) -> str:
    """In groups of four, as on transfer forms; a Polish one as PL and 2 + 6 × 4 digits."""
    compact = iban.replace(" ", "")
    groups = [compact[start : start + 4] for start in range(0, len(compact), 4)]
    return GAP.join(groups)


def quantity(value: Decimal, unit: str) -> str:
    """With its unit: whole where it is whole, energy to the watt-hour."""
    whole = value == value.to_integral_value()
    places = 3 if unit == "kWh" or not whole else 0
    return f"{number(value, places)}{GAP}{said(UNITS if whole else UNITS_IN_PART, unit)}"


def unit_price(value: Decimal | None) -> str:
    """With as many decimals as it has, two at least."""
    if value is None:
        return "–"
    places = max(2, -int(value.normalize().as_tuple().exponent))
    return number(value, places)


def rate(value: Decimal | None) -> str:
    """A VAT rate; outside VAT as invoices in Poland say it."""
    if value is None:
        return gettext("outside VAT")
    percent = value * 100
    return f"{number(percent, max(0, -int(percent.normalize().as_tuple().exponent)))}{GAP}%"


def address(party: Party) -> tuple[str, ...]:
    """The lines of a party's address that say something."""
    place = " ".join(part for part in (party.postcode, party.city) if part)
    country = party.country if party.country not in ("", "PL") else ""
    return tuple(drawable(line) for line in (party.street, place, country) if line.strip())
