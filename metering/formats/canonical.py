"""Quarter-hours (or hours) with UTC times, OBIS register and CSIRE quality, one direction a line.

`ppe,start_utc,end_utc,local_label,obis,kwh,quality`; lines in any order, columns too. `local_label` is for people.
"""

import re
from datetime import timedelta
from typing import BinaryIO

from metering.domain.calendar import is_aligned
from metering.formats.base import Context, Direction, Energy, Format, Found, fault
from metering.formats.fields import CK_MISSING, Unreadable, energy_of, instant_of, point_of, quality_of, require_count
from metering.formats.text import first_line, headings, rows
from metering.formats.words import MARKED_MISSING, NO_HEADER, NOT_ACTIVE, NOT_ON_STEP, NOT_ONE_STEP, NOT_UTC

_COLUMNS = ("ppe", "start_utc", "end_utc", "obis", "kwh", "quality")
_OBIS = re.compile(r"(?:\d+-\d+:)?([12])\.8\.0(?:[.*]255)?", re.ASCII)
_MINUTES = {timedelta(minutes=15): 15, timedelta(minutes=60): 60}


def _fits(head: bytes) -> bool:
    return set(_COLUMNS) <= set(headings(first_line(head)))


def read(stream: BinaryIO, source: Context) -> Found:
    """Each line is a direction's energy in the interval from `start_utc` to `end_utc`."""
    found = rows(stream)
    line, names = next(found, (1, []))
    heads = [name.casefold() for name in names]
    if not set(_COLUMNS) <= set(heads):
        yield fault(line, "", NO_HEADER, columns=", ".join(_COLUMNS))
        return
    places = tuple(heads.index(name) for name in _COLUMNS)
    for line, values in found:
        if wrong := require_count(line, values, len(names)):
            yield wrong
            continue
        try:
            yield _energy(line, *(values[place] for place in places))
        except Unreadable as error:
            yield error.at(line)


def _energy(line: int, point: str, start_text: str, end_text: str, obis: str, kwh: str, quality: str) -> Energy:
    point_of(point, "ppe")
    start, end = instant_of(start_text), instant_of(end_text)
    if start is None:
        raise Unreadable("start_utc", NOT_UTC, value=start_text)
    if end is None:
        raise Unreadable("end_utc", NOT_UTC, value=end_text)
    if not is_aligned(start):
        raise Unreadable("start_utc", NOT_ON_STEP, value=start_text, minutes=15)
    minutes = _MINUTES.get(end - start)
    if minutes is None:
        raise Unreadable("end_utc", NOT_ONE_STEP, start=start_text, end=end_text)
    register = _OBIS.fullmatch(obis)
    if register is None:
        raise Unreadable("obis", NOT_ACTIVE, value=obis)
    if quality == CK_MISSING:
        raise Unreadable("quality", MARKED_MISSING, value=quality)
    direction: Direction = "import" if register[1] == "1" else "export"
    wh = energy_of(kwh, "kwh")
    return Energy(line, point, start, minutes, direction, wh, quality_of(quality, "quality"))


FORMAT = Format("canonical", "CSV, UTC, OBIS (ppe, start_utc, end_utc, obis, kwh, quality)", _fits, read)
