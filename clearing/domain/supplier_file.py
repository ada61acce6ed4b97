"""Reads what a supplier or buyer says of each quarter-hour: CSV or XLSX with a header line, in any order of columns."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from metering.formats.base import Fault
from metering.formats.clock import Labelled, in_time, local_label
from metering.formats.fields import Unreadable, instant_of
from metering.formats.text import rows as text_rows
from metering.formats.xlsx import BROKEN, sheet_rows

MOST_FAULTS = 50
#: A file of a year has 35,040 lines.
MOST_LINES = 50_000
_NUMBER = re.compile(r"-?\d{1,12}(?:[.,]\d{1,9})?", re.ASCII)
_MINUTE = timedelta(minutes=1)

#: What the columns may be called, in small letters.
TIME = {"interval_start": False, "time": False, "czas": False, "początek": False, "interval_end": True, "koniec": True}
#: Names of the energy, and how many Wh its unit has.
ENERGY = {
    name: wh
    for unit, wh in (("wh", 1), ("kwh", 1_000), ("mwh", 1_000_000))
    for name in (unit, f"energy_{unit}", f"energia_{unit}")
}
#: Names of the price, and by how many places PLN/kWh are fewer.
PRICE = {"price_pln_mwh": 3, "cena_pln_mwh": 3, "price_pln_kwh": 0, "cena_pln_kwh": 0}
AMOUNT = {"amount_pln": 0, "kwota_pln": 0, "wartość_pln": 0}


class SupplierLine(NamedTuple):
    """What line `row` of the file says of the quarter-hour that begins at `start` (UTC) [Wh, PLN/kWh, PLN]."""

    row: int
    start: datetime
    wh: int
    price_pln_kwh: Decimal | None
    amount_pln: Decimal | None


class SupplierFileRefused(ValueError):
    """A file that can't be read, with what is wrong and where."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults)[:MOST_FAULTS])
        super().__init__("\n".join(f"line {fault.line}, {fault.column}: {fault.text}" for fault in self.faults))


@dataclass(frozen=True)
class _Columns:
    """Where things stand, by the heading that the file gives them."""

    names: list[str]
    time: int
    ends: bool
    energy: int
    unit: int
    price: int | None
    price_places: int
    amount: int | None


def read_lines(data: bytes, tz: ZoneInfo) -> tuple[SupplierLine, ...]:
    """The lines in order of time; local times are those of `tz`. Raises SupplierFileRefused."""
    faults: list[Fault] = []
    found: dict[datetime, SupplierLine] = {}
    values: dict[int, tuple[Decimal | None, Decimal | None]] = {}
    try:
        for item in in_time(_labelled(data, values, faults), tz, 15):
            if isinstance(item, Fault):
                faults.append(item)
                continue
            if item.start in found:
                text = f"the quarter-hour is in line {found[item.start].row} already; leave one of them"
                faults.append(Fault(item.line, "", text))
            found.setdefault(item.start, SupplierLine(item.line, item.start, item.wh, *values[item.line]))
    except Unreadable as error:
        faults.append(error.at(0))
    if not found and not faults:
        faults.append(Fault(0, "", "the file has no lines"))
    if faults:
        raise SupplierFileRefused(faults)
    return tuple(found[start] for start in sorted(found))


def _labelled(
    data: bytes, values: dict[int, tuple[Decimal | None, Decimal | None]], faults: list[Fault]
) -> Iterator[Labelled]:
    """The lines with their times as they stand; prices and amounts go into `values` by line."""
    columns: _Columns | None = None
    for number, cells in _rows(data, faults):
        if columns is None:
            columns = _columns(cells, faults)
            if columns is None:
                return
            continue
        if number > MOST_LINES:
            faults.append(Fault(number, "", f"the file has more than {MOST_LINES} lines"))
            return
        before = len(faults)
        cells = [*cells, *[""] * len(columns.names)]
        label = local_label(cells[columns.time]) or instant_of(cells[columns.time])
        if label is None:
            text = f"'{cells[columns.time]}' is not a time such as 2026-06-15 13:00"
            faults.append(Fault(number, columns.names[columns.time], text))
        wh = _number(number, cells, columns, columns.energy, faults)
        price = None if columns.price is None else _number(number, cells, columns, columns.price, faults, empty=True)
        amount = None if columns.amount is None else _number(number, cells, columns, columns.amount, faults, empty=True)
        if wh is not None:
            whole = wh * columns.unit
            if whole < 0 or whole != whole.to_integral_value():
                faults.append(Fault(number, columns.names[columns.energy], f"'{wh}' is no energy in whole Wh"))
        if len(faults) > before or label is None or wh is None:
            continue
        values[number] = (None if price is None else price.scaleb(-columns.price_places), amount)
        yield Labelled(
            number, columns.names[columns.time], "", cells[columns.time], label, columns.ends,
            (("import", int(wh * columns.unit)),), "",
        )  # fmt: skip


def _rows(data: bytes, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    if not data.startswith(b"PK\x03\x04"):
        yield from text_rows(io.BytesIO(data))
        return
    try:
        for number, row in enumerate(sheet_rows(io.BytesIO(data)), start=1):
            if any(cell is not None for cell in row):
                yield number, [_text(cell) for cell in row]
    except BROKEN:
        faults.append(Fault(0, "", "the file is no readable XLSX workbook; save it again as XLSX"))


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        # Days are fractions in a workbook; the nearest minute is meant.
        return f"{cell + _MINUTE / 2:%Y-%m-%d %H:%M}"
    if isinstance(cell, float):
        # Sums in a workbook leave 0.30000000000000004.
        return f"{round(Decimal(str(cell)), 9).normalize():f}"
    return str(cell).replace("\N{NO-BREAK SPACE}", "").strip()


def _columns(names: list[str], faults: list[Fault]) -> _Columns | None:
    heads = [name.strip().casefold() for name in names]

    def place(known: Iterable[str], what: str, needed: bool) -> int | None:
        found = [index for index, head in enumerate(heads) if head in known]
        if len(found) > 1 or (needed and not found):
            text = "stands more than once; leave one" if found else "is missing; add it"
            faults.append(Fault(1, what, f"the column {text} (it may be called {', '.join(known)})"))
        return found[0] if found else None

    time, energy = place(TIME, "interval_start", True), place(ENERGY, "kwh", True)
    price, amount = place(PRICE, "price_pln_mwh", False), place(AMOUNT, "amount_pln", False)
    if faults or time is None or energy is None:
        return None
    places = PRICE[heads[price]] if price is not None else 0
    return _Columns(names, time, TIME[heads[time]], energy, ENERGY[heads[energy]], price, places, amount)


def _number(
    line: int, cells: list[str], columns: _Columns, place: int, faults: list[Fault], empty: bool = False
) -> Decimal | None:
    text = cells[place].replace(" ", "")
    if empty and not text:
        return None
    if not _NUMBER.fullmatch(text):
        faults.append(Fault(line, columns.names[place], f"'{cells[place]}' is not a number such as 0,250"))
        return None
    return Decimal(text.replace(",", "."))
