"""Enea eBOK, hours of one metering point: the time and four columns, import and export before and after balancing.

`="2026-06-15 00:59"` is the last minute of the hour that starts at 00:00 (local). The columns before balancing count:
what the meter measured. Those after it hold the same hour netted; the platform nets for itself.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import BinaryIO

from metering.formats.base import Context, Fault, Format, Found, fault
from metering.formats.clock import Labelled, in_time, local_label
from metering.formats.fields import Unreadable, energy_of, require_count
from metering.formats.text import first_line, headings, rows
from metering.formats.words import NO_HEADER, NO_POINT, NOT_LOCAL

_WORDS = ("pobranej", "oddanej")
_BEFORE = "przed bilansowaniem"
_LAST_MINUTE = timedelta(minutes=59)


def _places(heads: list[str]) -> tuple[int, ...]:
    """Where time, import and export stand; empty if this is another format's header."""
    times = [place for place, head in enumerate(heads) if head == "data"]
    energy = [[place for place, head in enumerate(heads) if word in head and _BEFORE in head] for word in _WORDS]
    return (times[0], energy[0][0], energy[1][0]) if times and all(energy) else ()


def _fits(head: bytes) -> bool:
    return bool(_places(headings(first_line(head))))


def read(stream: BinaryIO, source: Context) -> Found:
    """The hours of `source.point`; the order of lines tells the repeated hour of autumn."""
    if not source.point:
        yield fault(0, "", NO_POINT)
        return
    yield from in_time(_labelled(stream, source.point), source.tz, 60)


def _labelled(stream: BinaryIO, point: str) -> Iterator[Labelled | Fault]:
    found = rows(stream)
    line, names = next(found, (1, []))
    places = _places([name.casefold() for name in names])
    if not places:
        yield fault(line, "", NO_HEADER, columns="Data; … pobranej …; … oddanej … przed bilansowaniem godzinowym")
        return
    for line, values in found:
        if wrong := require_count(line, values, len(names)):
            yield wrong
            continue
        try:
            yield _hour(line, point, [names[place] for place in places], [_plain(values[place]) for place in places])
        except Unreadable as error:
            yield error.at(line)


def _plain(text: str) -> str:
    """Without the `="…"` that keeps office programs from changing the value."""
    return text.removeprefix("=").strip('"')


def _hour(line: int, point: str, names: list[str], values: list[str]) -> Labelled:
    label = local_label(values[0])
    if label is None:
        raise Unreadable(names[0], NOT_LOCAL, value=values[0])
    label = (label - _LAST_MINUTE).replace(second=0)
    drawn, fed_in = (energy_of(value, name) for value, name in zip(values[1:], names[1:], strict=True))
    return Labelled(line, names[0], point, values[0], label, False, (("import", drawn), ("export", fed_in)), "measured")


FORMAT = Format("enea", "Enea eBOK", _fits, read, names_point=False)
