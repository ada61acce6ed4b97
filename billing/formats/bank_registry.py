"""All formats of bank files. A new one is a module with `fits` and `read`, and a line here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from billing.domain.bank import BankLine
from billing.formats import bank_csv, camt053, mt940_statement
from billing.formats.words import NO_BOOKINGS, UNKNOWN_FORMAT
from metering.formats.base import Fault, fault

_HEAD_BYTES = 4096


@dataclass(frozen=True)
class BankFormat:
    """`fits` says from the first bytes whether a file has the format; `read` yields bookings and faults in order."""

    name: str
    title: str
    fits: Callable[[bytes], bool]
    read: Callable[[bytes, str], Iterator[BankLine | Fault]]


FORMATS = (
    BankFormat("camt053", "camt.053", camt053.fits, camt053.read),
    BankFormat("mt940", "MT940", mt940_statement.fits, mt940_statement.read),
    BankFormat("csv", "CSV", bank_csv.fits, bank_csv.read),
)


@dataclass(frozen=True)
class BankFileContent:
    """What a file holds; `format` is empty where none fits."""

    format: str
    lines: tuple[BankLine, ...]
    faults: tuple[Fault, ...]


def read_bank_file(data: bytes, account: str) -> BankFileContent:
    """Everything in a bank file; `account` is our IBAN, for files that name none."""
    head = data[:_HEAD_BYTES]
    format_ = next((each for each in FORMATS if each.fits(head)), None)
    if format_ is None:
        known = ", ".join(each.title for each in FORMATS)
        return BankFileContent("", (), (fault(0, "", UNKNOWN_FORMAT, known=known),))
    lines, faults = [], []
    for found in format_.read(data, account):
        if isinstance(found, BankLine):
            lines.append(found)
        else:
            faults.append(found)
    if not lines and not faults:
        faults.append(fault(0, "", NO_BOOKINGS))
    return BankFileContent(format_.name, tuple(lines), tuple(faults))
