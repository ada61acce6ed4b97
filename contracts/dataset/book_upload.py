"""Reads a tariff book from what a distributor uploads: CSV files, or one workbook with a sheet for each table."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from contracts.dataset.book_grid import Grid, read_grids
from contracts.dataset.bookfile import DISCOUNT_COLUMNS, ZONE_COLUMNS, BookTables, discount_of
from contracts.dataset.faults import Faults
from contracts.dataset.fields import Fields
from contracts.dataset.records import Table
from contracts.dataset.tables import COLUMNS, rate_of, zone_of
from contracts.domain.tariff import UNITS

Row = TypeVar("Row")

#: The tables of a book by the names of their sheets.
TARIFF, ZONES, DISCOUNTS = "tariff", "zones", "discounts"
TABLES: Mapping[str, tuple[str, ...]] = {
    TARIFF: COLUMNS["tariff.csv"],
    ZONES: ZONE_COLUMNS,
    DISCOUNTS: DISCOUNT_COLUMNS,
}
#: What may be left out: whose book it is and for which days a zone holds is known.
LEFT_OUT = frozenset({"dso"})
NAMES = {name: table for table in TABLES for name in (table, f"tariff_{table}")}
_DECIMALS = ("rate_net", "discount")
_NUMBERS = ("phases", "use_from_kwh", "use_to_kwh")
_DAYS = ("valid_from", "valid_to")
_CLOCKS = ("from", "to")
_DOTTED_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::00)?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?: \d{3})+", re.ASCII)
_DAY_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was sent."""

    name: str
    data: bytes


def read_uploaded(files: Iterable[SentFile], dso: str) -> BookTables:
    """The book of this distributor. Raises DatasetError with every mistake, by file, row and column."""
    faults = Faults()
    found: dict[str, Grid] = {}
    unreadable = False
    for sent in files:
        grids = read_grids(sent.name, sent.data, faults)
        unreadable = unreadable or not grids
        for grid in grids:
            table = _table_of(grid, alone=len(grids) == 1)
            if table in found:
                faults.add(grid.file, 0, "", f"there is also {found[table].file}; send one of them")
            elif table:
                found[table] = grid
            elif len(grids) == 1:
                columns = ", ".join(TABLES[TARIFF])
                faults.add(
                    grid.file, 1, "", f"this is no table of a tariff book; the columns of the rates are {columns}"
                )
                unreadable = True
    if TARIFF not in found and not unreadable:
        faults.add(
            "tariff", 0, "", "the table of rates is missing; send tariff.csv or a workbook with a sheet 'tariff'"
        )
    tables = BookTables(
        rates=_read(found, TARIFF, lambda fields: rate_of(fields, dso), faults, dso),
        zones=_read(found, ZONES, zone_of, faults, dso),
        discounts=_read(found, DISCOUNTS, discount_of, faults, dso),
    )
    faults.check()
    return tables


def _table_of(grid: Grid, *, alone: bool) -> str:
    """Which table it is: by the name of its sheet, or by the columns in its first row; empty: none."""
    by_name = NAMES.get(grid.sheet.strip().casefold(), "")
    if by_name:
        return by_name
    header = {value.casefold() for value in grid.rows[0]}
    counts = {table: len(header & set(columns)) for table, columns in TABLES.items()}
    best = max(counts, key=lambda table: counts[table])
    return best if counts[best] >= (2 if alone else 3) else ""


def _read(found: Mapping[str, Grid], name: str, parse: Callable[[Fields], Row], faults: Faults, dso: str) -> Table[Row]:
    grid = found.get(name)
    if grid is None:
        return Table(name, (), ())
    header = [value.casefold() for value in grid.rows[0]]
    while header and not header[-1]:
        header.pop()
    if not _header_fits(header, TABLES[name], grid, faults):
        return Table(grid.file, (), ())
    rows: list[Row] = []
    lines: list[int] = []
    owners: set[str] = {dso}
    for line, values in zip(grid.lines[1:], grid.rows[1:], strict=True):
        if any(values[len(header) :]):
            faults.add(grid.file, line, "", f"there are {len(values)} values for {len(header)} columns")
            continue
        padded = [*values, *[""] * len(header)][: len(header)]
        texts = {column: _as_format(column, value) for column, value in zip(header, padded, strict=True)}
        fields = Fields(faults, grid.file, line, texts)
        _tell_traps(fields, texts)
        owner = texts.get("dso", dso)
        if owner in owners:
            # Told once, not in every row: the rest of what is wrong would not be seen.
            owner = dso
        texts["dso"] = owner
        owners.add(owner)
        rows.append(parse(fields))
        lines.append(line)
    return Table(grid.file, tuple(rows), tuple(lines))


def _header_fits(header: Sequence[str], columns: Sequence[str], grid: Grid, faults: Faults) -> bool:
    line, right = grid.lines[0], True
    for place, column in enumerate(header):
        if column not in columns:
            faults.add(grid.file, line, column, f"unknown column; the columns are {', '.join(columns)}")
        elif column in header[:place]:
            faults.add(grid.file, line, column, "the column appears twice; remove one")
        else:
            continue
        right = False
    for column in columns:
        if column not in header and column not in LEFT_OUT:
            faults.add(grid.file, line, column, "the column is missing; add it")
            right = False
    return right


def _as_format(column: str, value: str) -> str:
    """The value as the format writes it; what is none stays as it is, for its reader to tell."""
    if column in _DECIMALS:
        return value.replace(" ", "").replace(",", ".")
    if column in _NUMBERS and _GROUPED.fullmatch(value):
        return value.replace(" ", "")
    if column in _DAYS and (match := _DOTTED_DAY.fullmatch(value)):
        return f"{match[3]}-{match[2]:>02}-{match[1]:>02}"
    if column in _CLOCKS and (match := _CLOCK.fullmatch(value)):
        return f"{match[1]:>02}:{match[2]}"
    return value


def _tell_traps(fields: Fields, texts: dict[str, str]) -> None:
    """What price lists and spreadsheets make of a right value, each told once."""
    if "MWh" in texts.get("unit", ""):
        fields.fault("unit", f"'{texts['unit']}': rates are per kWh; divide the rate by 1000 and give PLN/kWh")
        texts["unit"] = UNITS[0]
    if _DAY_TEXT.fullmatch(texts.get("months", "")):
        fields.fault("months", "the spreadsheet made a day of it; format the cell as text and write the months again")
        texts["months"] = "1-12"
