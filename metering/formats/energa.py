"""Energa Mój Licznik, the JSON of a chart: hours of one metering point in one direction, energy by tariff zone [kWh].

`tm` is the start of the hour in milliseconds since 1970 (UTC), so no hour is ambiguous; `est` marks an estimate. The
zones of an hour are added up. The file does not say its direction; the context does.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import BinaryIO, TextIO

from metering.formats.base import Context, Energy, Fault, Format, Found, fault
from metering.formats.fields import Unreadable, energy_of
from metering.formats.text import decoded, first_line
from metering.formats.words import NO_POINT, NOT_EPOCH, NOT_JSON, NOT_KWH, VALUE_MISSING

_CHART = re.compile(r'"mainChart"\s*:\s*\[')
_REFUSED = re.compile(r'"success"\s*:\s*false')
_EPOCH = re.compile(r"\d{12,13}", re.ASCII)
_CHUNK = 1 << 16
#: Numbers stay text, so that none passes through a float.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def _fits(head: bytes) -> bool:
    return first_line(head).startswith("{") and b'"mainChart"' in head.replace(b"\0", b"")


def read(stream: BinaryIO, source: Context) -> Found:
    """The hours of `source.point` in `source.direction`; broken JSON ends the reading where it breaks."""
    if not source.point:
        yield fault(0, "", NO_POINT)
        return
    for item in _items(stream):
        if isinstance(item, Fault):
            yield item
            continue
        line, hour = item
        try:
            start, wh, quality = _hour(hour)
        except Unreadable as error:
            yield error.at(line)
        else:
            yield Energy(line, source.point, start, 60, source.direction, wh, quality)


def _items(stream: BinaryIO) -> Iterator[tuple[int, object] | Fault]:
    """The elements of the chart with their lines, decoded one by one."""
    text = decoded(stream)
    buffer = _more(text)
    chart = _CHART.search(buffer)
    if chart is None or _REFUSED.search(buffer[: chart.start()]):
        yield fault(1, "mainChart", NOT_JSON)
        return
    place, line = chart.end(), 1 + buffer.count("\n", 0, chart.end())
    while True:
        begin = place
        while begin < len(buffer) and buffer[begin] in " \t\r\n,":
            begin += 1
        line += buffer.count("\n", place, begin)
        place = begin
        if buffer[place : place + 1] == "]":
            return
        try:
            item, end = _DECODER.raw_decode(buffer, place)
        except (json.JSONDecodeError, RecursionError):
            more = _more(text) if len(buffer) - place < _CHUNK else ""
            if not more:
                yield fault(line, "mainChart", NOT_JSON)
                return
            buffer, place = buffer[place:] + more, 0
            continue
        yield line, item
        line += buffer.count("\n", place, end)
        place = end


def _more(text: TextIO) -> str:
    while data := text.read(_CHUNK):
        if data := data.replace("\0", ""):
            break
    return data


def _hour(item: object) -> tuple[datetime, int, str]:
    hour = item if isinstance(item, dict) else {}
    moment, zones = hour.get("tm"), hour.get("zones")
    if not isinstance(moment, str) or not _EPOCH.fullmatch(moment) or int(moment) % 3_600_000:
        raise Unreadable("tm", NOT_EPOCH, value=str(moment))
    values = [value for value in zones if value is not None] if isinstance(zones, list) else []
    if not values:
        raise Unreadable("zones", VALUE_MISSING)
    try:
        energy = sum((Decimal(value) for value in values), Decimal(0))
    except (InvalidOperation, TypeError, ValueError) as error:
        raise Unreadable("zones", NOT_KWH, value=str(values)) from error
    start = datetime.fromtimestamp(int(moment) // 1000, UTC)
    text = format(energy, "f") if energy.is_finite() and energy.adjusted() < 12 else str(energy)
    return start, energy_of(text, "zones"), "estimated" if hour.get("est") is True else "measured"


FORMAT = Format("energa", "Energa Mój Licznik (JSON)", _fits, read, names_point=False)
