"""Turns energy by direction into readings of both directions, as CSV for the ingest service.

Import and export of a point may stand anywhere in a file, by point, by time or one block after the other, so
everything is kept until the file is read; what exceeds memory goes to disk. The readings come out in the order of
points (as they first appeared) and time; in a large file in parts, each of which has all points of its hours; and
always the same for the same file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from metering.domain.calendar import INTERVAL_MINUTES, INTERVAL_SECONDS, format_instant, interval_start
from metering.domain.readings import QUALITIES, QUALITY_CODE
from metering.formats.base import Energy, Fault, fault
from metering.formats.shelf import Records, Shelf
from metering.formats.words import EMPTY, EXPORT_MISSING, IMPORT_MISSING, OTHER_VALUE, TOO_MANY_POINTS

#: When each metering point has generation capacity, as spans `[start, end)` in UTC; a point that is not here has none.
Generation = Mapping[str, Sequence[tuple[datetime, datetime]]]
Numbers = npt.NDArray[np.int64]

_BATCH_ROWS = 50_000
_MOST_POINTS = 100_000
_MEASURED, _SPLIT = QUALITY_CODE["measured"], QUALITY_CODE["split"]


@dataclass(frozen=True)
class Batch:
    """Lines of canonical CSV and, row by row, the lines of the file that they come from."""

    rows: bytes
    import_lines: Numbers
    export_lines: Numbers

    def line_of(self, row: int, column: str = "") -> int:
        """The file's line of a row (from 0), for `exported_wh` that of the export."""
        return int((self.export_lines if column == "exported_wh" else self.import_lines)[row])


def assemble(
    found: Iterable[Energy | Fault], generation: Generation, batch_rows: int = _BATCH_ROWS
) -> Iterator[Batch | Fault]:
    """Batches of at most `batch_rows` readings, and all faults: those of the reader and those of the whole.

    Hours become four quarter-hours that sum exactly, the larger parts first, and `split` where they were measured. A
    reading has the weaker quality of its directions. Without export a point that has no generation at that time
    exported 0; otherwise, and without import, the quarter-hours are reported. The same value twice counts once;
    different values for one point, time and direction are reported and none of them is taken.
    """
    empty = True
    codes: dict[str, int] = {}
    with Shelf() as shelf:
        for item in found:
            empty = False
            if isinstance(item, Fault):
                yield item
                continue
            line, code, start, minutes, direction, wh, quality = item
            point = codes.setdefault(code, len(codes))
            if point == _MOST_POINTS:
                yield fault(line, "", TOO_MANY_POINTS, limit=_MOST_POINTS)
                break
            quarter = int(start.timestamp()) // INTERVAL_SECONDS
            shelf.add(
                point, quarter, line, wh, minutes // INTERVAL_MINUTES, direction == "export", QUALITY_CODE[quality]
            )
        if empty:
            yield fault(0, "", EMPTY)
        names = list(codes)
        for records in shelf.parts():
            if len(records):
                yield from _joined(records, names, generation, batch_rows)


def _joined(records: Records, codes: Sequence[str], generation: Generation, batch_rows: int) -> Iterator[Batch | Fault]:
    records, other_lines = _each_once(*_quarters(records))
    yield from (fault(later, "", OTHER_VALUE, line=line, point=codes[point]) for later, line, point in other_lines)
    key = _key(records)
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])
    last = np.append(first[1:], len(key))[: len(first)] - 1
    imports, exports = records[first], records[last]
    has_import, has_export = imports["export"] == 0, exports["export"] == 1
    must_export = _generating(imports, codes, generation)
    good = has_import & (has_export | ~must_export)
    yield from _missing(imports[~has_import], codes, IMPORT_MISSING)
    yield from _missing(imports[has_import & ~has_export & must_export], codes, EXPORT_MISSING)
    exported = np.where(has_export, exports["wh"], 0)[good]
    quality = np.maximum(imports["quality"], exports["quality"])[good]
    imports, exports = imports[good], exports[good]
    for begin in range(0, len(imports), batch_rows):
        here = slice(begin, begin + batch_rows)
        parts = (imports["point"], imports["quarter"], imports["wh"], exported, quality)
        rows = (
            f"{codes[point]},{_start(quarter)},{drawn},{fed_in},{QUALITIES[code - 1]}\n"
            for point, quarter, drawn, fed_in, code in zip(*(part[here].tolist() for part in parts), strict=True)
        )
        lines = (part["line"][here].astype(np.int64) for part in (imports, exports))
        yield Batch("".join(rows).encode(), *lines)


def _quarters(records: Records) -> tuple[Records, Numbers]:
    """Each record as its quarter-hours, and of which record they are."""
    counts = records["quarters"].astype(np.int64)
    origin = np.arange(len(records)).repeat(counts)
    place = np.arange(len(origin)) - (counts.cumsum() - counts)[origin]
    found, counts = records[origin], counts[origin]
    whole, rest = np.divmod(found["wh"].astype(np.int64), counts)
    found["wh"] = whole + (place < rest)
    found["quarter"] += place.astype(np.uint32)
    found["quality"][(counts > 1) & (found["quality"] == _MEASURED)] = _SPLIT
    return found, origin


def _each_once(records: Records, origin: Numbers) -> tuple[Records, list[tuple[int, int, int]]]:
    """The records in the order of point, time and direction, each once. Those that differ are left out, whole hours of
    them; told are the later line, the first one and the point."""
    order = np.lexsort((records["line"], records["export"], records["quarter"], records["point"]))
    records, origin = records[order], origin[order]
    key = _key(records)
    again = np.append(False, (key[1:] == key[:-1]) & (records["export"][1:] == records["export"][:-1]))
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(records))))
    differs = (records["wh"] != records["wh"][first]) | (records["quality"] != records["quality"][first])
    later = np.flatnonzero(again & differs)
    bad = key[np.isin(origin, origin[np.append(later, first[later])])]
    _, once = np.unique(records["line"][later], return_index=True)
    later = later[once]
    told = (records["line"][later], records["line"][first[later]], records["point"][later])
    return records[~again & ~np.isin(key, bad)], list(zip(*(part.tolist() for part in told), strict=True))


def _key(records: Records) -> Numbers:
    """Point and time in one number."""
    key: Numbers = (records["point"].astype(np.int64) << 32) | records["quarter"]
    return key


def _generating(records: Records, codes: Sequence[str], generation: Generation) -> npt.NDArray[np.bool_]:
    """Whether each record's point has generation at its time."""
    found = np.zeros(len(records), dtype=np.bool_)
    for point in np.unique(records["point"]).tolist():
        for start, end in generation.get(codes[point], ()):
            begin, until = (int(at.timestamp()) // INTERVAL_SECONDS for at in (start, end))
            found |= (records["point"] == point) & (records["quarter"] >= begin) & (records["quarter"] < until)
    return found


def _missing(records: Records, codes: Sequence[str], text: str) -> Iterator[Fault]:
    """One fault for each run of quarter-hours without a gap."""
    if not len(records):
        return
    key = _key(records)
    begins = np.flatnonzero(np.append(True, np.diff(key) != 1))
    for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(key)], strict=True):
        span = {"start": _start(int(records["quarter"][begin])), "end": _start(int(records["quarter"][end - 1]) + 1)}
        yield fault(int(records["line"][begin]), "", text, point=codes[records["point"][begin]], **span)


@lru_cache(1 << 14)
def _start(quarter: int) -> str:
    return format_instant(interval_start(quarter))
