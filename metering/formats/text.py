"""Text of meter files as it really comes: any of four encodings, BOM, NUL bytes, CRLF, decimal commas."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO, TextIO

from metering.domain.readings import MAX_WH
from metering.formats.words import NEGATIVE, NOT_KWH, NOT_WH, TOO_LARGE, VALUE_MISSING

#: No line of any format comes near; what is longer is cut, and its reader finds it faulty.
LONGEST_LINE = 1 << 16
_HEAD = 4096
_DECIMAL = re.compile(r"(-?)(\d*)(?:[.,](\d*))?", re.ASCII)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class NotEnergy(ValueError):
    """A value that is no energy; `text` and `value` say why (see words)."""

    def __init__(self, text: str, value: str) -> None:
        self.text, self.value = text, value
        super().__init__(text)


class _Whole(io.RawIOBase):
    """A stream whose first bytes were looked at already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._head[: len(buffer)] if self._head else self._rest.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def lines(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1, empty ones left out. Memory does not grow with the file or a line."""
    encoding, buffered = _opened(stream)
    found = _bytewise(buffered) if encoding == "utf-8" else _wide(buffered, encoding)
    for number, text in enumerate(found, start=1):
        text = text.replace("\r", " ")
        if text.strip(" ;,\t"):
            yield number, text


def rows(stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """The lines as their values without surrounding spaces. The first line, the header, says whether `;` or `,`
    separates them; where it stands again, files were put together."""
    header, delimiter = "", ""
    for number, text in lines(stream):
        text = text.removeprefix("\ufeff")
        if text == header:
            continue
        if not header:
            header, delimiter = text, ";" if ";" in text else ","
        values = next(csv.reader((text,), delimiter=delimiter)) if '"' in text else text.split(delimiter)
        yield number, [value.strip() for value in values]


def decoded(stream: BinaryIO) -> TextIO:
    """The whole as text, for formats that have no lines."""
    encoding, buffered = _opened(stream)
    return io.TextIOWrapper(buffered, encoding=encoding, errors="replace", newline="")


def first_line(head: bytes) -> str:
    """The first line that is not empty, of the first bytes of a file."""
    return next((text.strip() for _, text in lines(io.BytesIO(head))), "")


def headings(text: str) -> list[str]:
    """The headings of a header line, in small letters."""
    return [name.casefold() for _, names in rows(io.BytesIO(text.encode())) for name in names]


def _opened(stream: BinaryIO) -> tuple[str, io.BufferedReader]:
    head = b""
    while len(head) < _HEAD and (more := stream.read(_HEAD - len(head))):
        head += more
    encoding, skip = _encoding(head)
    return encoding, io.BufferedReader(_Whole(head[skip:], stream), LONGEST_LINE)


def _encoding(head: bytes) -> tuple[str, int]:
    """The encoding and the length of its mark. Without a mark every other byte of UTF-16 text is 0."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding, len(mark)
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 4 and min(even, odd) < max(even, odd) // 8:
        return ("utf-16-le" if odd > even else "utf-16-be"), 0
    return "utf-8", 0


def _bytewise(stream: io.BufferedReader) -> Iterator[str]:
    """Polish letters in cp1250 are never valid UTF-8, so each line tells its encoding."""
    while raw := stream.readline(LONGEST_LINE):
        end = raw
        while len(end) == LONGEST_LINE and not end.endswith(b"\n"):
            end = stream.readline(LONGEST_LINE)
        raw = raw.replace(b"\0", b"").rstrip(b"\r\n")
        try:
            yield raw.decode()
        except UnicodeDecodeError:
            yield raw.decode("cp1250", errors="replace")


def _wide(stream: io.BufferedReader, encoding: str) -> Iterator[str]:
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
    while line := text.readline(LONGEST_LINE):
        end = line
        while len(end) == LONGEST_LINE and not end.endswith("\n"):
            end = text.readline(LONGEST_LINE)
        yield line.replace("\0", "").rstrip("\r\n")


@lru_cache(1 << 16)
def wh_of(text: str, unit: str = "kWh") -> int:
    """Energy [Wh] from a decimal number of `unit` (kWh, Wh) with comma or point; what is finer is rounded, half up.

    Raises NotEnergy for anything else, a negative number, or more than a reading can hold.

    >>> wh_of("0,250"), wh_of(".3"), wh_of("1.2345"), wh_of("12", "Wh")
    (250, 300, 1235, 12)
    """
    if not text:
        raise NotEnergy(VALUE_MISSING, text)
    match = _DECIMAL.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise NotEnergy(NOT_KWH if unit == "kWh" else NOT_WH, text)
    fraction = match[3] or ""
    if unit == "Wh" and fraction.strip("0"):
        raise NotEnergy(NOT_WH, text)
    places = 3 if unit == "kWh" else 0
    # int() takes no more than 4,300 digits.
    if len(match[2]) > 12:
        raise NotEnergy(TOO_LARGE, text)
    energy = int((match[2] or "0") + fraction[:places].ljust(places, "0")) + (fraction[places : places + 1] >= "5")
    if match[1] and fraction.strip("0") + match[2].strip("0"):
        raise NotEnergy(NEGATIVE, text)
    if energy > MAX_WH:
        raise NotEnergy(TOO_LARGE, text)
    return energy
