"""Readings as machines send them: JSON, NDJSON (an object a line) or CSV with a header; at most MAX_ROWS."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from metering.domain.readings import COLUMNS, STAMPED_COLUMNS, ReadingFault

MAX_ROWS = 100_000
_FIELDS = frozenset(STAMPED_COLUMNS)
_REQUIRED = frozenset(COLUMNS)
#: No value that can be right has other characters, so that none has to be quoted in CSV.
_PLAIN = re.compile(r"[\w:+.-]*", re.ASCII)


class DeliveryError(ValueError):
    """The body is no delivery; the text says why."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The readings as CSV lines of `columns` without a header, and what is wrong with those that are none.

    `places[n]` is the place of the n-th line among all `count` readings, from 0; `faults` name such places too.
    """

    columns: tuple[str, ...]
    lines: bytes
    count: int
    places: list[int] | range
    faults: list[ReadingFault]


def parse_json(body: bytes) -> Delivery:
    """An object whose `readings` is a list of objects."""
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DeliveryError(f"the body is no JSON: {error}") from error
    readings = sent.get("readings") if isinstance(sent, dict) else None
    if not isinstance(readings, list):
        raise DeliveryError(f"send an object with 1 to {MAX_ROWS} `readings`")
    return _parse(readings, len(readings))


def parse_ndjson(body: bytes) -> Delivery:
    """A JSON object a line; empty lines don't count."""
    lines = [line for line in body.splitlines() if line.strip()]
    return _parse(_loaded(lines), len(lines))


def parse_csv(body: bytes) -> Delivery:
    """A header that names the columns, in any order, and a reading a line."""
    header, _, lines = body.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    columns = tuple(name.strip() for name in header.decode("utf-8", errors="replace").strip().split(","))
    if len(set(columns)) < len(columns) or not _REQUIRED <= set(columns) <= _FIELDS:
        raise DeliveryError(f"the first line must name the columns {','.join(COLUMNS)}, and issued_at if it is there")
    count = lines.count(b"\n") + (not lines.endswith(b"\n") and bool(lines))
    _check_count(count)
    return Delivery(columns, lines, count, range(count), [])


def _loaded(lines: Iterable[bytes]) -> Iterator[object]:
    for line in lines:
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:
            yield None


def _check_count(count: int) -> None:
    if not 0 < count <= MAX_ROWS:
        raise DeliveryError(f"there are {count} readings; send 1 to {MAX_ROWS} at a time")


def _parse(readings: Iterable[object], count: int) -> Delivery:
    _check_count(count)
    good: list[dict[str, object]] = []
    places: list[int] = []
    faults: list[ReadingFault] = []
    for place, item in enumerate(readings):
        fault = _fault(item)
        if fault is None:
            good.append(item)  # type: ignore[arg-type]
            places.append(place)
        else:
            faults.append(ReadingFault("", place, *fault))
    columns = STAMPED_COLUMNS if any("issued_at" in item for item in good) else COLUMNS
    lines = (",".join([str(item.get(column, "")) for column in columns]) for item in good)
    return Delivery(columns, "".join(f"{line}\n" for line in lines).encode(), count, places, faults)


def _fault(item: object) -> tuple[str, str] | None:
    if not isinstance(item, dict):
        return "", "this is no object"
    if not _REQUIRED <= item.keys() <= _FIELDS:
        for column in COLUMNS:
            if column not in item:
                return column, "this field is missing"
        unknown = min(item.keys() - _FIELDS)
        return unknown, f"this field is unknown; the fields are {', '.join(STAMPED_COLUMNS)}"
    for column, value in item.items():
        if column in ("imported_wh", "exported_wh"):
            # In Python True is an int.
            if type(value) is not int:
                return column, "this is no whole number"
        elif type(value) is not str:
            return column, "this is no text"
        elif not value or not _PLAIN.fullmatch(value):
            return column, f"{value!r} can't be right; it has signs that never occur here" if value else "this is empty"
    return None
