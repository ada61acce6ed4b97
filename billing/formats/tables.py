"""Tables for accountants as CSV and XLSX: text is never a formula, amounts are numbers, days are days."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import IO, Any, BinaryIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from contracts.dataset.spreadsheet import quoted, text_cell

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
    book = Workbook(write_only=True)
    for table in tables:
        sheet = book.create_sheet(table.name)
        sheet.freeze_panes = "A2"
        sheet.append([text_cell(sheet, column) for column in table.columns])
        for row in table.rows:
            sheet.append([_cell(sheet, value) for value in row])
    book.save(stream)


def _cell(sheet: Any, value: Value) -> Any:
    if value is None or isinstance(value, str):
        return text_cell(sheet, value)
    content: Any = value
    cell = WriteOnlyCell(sheet, content)
    if isinstance(value, Decimal):
        places = -int(value.as_tuple().exponent)
        cell.number_format = f"0.{'0' * places}" if places > 0 else "0"
    elif isinstance(value, date):
        cell.number_format = DAY_FORMAT
    return cell
