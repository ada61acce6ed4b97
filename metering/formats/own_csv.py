"""The platform's own CSV, both directions in a line: the readings of the cluster dataset.

`metering_point,interval_start,imported_wh,exported_wh,quality`; lines in any order, columns too.
"""

from typing import BinaryIO

from metering.domain.calendar import INTERVAL_MINUTES, is_aligned
from metering.domain.readings import COLUMNS
from metering.formats.base import Context, Energy, Format, Found, fault
from metering.formats.fields import Unreadable, energy_of, instant_of, point_of, quality_of, require_count
from metering.formats.text import first_line, headings, rows
from metering.formats.words import NO_HEADER, NOT_ON_STEP, NOT_UTC


def _fits(head: bytes) -> bool:
    return set(COLUMNS) <= set(headings(first_line(head)))


def read(stream: BinaryIO, source: Context) -> Found:
    """Two directions a line."""
    found = rows(stream)
    line, names = next(found, (1, []))
    heads = [name.casefold() for name in names]
    if not set(COLUMNS) <= set(heads):
        yield fault(line, "", NO_HEADER, columns=", ".join(COLUMNS))
        return
    places = tuple(heads.index(name) for name in COLUMNS)
    for line, values in found:
        if wrong := require_count(line, values, len(names)):
            yield wrong
            continue
        try:
            yield from _energy(line, *(values[place] for place in places))
        except Unreadable as error:
            yield error.at(line)


def _energy(
    line: int, point: str, start_text: str, imported: str, exported: str, quality: str
) -> tuple[Energy, Energy]:
    point_of(point, "metering_point")
    start = instant_of(start_text)
    if start is None:
        raise Unreadable("interval_start", NOT_UTC, value=start_text)
    if not is_aligned(start):
        raise Unreadable("interval_start", NOT_ON_STEP, value=start_text, minutes=INTERVAL_MINUTES)
    name = quality_of(quality, "quality")
    drawn, fed_in = energy_of(imported, "imported_wh", "Wh"), energy_of(exported, "exported_wh", "Wh")
    return (
        Energy(line, point, start, INTERVAL_MINUTES, "import", drawn, name),
        Energy(line, point, start, INTERVAL_MINUTES, "export", fed_in, name),
    )


FORMAT = Format("own", "CSV, Wh (metering_point, interval_start, imported_wh, exported_wh, quality)", _fits, read)
