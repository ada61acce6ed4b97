"""Spreadsheets of any layout: the column mapping of the source says what stands where (see columns)."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError
from zoneinfo import ZoneInfo

from openpyxl import load_workbook
from openpyxl.utils import column_index_from_string
from openpyxl.utils.exceptions import InvalidFileException

from metering.formats.base import Context, Direction, Fault, Format, Found, fault
from metering.formats.clock import Labelled, in_time, local_label
from metering.formats.columns import Columns
from metering.formats.fields import CK_MISSING, Unreadable, energy_of, instant_of, point_of, quality_of
from metering.formats.words import (
    HEADER_ROW,
    MARKED_MISSING,
    NO_COLUMN,
    NO_COLUMNS,
    NO_POINT,
    NO_SHEET,
    NOT_A_WORKBOOK,
    NOT_KWH,
    NOT_LOCAL,
    NOT_ONE_OF,
)

#: Unpacked. A full sheet of a million rows has about 0.5 GB; its texts, which stay in memory, are few.
_MOST_BYTES = 4 << 30
_MOST_TEXT_BYTES = 64 << 20
_IN_MEMORY = 1 << 22
_MINUTE = timedelta(minutes=1)
#: What a workbook that can't be read makes the libraries raise.
BROKEN = (
    BadZipFile, InvalidFileException, KeyError, ValueError, IndexError, OverflowError, OSError, EOFError, ZlibError,
    ParseError, TypeError, AttributeError, NotImplementedError,
)  # fmt: skip


def _fits(head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04")


def read(stream: BinaryIO, source: Context) -> Found:
    """The lines of one sheet, as `source.columns` reads them."""
    columns = source.columns
    if columns is None:
        yield fault(0, "", NO_COLUMNS)
    elif not columns.point and not source.point:
        yield fault(0, "", NO_POINT)
    else:
        tz = source.tz if columns.clock == "local" else ZoneInfo("UTC")
        with SpooledTemporaryFile(_IN_MEMORY) as file:
            shutil.copyfileobj(stream, file)
            yield from in_time(_labelled(file, source.point, columns), tz, columns.minutes)  # type: ignore[arg-type]


def _labelled(file: BinaryIO, point: str, columns: Columns) -> Iterator[Labelled | Fault]:
    rows = sheet_rows(file, columns.sheet)
    line, places = 0, {}
    try:
        for line, row in enumerate(rows, start=1):
            if line < columns.header_line:
                continue
            if line == columns.header_line:
                places = _places(row, columns)
            elif any(row[place] is not None for place in places.values() if place < len(row)):
                try:
                    cells = {name: row[place] if place < len(row) else None for name, place in places.items()}
                    yield _read(line, point, cells, columns)
                except Unreadable as error:
                    yield error.at(line)
    except Unreadable as error:
        yield error.at(line)
        return
    except BROKEN:
        yield fault(line, "", NOT_A_WORKBOOK)
        return
    if line < columns.header_line:
        yield fault(line, "", HEADER_ROW, value=columns.header_line)


def sheet_rows(file: BinaryIO, sheet: str = "") -> Iterator[tuple[Any, ...]]:
    """The rows of a sheet, by default the first one. Raises Unreadable, or one of BROKEN."""
    with ZipFile(file) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    texts = sum(size for name, size in sizes.items() if name.casefold().endswith("sharedstrings.xml"))
    if sum(sizes.values()) > _MOST_BYTES or texts > _MOST_TEXT_BYTES:
        raise Unreadable("", NOT_A_WORKBOOK)
    book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    if sheet and sheet not in book.sheetnames:
        raise Unreadable("", NO_SHEET, value=sheet)
    found = book[sheet] if sheet else book.worksheets[0]
    # Programs write wrong sizes of sheets; without one the rows that are there are read.
    found.reset_dimensions()
    yield from found.iter_rows(values_only=True)


def _places(row: tuple[Any, ...], columns: Columns) -> dict[str, int]:
    """The place of each mapped column."""
    heads = [str(cell).strip().casefold() if cell is not None else "" for cell in row]
    found = {}
    for name in ("time", "point", "energy", "direction", "imported", "exported", "quality"):
        wanted = getattr(columns, name)
        if not wanted:
            continue
        if wanted.strip().casefold() in heads:
            found[name] = heads.index(wanted.strip().casefold())
        elif wanted.isascii() and wanted.isalpha() and len(wanted) <= 3:
            found[name] = column_index_from_string(wanted.upper()) - 1
        else:
            raise Unreadable(wanted, NO_COLUMN, value=wanted)
    return found


def _read(line: int, point: str, cells: dict[str, Any], columns: Columns) -> Labelled:
    if columns.point:
        point = _point(cells["point"], columns.point)
    text, label = _label(cells["time"], columns.time)
    ends = columns.label == "end"
    if ends and (label.hour * 60 + label.minute + 1) % columns.minutes == 0:
        # Labels such as 00:59 name the last minute.
        ends, label = False, label - _MINUTE * (columns.minutes - 1)
    quality = "measured"
    if columns.quality:
        code = str(cells["quality"] or "").strip()
        if code == CK_MISSING:
            raise Unreadable(columns.quality, MARKED_MISSING, value=code)
        quality = quality_of(code, columns.quality)
    return Labelled(line, columns.time, point, text, label, ends, _energies(cells, columns), quality)


def _energies(cells: dict[str, Any], columns: Columns) -> tuple[tuple[Direction, int], ...]:
    if columns.energy:
        word = str(cells["direction"] or "").strip()
        words: dict[str, Direction] = {columns.import_word: "import", columns.export_word: "export"}
        for name, direction in words.items():
            if word.casefold() == name.casefold():
                return ((direction, _wh(cells["energy"], columns.energy, columns.unit)),)
        raise Unreadable(columns.direction, NOT_ONE_OF, value=word, options=", ".join(words))
    found: list[tuple[Direction, int]] = [("import", _wh(cells["imported"], columns.imported, columns.unit))]
    # An empty cell is no export, which the point may have or not (see assemble).
    if columns.exported and cells["exported"] not in (None, ""):
        found.append(("export", _wh(cells["exported"], columns.exported, columns.unit)))
    return tuple(found)


def _point(cell: object, column: str) -> str:
    # A float, whose last digits are lost, never looks like a code.
    return point_of(str(cell if cell is not None else "").strip(), column)


def _label(cell: object, column: str) -> tuple[str, datetime]:
    if isinstance(cell, datetime):
        # Days are fractions in a workbook; the nearest minute is meant.
        label = (cell + _MINUTE / 2).replace(second=0, microsecond=0)
        return f"{label:%Y-%m-%d %H:%M}", label
    text = str(cell if cell is not None else "").strip()
    found = local_label(text) or instant_of(text)
    if found is None:
        raise Unreadable(column, NOT_LOCAL, value=text)
    return text, found


def _wh(cell: object, column: str, unit: str) -> int:
    if isinstance(cell, bool):
        raise Unreadable(column, NOT_KWH, value=str(cell))
    if isinstance(cell, float):
        # Sums in a workbook leave 0.30000000000000004; a billionth is no energy.
        return energy_of(f"{cell:.9f}", column, unit)
    return energy_of(str(cell if cell is not None else "").replace("\N{NO-BREAK SPACE}", "").strip(), column, unit)


FORMAT = Format("xlsx", "XLSX", _fits, read)
