"""Reads the readings of a folder into arrays."""

import io
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contracts.dataset.csvfile import check_header, open_binary
from contracts.dataset.faults import Faults
from contracts.dataset.records import Dataset
from metering.domain.calendar import CalendarError, interval_number, interval_start, parse_instant
from metering.domain.readings import COLUMNS, MAX_WH, QUALITY_CODE

_WH = re.compile(r"\d{1,10}", re.ASCII)
MISSING = 0


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings of points × intervals: row `p` is `codes[p]`, column `t` the quarter-hour number `first + t`.

    `imported_wh` and `exported_wh` are 0 and `quality` is `MISSING` where there is no reading; else quality counts
    measured, split, substituted, estimated from 1.
    """

    codes: tuple[str, ...]
    first: int
    imported_wh: NDArray[np.int64]
    exported_wh: NDArray[np.int64]
    quality: NDArray[np.uint8]

    def start(self, column: int) -> datetime:
        """UTC start of the interval of a column."""
        return interval_start(self.first + column)


def read_readings(dataset: Dataset, start: datetime, end: datetime) -> Readings:
    """Readings of `[start, end)` from all files of the folder, every line of them checked.

    Raises DatasetError naming file, line and column for an unknown meter, a duplicate (in the range), a negative or
    no whole number, a time that starts no quarter-hour, or an unknown quality. Missing readings are no error.
    """
    first, width = interval_number(start), interval_number(end) - interval_number(start)
    codes = tuple(sorted({point.code for point in dataset.metering_points}))
    shape = (len(codes), width)
    result = Readings(
        codes, first, np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.full(shape, MISSING, np.uint8)
    )
    faults = Faults()
    for path in dataset.reading_files:
        try:
            _read_file(path, result, faults)
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            faults.add(path.name, 0, "", f"the file can't be read: {error}")
    faults.check()
    return result


def _read_file(path: Path, result: Readings, faults: Faults) -> None:
    rows = {code: number for number, code in enumerate(result.codes)}
    columns: dict[str, int] = {}
    width = result.quality.shape[1]
    with open_binary(path) as stream, io.TextIOWrapper(stream, encoding="utf-8") as text:
        header = text.readline().rstrip("\r\n").split(",")
        if not check_header(header, COLUMNS, path.name, faults):
            return
        order = [header.index(column) for column in COLUMNS]
        for line, content in enumerate(text, start=2):
            values = content.rstrip("\r\n").split(",")
            if len(values) != len(order):
                faults.add(path.name, line, "", f"there are {len(values)} values for {len(order)} columns")
                continue
            code, at, imported, exported, quality = (values[place] for place in order)
            column = columns.get(at)
            if column is None:
                try:
                    column = columns[at] = interval_number(parse_instant(at)) - result.first
                except CalendarError as error:
                    faults.add(path.name, line, "interval_start", str(error))
                    continue
            row = rows.get(code, -1)
            fault = _reading_fault(row, imported, exported, quality)
            if fault is not None:
                faults.add(path.name, line, *fault)
            elif 0 <= column < width:
                if result.quality[row, column] != MISSING:
                    faults.add(path.name, line, "interval_start", f"a second reading of {code} at {at}; remove one")
                result.imported_wh[row, column] = int(imported)
                result.exported_wh[row, column] = int(exported)
                result.quality[row, column] = QUALITY_CODE[quality]


def _reading_fault(row: int, imported: str, exported: str, quality: str) -> tuple[str, str] | None:
    if row < 0:
        return "metering_point", "the metering point is unknown; add it to metering_points.csv or correct it"
    for column, value in (("imported_wh", imported), ("exported_wh", exported)):
        if not _WH.fullmatch(value) or int(value) > MAX_WH:
            return column, f"'{value}' is not a whole number of watt-hours from 0 to {MAX_WH}"
    if quality not in QUALITY_CODE:
        return "quality", f"'{quality}' is not one of {', '.join(QUALITY_CODE)}"
    return None
