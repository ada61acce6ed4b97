"""The accountant's files of a period: tables as CSV, all of them as one workbook, documents as JSON."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from billing.domain.documents import Bill, Document
from billing.formats.document_tables import documents_table, lines_table, write_json
from billing.formats.journal_table import JournalLine, journal_table
from billing.formats.tables import Table, write_csv, write_xlsx
from billing.formats.vat_register import VatTotals, purchases_table, sales_table

WORKBOOK = "accounts.xlsx"
DOCUMENTS_JSON = "documents.json"
TOTALS = "vat_totals.csv"
#: Their sums are the totals.
READ_FOR_TOTALS = ("vat_sales", "vat_purchases")
#: Every file of a period, in the order in which they are offered.
FILES = (
    WORKBOOK,
    "documents.csv",
    "lines.csv",
    DOCUMENTS_JSON,
    "vat_sales.csv",
    "vat_purchases.csv",
    TOTALS,
    "journal.csv",
)


@dataclass(frozen=True)
class AccountSources:
    """Where the files come from; each call reads anew and gives rows one by one, so that memory stays flat.

    `bills` are those of the period, `issued` the documents issued in its month, `ksef` the numbers that KSeF gave.
    """

    bills: Callable[[], Iterable[Bill]]
    issued: Callable[[], Iterable[Document]]
    journal: Callable[[], Iterable[JournalLine]]
    ksef: Callable[[], Mapping[str, str | None]] = dict

    def tables(self) -> Iterable[Table]:
        """All tables, in the order in which they are read."""
        totals, ksef = VatTotals(), self.ksef()
        yield documents_table(self.bills())
        yield lines_table(self.bills())
        yield sales_table(self.issued(), ksef, totals)
        yield purchases_table(self.issued(), ksef, totals)
        yield totals.table()
        yield journal_table(self.journal())


def write_account_file(sources: AccountSources, name: str, stream: BinaryIO) -> None:
    """Write one of FILES."""
    if name == WORKBOOK:
        write_xlsx(sources.tables(), stream)
    elif name == DOCUMENTS_JSON:
        write_json(sources.bills(), stream)
    else:
        for table in sources.tables():
            if f"{table.name}.csv" == name:
                write_csv(table, stream)
                return
            if table.name in READ_FOR_TOTALS and name == TOTALS:
                for _row in table.rows:
                    pass


def write_accounts(sources: AccountSources, folder: Path) -> None:
    """Write all of FILES into the folder."""
    for name in FILES:
        with (folder / name).open("wb") as stream:
            write_account_file(sources, name, stream)
