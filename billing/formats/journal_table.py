"""The journal for an accountant: a row a posting, debit and credit apart (docs/format-accounts.md)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.formats.tables import Table, Value

COLUMNS = (
    "entry", "booked_on", "text", "document", "account", "account_name", "participant", "debit_pln", "credit_pln",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One posting; `amount_pln` is positive in debit."""

    entry: int
    booked_on: date
    text: str
    document: str
    account: str
    account_name: str
    participant: str
    amount_pln: Decimal


def journal_table(lines: Iterable[JournalLine]) -> Table:
    """Postings in the order of entries."""
    return Table("journal", COLUMNS, _rows(lines))


def _rows(lines: Iterable[JournalLine]) -> Iterator[list[Value]]:
    for line in lines:
        debit = line.amount_pln if line.amount_pln > 0 else None
        credit = -line.amount_pln if line.amount_pln < 0 else None
        yield [
            line.entry, line.booked_on, line.text, line.document, line.account, line.account_name, line.participant,
            debit, credit,
        ]  # fmt: skip
