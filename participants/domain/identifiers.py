"""Check digits of the numbers that people, companies, accounts and metering points go by (python-stdnum)."""

import re

import stdnum.exceptions
from stdnum import ean, iban
from stdnum.pl import nip, regon

_POSTCODE = re.compile(r"\d{2}-\d{3}")


def compact(number: str) -> str:
    """Without the spaces and dashes that people write numbers with."""
    return re.sub(r"[\s\-–.]", "", number).upper()


def is_ppe(code: str) -> bool:
    """A metering point's 18 digits, a GS1 service relation number: the last is the check digit (weights 3, 1).

    >>> is_ppe("590000000000000013"), is_ppe("590000000000000014")
    (True, False)
    """
    return re.fullmatch(r"[0-9]{18}", code) is not None and str(ean.calc_check_digit(code[:-1])) == code[-1]


def is_nip(number: str) -> bool:
    """A Polish tax number of 10 digits.

    >>> is_nip("1000158380"), is_nip("1000158381")
    (True, False)
    """
    return re.fullmatch(r"[0-9]{10}", number) is not None and bool(nip.is_valid(number))


def is_regon(number: str) -> bool:
    """A number of the Polish register of businesses, 9 or 14 digits."""
    return re.fullmatch(r"[0-9]+", number) is not None and bool(regon.is_valid(number))


def is_iban(number: str) -> bool:
    """An international bank account number with its check digits and, where known, the country's own."""
    try:
        iban.validate(number)
    except stdnum.exceptions.ValidationError:
        return False
    return True


def is_postcode(code: str, country: str) -> bool:
    """NN-NNN in Poland; elsewhere only not empty."""
    return bool(_POSTCODE.fullmatch(code)) if country == "PL" else bool(code.strip())
