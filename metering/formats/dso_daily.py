"""The distributor's daily file for communities: a header, then a line a metering point and direction with its hours.

Header lines kOSD, kSE (who), DCW (day of creation), DD (the day of the energy), VV (version); then
`PPE;CP|CO|CB;kWh;` and a cell `value,flag` for each hour of the local day, 23, 24 or 25 of them. CP is import, CO is
export. CB is what is left of both after netting; the platform nets for itself, so CB is passed over.

**Versions.** A version is issued on the first instant of its DCW plus VV seconds: of two files of the same day of
creation the higher VV holds, whichever arrives first.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import BinaryIO
from zoneinfo import ZoneInfo

from metering.domain.calendar import day_bounds, local_midnight
from metering.formats.base import Context, Direction, Energy, Fault, Format, Found, fault
from metering.formats.fields import Unreadable, energy_of, point_of
from metering.formats.text import first_line, rows
from metering.formats.words import (
    HEADER_ROW,
    NOT_A_DAY,
    NOT_A_VERSION,
    NOT_AN_HOUR_COUNT,
    NOT_CELL,
    NOT_KNOWN_UNIT,
    NOT_ONE_OF,
    VALUE_MISSING,
    VALUES,
)

_HEADER = ("kOSD", "kSE", "DCW", "DD", "VV")
_COUNTED: dict[str, Direction] = {"CP": "import", "CO": "export"}
_PASSED_OVER = "CB"
#: `-`: delivered, but the distributor does not vouch for it; a higher version follows.
_FLAGS = {"+": "measured", "-": "estimated"}
_DAY = re.compile(r"(\d{2})[-.](\d{2})[-.](\d{4})", re.ASCII)
_VERSION = re.compile(r"[1-9]\d{0,4}", re.ASCII)
_HOUR = timedelta(hours=1)


def _fits(head: bytes) -> bool:
    return first_line(head).split(";")[0].strip() in _HEADER[:2]


def issued_at(head: bytes, tz: ZoneInfo) -> datetime | None:
    """When the distributor issued the file (UTC); None if its header does not say."""
    header = {values[0]: (line, values[1]) for line, values in rows(BytesIO(head)) if len(values) > 1}
    try:
        return local_midnight(_day(header, "DCW"), tz) + timedelta(seconds=_version(header))
    except (Unreadable, OverflowError):
        return None


def read(stream: BinaryIO, source: Context) -> Found:
    """The hours of one day for many points; without a right header nothing is read."""
    header: dict[str, tuple[int, str]] = {}
    hours: list[datetime] = []
    for line, values in rows(stream):
        if values[0] in _HEADER and not hours:
            header[values[0]] = (line, values[1] if len(values) > 1 else "")
            continue
        if not hours:
            wrong = list(_header_faults(header, line))
            yield from wrong
            if wrong:
                return
            start, end = day_bounds(_day(header, "DD"), source.tz)
            hours = [start + _HOUR * number for number in range((end - start) // _HOUR)]
        try:
            yield from _line(line, values, hours, header["DD"][1])
        except Unreadable as error:
            yield error.at(line)


def _header_faults(header: dict[str, tuple[int, str]], line: int) -> Iterator[Fault]:
    for name in _HEADER:
        if name not in header:
            yield fault(line, "", HEADER_ROW, value=name)
    for name, check in (("DCW", _day), ("DD", _day), ("VV", _version)):
        if name in header:
            try:
                _day(header, name) if check is _day else _version(header)
            except Unreadable as error:
                yield error.at(header[name][0])


def _day(header: dict[str, tuple[int, str]], name: str) -> date:
    _, text = header.get(name, (0, ""))
    match = _DAY.match(text)
    try:
        # A day of year 1 or 9999 has no neighbours to reckon with.
        if match and 1990 <= int(match[3]) <= 2200:
            return date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        pass
    raise Unreadable(name, NOT_A_DAY, value=text)


def _version(header: dict[str, tuple[int, str]]) -> int:
    _, text = header.get("VV", (0, ""))
    if not _VERSION.fullmatch(text):
        raise Unreadable("VV", NOT_A_VERSION, value=text)
    return int(text)


def _line(line: int, values: list[str], hours: list[datetime], day: str) -> Found:
    if len(values) < 4:
        raise Unreadable("", VALUES, count=len(values), columns=3 + len(hours))
    point = point_of(values[0], "PPE")
    kind, unit = values[1], values[2]
    if kind == _PASSED_OVER:
        return
    if kind not in _COUNTED:
        raise Unreadable("CP/CO/CB", NOT_ONE_OF, value=kind, options=", ".join((*_COUNTED, _PASSED_OVER)))
    if unit.casefold() != "kwh":
        raise Unreadable("kWh", NOT_KNOWN_UNIT, value=unit)
    cells = values[3:]
    while len(cells) > len(hours) and not cells[-1]:
        cells.pop()
    if len(cells) != len(hours):
        raise Unreadable("", NOT_AN_HOUR_COUNT, day=day, expected=len(hours), count=len(cells))
    for number, (cell, start) in enumerate(zip(cells, hours, strict=True), start=1):
        try:
            wh, quality = _cell(cell, f"{kind} {number}")
        except Unreadable as error:
            yield error.at(line)
        else:
            yield Energy(line, point, start.astimezone(UTC), 60, _COUNTED[kind], wh, quality)


def _cell(cell: str, column: str) -> tuple[int, str]:
    value, _, flag = cell.rpartition(",")
    value, flag = value.strip(), flag.strip()
    if not value and not cell.strip(" ,+-"):
        raise Unreadable(column, VALUE_MISSING)
    if not value:
        raise Unreadable(column, NOT_CELL, value=cell)
    if flag not in _FLAGS:
        raise Unreadable(column, NOT_ONE_OF, value=flag, options=", ".join(_FLAGS))
    return energy_of(value, column), _FLAGS[flag]


FORMAT = Format("dso_daily", "DSO, community day (kOSD, kSE, DCW, DD, VV)", _fits, read, issued_at=issued_at)
