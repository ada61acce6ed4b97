"""Brings delivered CSV lines into a temporary table, as they are, by COPY.

COPY fills an empty table from front to back and reads no further than a line that it can't take. Such a delivery is
read again line by line, with an empty row in place of each bad line, so rows stay in the order of the lines.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any

import psycopg
from django.db import transaction

from metering.domain.readings import MAX_WH, STAMPED_COLUMNS, ReadingFault, ReadingsRefused
from metering.services.progress import Progress

_ENERGY = ("imported_wh", "exported_wh")
_WH = re.compile(r"-?\d{1,10}", re.ASCII)
_NO_WH = f"there is no whole number of watt-hours from 0 to {MAX_WH}"
_EMPTY = "the line is empty; remove it"
_IN_MEMORY = 8 << 20
_STAGE = """
CREATE TEMPORARY TABLE staged (
    metering_point text COLLATE "C" NOT NULL, interval_start text COLLATE "C" NOT NULL, imported_wh int NOT NULL,
    exported_wh int NOT NULL, quality text COLLATE "C" NOT NULL, issued_at text COLLATE "C",
    source smallint NOT NULL) ON COMMIT DROP
"""
_ALLOW_EMPTY = "ALTER TABLE staged " + ", ".join(
    f"ALTER COLUMN {column} DROP NOT NULL" for column in STAMPED_COLUMNS[:-1]
)


@dataclass(frozen=True, slots=True)
class Source:
    """CSV lines as `chunks` of bytes, `size` of them in all; `columns` in the order of the lines."""

    name: str
    columns: tuple[str, ...]
    has_header: bool
    size: int
    chunks: Callable[[], Iterable[bytes]]


#: Column and text of what keeps lines out of the table, by row from 1.
LineFaults = dict[int, tuple[str, str]]


def stage(cursor: Any, sources: Sequence[Source], progress: Progress) -> int:
    """Fill the table `staged` and return how many lines there are; needs a transaction.

    Raises ReadingsRefused at the first line that is no reading.
    """
    cursor.execute(_STAGE)
    count = 0
    with progress("Reading files", sum(source.size for source in sources)) as advance:
        for number, source in enumerate(sources):
            cursor.execute(f"ALTER TABLE staged ALTER COLUMN source SET DEFAULT {number:d}")
            try:
                with cursor.copy(_copy(source.columns, source.has_header)) as copy:
                    for chunk in source.chunks():
                        copy.write(chunk)
                        advance(len(chunk))
            except psycopg.Error as error:
                raise ReadingsRefused((_copy_fault(source.name, error),)) from error
            count += cursor.rowcount
    return count


def stage_what_can(cursor: Any, batches: Iterable[bytes], columns: Sequence[str], most: int) -> tuple[int, LineFaults]:
    """Fill the table `staged`, with an empty row where a line is no reading; needs a transaction.

    Returns how many lines there are, and what is wrong with the first `most` of those.
    """
    cursor.execute(_STAGE)
    cursor.execute("ALTER TABLE staged ALTER COLUMN source SET DEFAULT 0")
    rest = iter(batches)
    faults: LineFaults = {}
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as sent:
        try:
            with transaction.atomic(), cursor.copy(_copy(columns, has_header=False)) as copy:
                for batch in rest:
                    sent.write(batch)
                    copy.write(batch)
        except (psycopg.DataError, psycopg.IntegrityError):
            sent.writelines(rest)
            sent.seek(0)
            faults = _stage_lines(cursor, sent, columns, most)
    return cursor.rowcount, faults


def _copy(columns: Sequence[str], has_header: bool) -> str:
    wanted = ", ".join(column for column in columns if column in STAMPED_COLUMNS)
    return f"COPY staged ({wanted}) FROM STDIN (FORMAT csv, ENCODING utf8{', HEADER' if has_header else ''})"


def _copy_fault(name: str, error: psycopg.Error) -> ReadingFault:
    place = re.search(r"line (\d+)(?:, column (\w+))?", error.diag.context or "")
    column = (place[2] if place else None) or error.diag.column_name or ""
    text = _NO_WH if column in _ENERGY else error.diag.message_primary or str(error)
    return ReadingFault(name, int(place[1]) if place else 0, column, text)


def _stage_lines(cursor: Any, lines: Iterable[bytes], columns: Sequence[str], most: int) -> LineFaults:
    faults: LineFaults = {}
    empty = [""] * len(columns)
    cursor.execute(_ALLOW_EMPTY)
    with cursor.copy(_copy(columns, has_header=False)) as copy:
        for row, line in enumerate(lines, start=1):
            values = _values(line)
            fault = _line_fault(values, columns)
            if fault is not None and len(faults) < most:
                faults[row] = fault
            out = io.StringIO()
            csv.writer(out).writerow(values if fault is None else empty)
            copy.write(out.getvalue())
    return faults


def _values(line: bytes) -> list[str]:
    text = line.decode("utf-8", errors="replace").rstrip("\r\n")
    return next(csv.reader([text]), []) if '"' in text else text.split(",")


def _line_fault(values: list[str], columns: Sequence[str]) -> tuple[str, str] | None:
    """Column and text of what keeps a line out of the table."""
    if len(values) != len(columns):
        return "", f"there are {len(values)} values for {len(columns)} columns" if values != [""] else _EMPTY
    for column, value in zip(columns, values, strict=True):
        if not value and column != "issued_at":
            return column, "the value is missing"
        if "\0" in value:
            return column, "the value has a NUL character"
        if column in _ENERGY and not (_WH.fullmatch(value) and int(value) <= MAX_WH):
            return column, _NO_WH
    return None
