"""What a reader of meter files gives, and what it is given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Literal, NamedTuple
from zoneinfo import ZoneInfo

from metering.formats.columns import Columns
from metering.formats.words import Filling

Direction = Literal["import", "export"]


class Energy(NamedTuple):
    """What a point drew (`import`) or fed in (`export`) in the `minutes` (15 or 60) from `start` (UTC) on [Wh].

    `line` counts from 1, the header included. `quality` is one of metering.domain.readings.QUALITIES; `measured` energy
    of an hour becomes `split` when it is assembled.
    """

    line: int
    point: str
    start: datetime
    minutes: int
    direction: Direction
    wh: int
    quality: str


class Fault(NamedTuple):
    """What can't be read, and what to do. Line 0 is the file as a whole; `column` is the file's own heading."""

    line: int
    column: str
    text: str


def fault(line: int, column: str, text: str, /, **values: Filling) -> Fault:
    """A fault with one of the texts of `words`, filled in."""
    return Fault(line, column, text % values if values else text)


Found = Iterator[Energy | Fault]


@dataclass(frozen=True)
class Context:
    """What a file does not say itself.

    `point` is the metering point of the formats that name none, `direction` what a file of one unnamed direction
    holds, `columns` where things stand in a spreadsheet, `tz` the local time of the labels.
    """

    tz: ZoneInfo
    point: str = ""
    direction: Direction = "import"
    columns: Columns | None = None


@dataclass(frozen=True)
class Format:
    """A file format: `fits` says from the first bytes whether a file has it, `read` yields energy and faults in the
    order of the file and goes on after a fault. `issued_at` reads from the first bytes when the source issued the
    file, if the format says so."""

    name: str
    title: str
    fits: Callable[[bytes], bool]
    read: Callable[[BinaryIO, Context], Found]
    names_point: bool = True
    issued_at: Callable[[bytes, ZoneInfo], datetime | None] | None = None
