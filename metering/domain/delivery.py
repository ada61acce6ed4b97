"""Reads the JSON form of readings as delivered by meters."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime

from metering.domain.calendar import INTERVAL, CalendarError, format_instant, parse_instant
from metering.domain.readings import COLUMNS, ReadingFault, ReadingRow

#: About a day of a hundred meters; larger deliveries come in parts.
MAX_ROWS = 10_000
_TYPES = {"imported_wh": int, "exported_wh": int}


def parse_delivery(sent: list[object], now: datetime) -> tuple[dict[int, ReadingRow], list[ReadingFault]]:
    """The readings that have the right form, by their place in the list, and what is wrong with the others.

    A quarter-hour that has not finished at `now` has no reading yet.
    """
    rows: dict[int, ReadingRow] = {}
    faults = []
    for place, item in enumerate(sent):
        parsed = _parse(item, now)
        if isinstance(parsed, ReadingRow):
            rows[place] = parsed
        else:
            faults.append(ReadingFault("", place, *parsed))
    return rows, faults


def csv_lines(rows: Iterable[ReadingRow]) -> bytes:
    """The readings as CSV lines without a header, the way they are stored from."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    for row in rows:
        start = format_instant(row.interval_start)
        lines.writerow((row.code, start, row.imported_wh, row.exported_wh, row.quality))
    return out.getvalue().encode()


def _parse(item: object, now: datetime) -> ReadingRow | tuple[str, str]:
    if not isinstance(item, dict):
        return "", "this is no object"
    if unknown := sorted(item.keys() - set(COLUMNS)):
        return unknown[0], f"this field is unknown; the fields are {', '.join(COLUMNS)}"
    for column in COLUMNS:
        if column not in item:
            return column, "this field is missing"
        kind = _TYPES.get(column, str)
        # In Python True is an int.
        if type(item[column]) is not kind:
            return column, "this is no whole number" if kind is int else "this is no text"
    try:
        start = parse_instant(item["interval_start"])
    except CalendarError as error:
        return "interval_start", str(error)
    if start + INTERVAL > now:
        return "interval_start", f"the quarter-hour {item['interval_start']} has not finished yet"
    return ReadingRow(item["metering_point"], start, item["imported_wh"], item["exported_wh"], item["quality"])
