"""Single values of bank files."""

import re
from datetime import date
from decimal import Decimal

from stdnum import iban as iban_check

from billing.formats.words import NO_MONEY, NOT_A_DATE, NOT_AN_ACCOUNT, NOT_AN_AMOUNT, NOT_PLN
from metering.formats.base import Fault

CURRENCY = "PLN"
_AMOUNT = re.compile(r"([+-]?)(\d{1,12})(?:[.,](\d{1,2})0*)?", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})[.\-/](\d{1,2})[.\-/](\d{4})", re.ASCII)
_NRB = re.compile(r"\d{26}", re.ASCII)


class Unreadable(ValueError):
    """A value that can't be read: `text` is one of words, `values` fill it in."""

    def __init__(self, column: str, text: str, **values: str | int) -> None:
        self.column, self.text, self.values = column, text, values
        super().__init__(text)

    def at(self, line: int) -> Fault:
        """The fault in this line."""
        return Fault(line, self.column, self.text % self.values if self.values else self.text)


def account_of(text: str) -> str:
    """An account as banks write it: without spaces, a Polish one (NRB) with its country.

    >>> account_of("61 1090 1014 0000 0712 1981 2874"), account_of("DE89 3704 0044 0532 0130 00"), account_of("123")
    ('PL61109010140000071219812874', 'DE89370400440532013000', '123')
    """
    found = re.sub(r"[\s\-/']", "", text).upper()
    return f"PL{found}" if _NRB.fullmatch(found) else found


def is_iban(text: str) -> bool:
    """Whether this is an IBAN with right check digits."""
    return bool(iban_check.is_valid(text, check_country=False))


def own_account(text: str, column: str) -> str:
    """The account that a statement is of; raises Unreadable."""
    found = account_of(text)
    if not is_iban(found):
        raise Unreadable(column, NOT_AN_ACCOUNT, value=text)
    return found


def amount_of(text: str, column: str) -> Decimal:
    """An amount that is not 0, with comma or point and with spaces between thousands; raises Unreadable.

    >>> amount_of("-1 234,5", "x"), amount_of("10.00", "x")
    (Decimal('-1234.50'), Decimal('10.00'))
    """
    match = _AMOUNT.fullmatch(re.sub(r"[\s\u00a0\u202f']", "", text).replace("−", "-"))
    if match is None:
        raise Unreadable(column, NOT_AN_AMOUNT, value=text)
    amount = Decimal(f"{match[1]}{match[2]}.{(match[3] or '').ljust(2, '0')}")
    if not amount:
        raise Unreadable(column, NO_MONEY)
    return amount


def day_of(text: str, column: str) -> date:
    """A day, year or day first; raises Unreadable."""
    match = _DAY_FIRST.fullmatch(text)
    try:
        return date(int(match[3]), int(match[2]), int(match[1])) if match else date.fromisoformat(text)
    except ValueError:
        raise Unreadable(column, NOT_A_DATE, value=text) from None


def require_pln(text: str, column: str) -> None:
    """Raises Unreadable for any other currency."""
    if text.upper() not in ("", CURRENCY):
        raise Unreadable(column, NOT_PLN, value=text)
