"""Single values of meter files: metering points, times, qualities."""

import re
from datetime import UTC, datetime
from functools import lru_cache

from metering.domain.readings import QUALITIES
from metering.formats.base import Fault, fault
from metering.formats.text import NotEnergy, wh_of
from metering.formats.words import NOT_A_POINT, NOT_ONE_OF, VALUES

_CODE = re.compile(r"\d{18}", re.ASCII)
_CODE_IN_NAME = re.compile(r"(?<!\d)\d{18}(?!\d)", re.ASCII)
#: CSIRE's codes. A designated value is the distributor's own substitute; disturbed on top of it, it is a guess that a
#: later version replaces. CK0035 says that there is no value.
CK_QUALITY = {"CK0031": "measured", "CK0032": "measured", "CK0033": "substituted", "CK0034": "estimated"}
CK_MISSING = "CK0035"
_QUALITY = {name: name for name in QUALITIES} | CK_QUALITY


class Unreadable(ValueError):
    """A value that can't be read: becomes a fault of its line; `text` is one of words, `values` fill it in."""

    def __init__(self, column: str, text: str, **values: str | int) -> None:
        self.column, self.text, self.values = column, text, values
        super().__init__(text)

    def at(self, line: int) -> Fault:
        """The fault in this line."""
        return fault(line, self.column, self.text, **self.values)


def energy_of(text: str, column: str, unit: str = "kWh") -> int:
    """Energy [Wh] from a number of `unit`."""
    try:
        return wh_of(text, unit)
    except NotEnergy as error:
        raise Unreadable(column, error.text, **({"value": error.value} if error.value else {})) from error


def point_of(text: str, column: str) -> str:
    """A metering point's code."""
    if not _CODE.fullmatch(text):
        raise Unreadable(column, NOT_A_POINT, value=text)
    return text


def point_in_name(name: str) -> str:
    """The metering point that a file's name holds, if it holds exactly one.

    >>> point_in_name("odczyty_590322400000000010_2026-06.csv"), point_in_name("odczyty.csv")
    ('590322400000000010', '')
    """
    found = set(_CODE_IN_NAME.findall(name))
    return found.pop() if len(found) == 1 else ""


def quality_of(text: str, column: str) -> str:
    """The quality by its name or CSIRE code; CK0035, which has no value, is the caller's."""
    try:
        return _QUALITY[text]
    except KeyError:
        options = ", ".join((*_QUALITY, CK_MISSING))
        raise Unreadable(column, NOT_ONE_OF, value=text, options=options) from None


@lru_cache(1 << 14)
def instant_of(text: str) -> datetime | None:
    """A time with its offset as UTC; None if it is nothing of the kind."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def require_count(line: int, values: list[str], columns: int) -> Fault | None:
    """The fault of a line with too few or too many values; empty ones at its end don't count."""
    count = len(values)
    while count > columns and not values[count - 1]:
        count -= 1
    return fault(line, "", VALUES, count=count, columns=columns) if count != columns else None
