"""Tauron eLicznik, hours of one metering point: `Data;[Strefa;]Wartość kWh;Rodzaj`, with or without tariff zones.

Local time, the END of the hour, 1:00 to 24:00. `pobór` and `oddanie` count: what the meter measured. The rows
`… po zbilansowaniu` hold the same hour after import and export were netted; the platform nets for itself, by the rule
set for the cluster, so they are passed over.
"""

from collections.abc import Iterator
from typing import BinaryIO

from metering.formats.base import Context, Direction, Fault, Format, Found, fault
from metering.formats.clock import Labelled, in_time, local_label
from metering.formats.fields import Unreadable, energy_of, require_count
from metering.formats.text import first_line, headings, rows
from metering.formats.words import BALANCED_ONLY, NO_HEADER, NO_POINT, NOT_LOCAL, NOT_ONE_OF

_TIME, _ENERGY, _KIND = ("data", "wartość kwh", "rodzaj")
_COUNTED: dict[str, Direction] = {"pobór": "import", "oddanie": "export"}
_BALANCED = ("pobrana po zbilansowaniu", "oddana po zbilansowaniu")


def _fits(head: bytes) -> bool:
    return {_TIME, _ENERGY, _KIND} <= set(headings(first_line(head)))


def read(stream: BinaryIO, source: Context) -> Found:
    """The hours of `source.point`; the order of lines tells the repeated hour of autumn."""
    if not source.point:
        yield fault(0, "", NO_POINT)
        return
    yield from in_time(_labelled(stream, source.point), source.tz, 60)


def _labelled(stream: BinaryIO, point: str) -> Iterator[Labelled | Fault]:
    found = rows(stream)
    line, names = next(found, (1, []))
    names = names[:-1] if names and not names[-1] else names
    heads = [name.casefold() for name in names]
    if not {_TIME, _ENERGY, _KIND} <= set(heads):
        yield fault(line, "", NO_HEADER, columns="Data; Wartość kWh; Rodzaj")
        return
    places = tuple(heads.index(name) for name in (_TIME, _ENERGY, _KIND))
    counted, balanced = False, 0
    for line, values in found:
        if wrong := require_count(line, values, len(names)):
            yield wrong
            continue
        time, energy, kind = (values[place] for place in places)
        if kind in _BALANCED:
            balanced = balanced or line
            continue
        counted = True
        try:
            yield _hour(line, point, time, energy, kind)
        except Unreadable as error:
            yield error.at(line)
    if balanced and not counted:
        yield fault(balanced, "Rodzaj", BALANCED_ONLY)


def _hour(line: int, point: str, time: str, energy: str, kind: str) -> Labelled:
    label = local_label(time)
    if label is None:
        raise Unreadable("Data", NOT_LOCAL, value=time)
    if kind not in _COUNTED:
        raise Unreadable("Rodzaj", NOT_ONE_OF, value=kind, options=", ".join((*_COUNTED, *_BALANCED)))
    wh = energy_of(energy, "Wartość kWh")
    return Labelled(line, "Data", point, time, label, True, ((_COUNTED[kind], wh),), "measured")


FORMAT = Format("tauron", "Tauron eLicznik", _fits, read, names_point=False)
