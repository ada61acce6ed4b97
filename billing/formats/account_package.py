"""The accountant's folder of a period: tables as CSV, all of them as one workbook, documents as JSON, PDFs as ZIP."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_STORED, ZipFile

from billing.domain.documents import Bill, Document
from billing.formats.document_tables import documents_table, lines_table, write_json
from billing.formats.journal_table import JournalLine, journal_table
from billing.formats.tables import Table, write_csv, write_xlsx
from billing.formats.vat_register import VatTotals, purchases_table, sales_table

WORKBOOK = "accounts.xlsx"
DOCUMENTS_JSON = "documents.json"
PDFS = "documents.zip"


@dataclass(frozen=True)
class AccountSources:
    """Where the files come from; each call reads anew and gives rows one by one, so that memory stays flat.

    `bills` are those of the period, `issued` the documents issued in its month, `ksef` the numbers that KSeF gave,
    `pdfs` file names and contents.
    """

    bills: Callable[[], Iterable[Bill]]
    issued: Callable[[], Iterable[Document]]
    journal: Callable[[], Iterable[JournalLine]]
    pdfs: Callable[[], Iterable[tuple[str, bytes]]]
    ksef: Mapping[str, str] = field(default_factory=dict)

    def tables(self) -> Iterable[Table]:
        """All tables, in the order in which they are read."""
        totals = VatTotals()
        yield documents_table(self.bills())
        yield lines_table(self.bills())
        yield sales_table(self.issued(), self.ksef, totals)
        yield purchases_table(self.issued(), self.ksef, totals)
        yield totals.table()
        yield journal_table(self.journal())


def write_accounts(sources: AccountSources, folder: Path) -> dict[str, int]:
    """Write everything into the folder; returns how many rows each table has."""
    counts = {}
    for table in sources.tables():
        with (folder / f"{table.name}.csv").open("wb") as stream:
            counts[table.name] = write_csv(table, stream)
    with (folder / WORKBOOK).open("wb") as stream:
        write_xlsx(sources.tables(), stream)
    with (folder / DOCUMENTS_JSON).open("wb") as stream:
        write_json(sources.bills(), stream)
    with (folder / PDFS).open("wb") as stream:
        write_zip(sources.pdfs(), stream)
    return counts


def write_zip(files: Iterable[tuple[str, bytes]], stream: BinaryIO) -> int:
    """Files one after the other, as they come; PDFs are compressed already. Returns how many."""
    count = 0
    with ZipFile(stream, "w", ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(name, content)
            count += 1
    return count
