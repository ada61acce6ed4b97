"""Tables for accountants as CSV and XLSX: text is never a formula, amounts are numbers, days are days."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import IO, Any, BinaryIO

from xlsxwriter import Workbook

from contracts.dataset.spreadsheet import TEXT_FORMAT, quoted

Value = str | int | Decimal | date | None
DAY_FORMAT = "yyyy-mm-dd"


@dataclass(frozen=True)
class Table:
    """A name (of the file or sheet), its columns, and rows that are read once."""

    name: str
    columns: tuple[str, ...]
    rows: Iterable[Sequence[Value]]


def write_csv(table: Table, stream: BinaryIO) -> int:
    """UTF-8, comma, point, LF; an apostrophe before a text that a spreadsheet would compute. Returns the rows."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    count = _write_rows(table, text)
    text.detach()
    return count


def _write_rows(table: Table, text: IO[str]) -> int:
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    count = 0
    for row in table.rows:
        writer.writerow([quoted(value) if isinstance(value, str) else _plain(value) for value in row])
        count += 1
    return count


def _plain(value: Value) -> object:
    return f"{value:f}" if isinstance(value, Decimal) else value.isoformat() if isinstance(value, date) else value


def write_xlsx(tables: Iterable[Table], stream: BinaryIO) -> None:
    """A workbook with a sheet a table; rows go to disk as they come."""
    with Workbook(stream, {"constant_memory": True}) as book:
        formats = _Formats(book)
        for table in tables:
            sheet = book.add_worksheet(table.name)
            sheet.freeze_panes(1, 0)
            for column, name in enumerate(table.columns):
                sheet.write_string(0, column, name, formats[TEXT_FORMAT])
            for place, row in enumerate(table.rows, 1):
                for column, value in enumerate(row):
                    _write(sheet, place, column, value, formats)


class _Formats(dict[str, Any]):
    """The workbook's formats by their pattern, each made once."""

    def __init__(self, book: Workbook) -> None:
        super().__init__()
        self._book = book

    def __missing__(self, pattern: str) -> Any:
        self[pattern] = self._book.add_format({"num_format": pattern})
        return self[pattern]


def _write(sheet: Any, row: int, column: int, value: Value, formats: _Formats) -> None:
    if isinstance(value, Decimal):
        places = -int(value.as_tuple().exponent)
        pattern = f"0.{'0' * places}" if places > 0 else "0"
        sheet.write_number(row, column, value, formats[pattern])
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, formats[DAY_FORMAT])
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    elif value:
        # A text is never computed, also when somebody edits it.
        sheet.write_string(row, column, value, formats[TEXT_FORMAT])
