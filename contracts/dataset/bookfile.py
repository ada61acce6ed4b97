"""Reads one version of a tariff: a folder with tariff.csv, tariff_zones.csv, tariff_discounts.csv and book.toml."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from contracts.dataset.csvfile import find_file, read_table
from contracts.dataset.faults import DatasetError, Fault, Faults
from contracts.dataset.fields import Fields
from contracts.dataset.records import Table
from contracts.dataset.tables import COLUMNS, rate_of, zone_of
from contracts.domain.book_check import rate_problems
from contracts.domain.book_complete import late_start, missing_components
from contracts.domain.composition import Book
from contracts.domain.tariff import Rate
from contracts.domain.zones import ANY_GROUP, BookProblem, ZoneRow, zone_problems

RATES, ZONES, DISCOUNTS, DESCRIPTION = "tariff.csv", "tariff_zones.csv", "tariff_discounts.csv", "book.toml"
FORMAT = "tariff-book/1"
#: A book's zones hold as long as the book, so they have no days of their own.
ZONE_COLUMNS = COLUMNS[ZONES][:6]
DISCOUNT_COLUMNS = ("level", "discount")
_LEVEL = re.compile(r"[\w-]+")
_KEYS = {"dso": ("name", "nip", "iban"), "book": ("name", "valid_from", "note")}
_OPTIONAL = {"iban", "note"}


@dataclass(frozen=True, slots=True)
class DiscountRecord:
    """What a sharing level saves of the discounted components."""

    level: str
    discount: Decimal


@dataclass(frozen=True, slots=True)
class BookTables:
    """The rows of a book, each right in itself, and the lines they stand on."""

    rates: Table[Rate]
    zones: Table[ZoneRow]
    discounts: Table[DiscountRecord]

    def book(self, valid_from: date) -> Book:
        """The same without lines."""
        return Book(valid_from, self.rates.rows, self.zones.rows, {row.level: row.discount for row in self.discounts})


@dataclass(frozen=True, slots=True)
class Description:
    """book.toml: whose book it is, and from when."""

    dso: str
    nip: str
    iban: str
    name: str
    valid_from: date
    note: str


def read_description(folder: Path) -> Description:
    """The folder's book.toml. Raises DatasetError with every mistake."""
    faults = Faults()
    path = folder / DESCRIPTION
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DatasetError((Fault(str(path), 0, "", "there is no such file"),)) from error
    except (OSError, ValueError) as error:
        raise DatasetError((Fault(DESCRIPTION, 0, "", f"the file can't be read: {error}"),)) from error
    if document.pop("format", None) != FORMAT:
        faults.add(DESCRIPTION, 0, "format", f'it must read format = "{FORMAT}"')
    dso, book = (_fields(document.pop(name, None), name, faults) for name in _KEYS)
    for name in document:
        faults.add(DESCRIPTION, 0, name, f"unknown entry; known are {', '.join(_KEYS)}")
    found = Description(
        dso=dso.text("name"),
        nip=dso.nip("nip", required=True),
        iban=dso.iban("iban", required=False),
        name=book.text("name", 100),
        valid_from=book.day("valid_from"),
        note=book.optional("note", 2000),
    )
    faults.check()
    return found


def _fields(table: Any, name: str, faults: Faults) -> Fields:
    if not isinstance(table, dict):
        faults.add(DESCRIPTION, 0, name, f"the table [{name}] is missing")
        table = {}
    for key, value in table.items():
        if key not in _KEYS[name]:
            faults.add(DESCRIPTION, 0, key, f"unknown key of [{name}]; known are {', '.join(_KEYS[name])}")
        elif not isinstance(value, str):
            faults.add(DESCRIPTION, 0, key, "the value must be a text in quotes")
    for key in _KEYS[name]:
        if key not in table and key not in _OPTIONAL:
            faults.add(DESCRIPTION, 0, key, f"the key of [{name}] is missing; add it")
    faults.check()
    return Fields(faults, DESCRIPTION, 0, table)


def read_book(folder: Path, dso: str) -> BookTables:
    """The rows of the folder's book of the distributor `dso`. Raises DatasetError with every row that can't be read."""
    faults = Faults()
    rates = find_file(folder, RATES, faults)
    zones, discounts = (find_file(folder, name, faults, required=False) for name in (ZONES, DISCOUNTS))
    found = BookTables(
        read_table(rates, RATES, COLUMNS[RATES], lambda fields: rate_of(fields, dso), faults),
        read_table(zones, ZONES, ZONE_COLUMNS, zone_of, faults),
        read_table(discounts, DISCOUNTS, DISCOUNT_COLUMNS, discount_of, faults),
    )
    faults.check()
    return found


def discount_of(fields: Fields) -> DiscountRecord:
    """A line of tariff_discounts.csv."""
    level = fields.text("level", 40)
    if level and not _LEVEL.fullmatch(level):
        fields.fault("level", f"'{level}' is no name of a level")
    return DiscountRecord(level, fields.share("discount"))


def check_storable(tables: BookTables, faults: Faults) -> None:
    """Two lines for the same thing can't both be kept, even in a draft."""
    rates: Sequence[Any] = [
        (r.group, r.phases, r.use_from_kwh, r.component, r.zone, r.valid_from) for r in tables.rates
    ]
    zones: Sequence[Any] = [(z.group, z.zone, z.months, z.day_type, z.start) for z in tables.zones]
    levels: Sequence[Any] = [row.level for row in tables.discounts]
    keys: Mapping[str, tuple[Table[Any], Sequence[Any]]] = {
        "component": (tables.rates, rates), "zone": (tables.zones, zones), "level": (tables.discounts, levels),
    }  # fmt: skip
    for column, (table, found) in keys.items():
        known: dict[Any, int] = {}
        for key, line in zip(found, table.lines, strict=True):
            if key in known:
                faults.add(table.file, line, column, f"overlap: this is the same as line {known[key]}; remove one")
            known.setdefault(key, line)


def check_book(tables: BookTables, valid_from: date, faults: Faults, *, complete: bool = True) -> None:
    """Everything that must hold of a book by itself before it is published.

    With `complete`, every group must have the usual components.
    """
    check_storable(tables, faults)
    if not tables.rates.rows:
        faults.add(tables.rates.file, 0, "", "the book has no rates")
    rates, zones = tables.rates.rows, tables.zones.rows
    _tell(tables.zones, zone_problems(zones), faults)
    _tell(tables.rates, rate_problems(rates, zones), faults)
    _tell(tables.rates, late_start(rates, valid_from), faults)
    if complete:
        _tell(tables.rates, missing_components(rates), faults)
    groups = {rate.group for rate in rates} | {ANY_GROUP}
    for row, line in zip(zones, tables.zones.lines, strict=True):
        if row.group not in groups:
            faults.add(tables.zones.file, line, "group", f"the book has no rate of group '{row.group}'")


def _tell(table: Table[Any], problems: Any, faults: Faults) -> None:
    problem: BookProblem
    for problem in problems:
        faults.add(table.file, table.lines[problem.row], problem.column, problem.text)
