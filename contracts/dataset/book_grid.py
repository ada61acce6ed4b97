"""The tables of an uploaded tariff book as texts: from CSV as office programs write it, or from a workbook's sheets."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook

from contracts.dataset.faults import Faults
from contracts.domain.zones import format_clock

MOST_ROWS = 20_000
MOST_COLUMNS = 60
#: Unpacked; a workbook of 20,000 rows has about 10 MB.
MOST_BYTES = 64 << 20
_GUARD = re.compile(r"'+[=+\-@\t\r]")
_MIDNIGHT = time(0)
_FORMULA_WITHOUT_VALUE = "the formula has no value; open and save the file in a spreadsheet program, or write the value"


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of one table, each with its line from 1. `file` is how faults name it, `sheet` its name in a workbook."""

    file: str
    sheet: str
    lines: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


def read_grids(name: str, data: bytes, faults: Faults) -> list[Grid]:
    """Every table of a file; what can't be read is told."""
    if data.startswith(b"PK"):
        return _workbook(name, data, faults)
    grid = _csv(name, data, faults)
    return [grid] if grid else []


def _csv(name: str, data: bytes, faults: Faults) -> Grid | None:
    text = _decoded(data)
    head = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(";,\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[int] = []
    rows: list[tuple[str, ...]] = []
    line = 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                lines.append(line)
                rows.append(tuple(_clean(value) for value in values))
            line = reader.line_num + 1
            if len(rows) > MOST_ROWS:
                faults.add(name, 0, "", f"the file has more than {MOST_ROWS} rows; a tariff book is shorter")
                return None
    except csv.Error as error:
        faults.add(name, reader.line_num, "", f"this is no valid CSV: {error}")
        return None
    if not rows:
        faults.add(name, 0, "", "the file is empty")
        return None
    return Grid(name, "", tuple(lines), tuple(rows))


def _decoded(data: bytes) -> str:
    """UTF-8 or UTF-16 with their marks, UTF-8 without, or else cp1250, which Polish Windows writes."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1250", errors="replace")


def _clean(value: str) -> str:
    """Without surrounding spaces, and without the apostrophe that keeps a spreadsheet from computing it."""
    value = value.replace("\xa0", " ").strip()
    return value[1:] if _GUARD.match(value) else value


def _workbook(name: str, data: bytes, faults: Faults) -> list[Grid]:
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                faults.add(name, 0, "", "the file is too large when unpacked; a tariff book is smaller")
                return []
        values, formulas = (
            load_workbook(io.BytesIO(data), read_only=True, data_only=only, keep_links=False) for only in (True, False)
        )
        found = []
        for sheet in values.worksheets:
            file = f"{name}, sheet {sheet.title}" if len(values.worksheets) > 1 else name
            grid = _sheet(file, sheet, formulas[sheet.title], faults)
            if grid:
                found.append(grid)
    except (BadZipFile, KeyError, ValueError, IndexError, TypeError, AttributeError, OSError, EOFError, SyntaxError):
        faults.add(name, 0, "", "this is no workbook that can be read; save it as .xlsx")
        return []
    if not found:
        faults.add(name, 0, "", "the file is empty")
    return found


def _sheet(file: str, values: Any, formulas: Any, faults: Faults) -> Grid | None:
    lines: list[int] = []
    rows: list[tuple[str, ...]] = []
    for line, (cells, written) in enumerate(zip(_rows(values), _rows(formulas), strict=False), start=1):
        if line > MOST_ROWS:
            faults.add(file, 0, "", f"the sheet has more than {MOST_ROWS} rows; a tariff book is shorter")
            return None
        row = tuple(_text(cell) for cell in cells)
        head = rows[0] if rows else ()
        for place, (cell, formula) in enumerate(zip(cells, written, strict=False)):
            if cell is None and isinstance(formula, str) and formula.startswith("="):
                faults.add(file, line, head[place] if place < len(head) else "", _FORMULA_WITHOUT_VALUE)
        if any(row):
            lines.append(line)
            rows.append(row)
    return Grid(file, values.title, tuple(lines), tuple(rows)) if rows else None


def _rows(sheet: Any) -> Iterator[tuple[Any, ...]]:
    # Programs write wrong sizes of sheets; without one the rows that are there are read.
    sheet.reset_dimensions()
    yield from sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS)


def _text(value: object) -> str:
    """A cell as the format writes it: days, times of day and numbers without what only their format adds."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        # A time of day that reaches 24:00 is stored as the first day of the calendar.
        if value.year < 1901:
            return format_clock(24 * 60) if value.time() == _MIDNIGHT else f"{value:%H:%M}"
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return format_clock(minutes) if 0 <= minutes <= 24 * 60 else str(value)
    if isinstance(value, float):
        return f"{int(value)}" if value.is_integer() else f"{Decimal(str(value)):f}"
    return _clean(str(value))
