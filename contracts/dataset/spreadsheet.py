"""Tables of the format as spreadsheets (XLSX), or as the CSV that office programs write."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import InvalidFileException

LARGEST_ROW = 20_000
#: A value that a spreadsheet would take for a formula (OWASP, "CSV injection"), however often it is quoted already.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED = re.compile(r"'+[=+\-@\t\r]")
TEXT_FORMAT = "@"


class NotATable(ValueError):
    """The file is neither CSV nor XLSX, or far too long."""


def as_csv(data: bytes) -> str:
    """The table as comma-separated text in UTF-8: from the first sheet of a workbook, or from CSV with `,` or `;`."""
    if data.startswith(b"PK"):
        return _written(_sheet(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotATable("UTF-8") from error
    head = text.partition("\n")[0]
    delimiter = ";" if ";" in head and "," not in head else ","
    if delimiter == "," and not _QUOTED.search(text):
        return text
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return text  # Whoever reads it says what is wrong.
    return _written([_unquoted(value) for value in row] for row in rows)


def to_xlsx(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> bytes:
    """A workbook of one sheet. Every value is text, so that codes keep their digits and nothing becomes a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for line in (columns, *lines):
        sheet.append([text_cell(sheet, value) for value in line])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def to_csv(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """As the format has it, but for an apostrophe before what a spreadsheet would compute; `as_csv` drops it."""
    return _written([columns, *([quoted(value) for value in line] for line in lines)])


def quoted(value: object) -> object:
    """For CSV: an apostrophe before a text that a spreadsheet would compute."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _unquoted(value: str) -> str:
    return value[1:] if _QUOTED.match(value) else value


def text_cell(sheet: Any, value: object) -> Any:
    """For a write-only sheet: text that is never computed."""
    cell = WriteOnlyCell(sheet, "" if value is None else str(value))
    cell.data_type = "s"
    # Also when somebody edits it.
    cell.number_format = TEXT_FORMAT
    return cell


def _sheet(data: bytes) -> Iterator[list[str]]:
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        rows = [[_text(value) for value in row] for row in _first_rows(book.worksheets[0])]
    except (BadZipFile, InvalidFileException, KeyError, ValueError, IndexError) as error:
        raise NotATable("XLSX") from error
    while rows and not any(rows[-1]):
        rows.pop()
    width = max((place + 1 for place, head in enumerate(rows[0]) if head), default=0) if rows else 0
    return ([*row, *[""] * width][: max(width, _used(row))] for row in rows)


def _first_rows(sheet: Any) -> Iterator[Sequence[object]]:
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > LARGEST_ROW:
            raise NotATable("XLSX")
        yield row


def _used(row: Sequence[str]) -> int:
    return max((place + 1 for place, value in enumerate(row) if value), default=0)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{int(value)}" if value.is_integer() else f"{Decimal(str(value)):f}"
    return str(value)


def _written(rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()
