"""All formats. A new one is a module with a function `read` and a line here (docs/how-to.md)."""

from metering.formats import canonical, dso_daily, enea, energa, own_csv, tauron, xlsx
from metering.formats.base import Format
from metering.formats.text import first_line
from metering.formats.words import UNKNOWN_FORMAT

FORMATS: dict[str, Format] = {
    module.FORMAT.name: module.FORMAT for module in (own_csv, canonical, dso_daily, tauron, enea, energa, xlsx)
}
#: So many first bytes tell every format.
HEAD_BYTES = 4096


class UnknownFormat(ValueError):
    """No format fits; the text says what the file begins with and what is known."""


def detect(head: bytes) -> Format:
    """The format of a file from its first HEAD_BYTES bytes; raises UnknownFormat."""
    head = head[:HEAD_BYTES]
    for format_ in FORMATS.values():
        if format_.fits(head):
            return format_
    known = ", ".join(format_.title for format_ in FORMATS.values())
    begins = "".join(letter if letter.isprintable() else "?" for letter in first_line(head)[:60])
    raise UnknownFormat(UNKNOWN_FORMAT % {"value": begins, "known": known})
