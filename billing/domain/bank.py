"""Lines of bank statements, as every file format gives them, and what tells two of them apart."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class BankLine:
    """One booking on our account `account` (IBAN). `amount_pln` is positive where money came in.

    `partner_account` is the other side's IBAN, or what the bank gives instead; `reference` the bank's own one, empty
    where the file has none. `line` is where it stands in the file, from 1.
    """

    line: int
    account: str
    booked_on: date
    amount_pln: Decimal
    partner_name: str = ""
    partner_account: str = ""
    title: str = ""
    reference: str = ""


def with_fingerprints(lines: Iterable[BankLine]) -> Iterator[tuple[BankLine, str]]:
    """Each line with its fingerprint, unique on its account.

    The bank's reference, day and amount tell bookings apart; where the file has no reference, the other side and the
    title do. Lines that are equal in all of this are counted: two equal transfers of one day stay two, and the same
    file, or one that overlaps by whole days, gives the same fingerprints again.
    """
    seen: Counter[str] = Counter()
    for line in lines:
        told_by = [line.reference] if line.reference else ["", line.partner_account, plain(line.title)]
        parts = [line.account, line.booked_on.isoformat(), f"{line.amount_pln:.2f}", *told_by]
        key = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
        seen[key] += 1
        yield line, f"{key}-{seen[key]}"


def plain(text: str) -> str:
    """Capital letters and single spaces, as banks rewrite titles."""
    return " ".join(text.upper().split())
