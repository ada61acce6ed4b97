"""Writes a tariff book as the tables that `book_upload` reads: one CSV file each, or a workbook with a sheet each."""

import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from contracts.dataset.book_upload import DISCOUNTS, TABLES, TARIFF, ZONES
from contracts.dataset.bookfile import BookTables
from contracts.dataset.spreadsheet import TEXT_FORMAT, to_csv
from contracts.dataset.write import Line, number, rate_line, zone_line
from contracts.domain.tariff import Rate
from contracts.domain.zones import ZoneRow, parse_clock

_NUMBERS = ("phases", "use_from_kwh", "use_to_kwh", "rate_net", "discount")
_WIDTHS = {"dso": 26, "component": 18, "unit": 14, "local_treatment": 16, "valid_from": 12, "valid_to": 12}


def book_lines(dso: str, tables: BookTables) -> dict[str, list[Line]]:
    """The lines of each table, without their headers."""
    return {
        TARIFF: [rate_line(dso, row) for row in tables.rates],
        ZONES: [zone_line(row) for row in tables.zones],
        DISCOUNTS: [(row.level, number(row.discount, 2)) for row in tables.discounts],
    }


def table_csv(table: str, lines: Sequence[Line]) -> str:
    """One table; what a spreadsheet would compute is guarded."""
    return to_csv(TABLES[table], lines)


def book_xlsx(tables: Mapping[str, Sequence[Line]]) -> bytes:
    """All tables. Figures are numbers; all else is text, so that nothing becomes a formula and no month a day."""
    book = Workbook(write_only=True)
    for name, lines in tables.items():
        columns = TABLES[name]
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for place, column in enumerate(columns):
            sheet.column_dimensions[chr(ord("A") + place)].width = _WIDTHS.get(column, 11)
        head = [_cell(sheet, "", column) for column in columns]
        for cell in head:
            cell.font = Font(bold=True)
        sheet.append(head)
        for line in lines:
            sheet.append([_cell(sheet, column, value) for column, value in zip(columns, line, strict=True)])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _cell(sheet: Any, column: str, value: object) -> Any:
    if column in _NUMBERS and value not in (None, ""):
        return WriteOnlyCell(sheet, float(str(value)))
    cell = WriteOnlyCell(sheet, "" if value is None else str(value))
    cell.data_type = "s"
    cell.number_format = TEXT_FORMAT
    return cell


def example_lines(dso: str, first: date) -> dict[str, list[Line]]:
    """A small book from `first` on, to be filled in: each kind of row once or twice, with made-up rates."""
    end = date(first.year + 1, first.month, 1)

    def rate(group: str, component: str, zone: str, unit: str, micro: int, treatment: str = "full") -> Rate:
        return Rate(group, None, None, None, component, zone, unit, micro, treatment, first, end)

    brackets = ((0, 500, 4_290_000), (500, 1200, 10_310_000), (1200, 2800, 17_180_000), (2800, None, 24_050_000))
    rates = [
        rate("G11", "network_variable", "flat", "PLN/kWh", 246_400, "discounted"),
        rate("G12", "network_variable", "day", "PLN/kWh", 284_100, "discounted"),
        rate("G12", "network_variable", "night", "PLN/kWh", 55_800, "discounted"),
        rate("C11", "network_variable", "flat", "PLN/kWh", 256_000, "discounted"),
        *(rate(group, "network_fixed", "", "PLN/month", 10_860_000) for group in ("G11", "G12")),
        rate("C11", "network_fixed", "", "PLN/kW/month", 5_730_000),
        *(rate(group, "subscription", "", "PLN/month", 4_560_000) for group in ("G11", "G12", "C11")),
        *(
            Rate(group, None, low, high, "capacity", "", "PLN/month", micro, "full", first, end)
            for group in ("G11", "G12")
            for low, high, micro in brackets
        ),
        rate("C11", "capacity", "capacity_hours", "PLN/kWh", 219_400),
        rate("*", "quality", "flat", "PLN/kWh", 33_160),
        rate("*", "res", "flat", "PLN/kWh", 7_300, "waived"),
        rate("*", "cogeneration", "flat", "PLN/kWh", 3_000, "waived"),
    ]
    times = (
        ("night", "22:00", "06:00"),
        ("night", "13:00", "15:00"),
        ("day", "06:00", "13:00"),
        ("day", "15:00", "22:00"),
    )
    zones = [ZoneRow("G12", zone, "1-12", "all", parse_clock(start), parse_clock(end)) for zone, start, end in times]
    zones.append(ZoneRow("*", "capacity_hours", "1-12", "workday", parse_clock("07:00"), parse_clock("22:00")))
    return {
        TARIFF: [rate_line(dso, row) for row in rates],
        ZONES: [zone_line(row) for row in zones],
        DISCOUNTS: [("station", "0.25"), ("substation", "0.15")],
    }
