"""A tariff book as a distributor sends it: CSV from office programs, or a workbook; every mistake with its place."""

import io
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from contracts.dataset.book_upload import TABLES, SentFile, read_uploaded
from contracts.dataset.book_write import book_lines, book_xlsx, example_lines, table_csv
from contracts.dataset.bookfile import BookTables, DiscountRecord
from contracts.dataset.faults import DatasetError
from contracts.domain.book_check import rate_problems
from contracts.domain.zones import zone_problems

EXAMPLE = Path(__file__).parents[2] / "demo" / "three-stations"
DSO = "Example Distribution"
TARIFF = (EXAMPLE / "tariff.csv").read_text()
ZONES = (EXAMPLE / "tariff_zones.csv").read_text()
RATE = {
    "dso": DSO, "group": "G11", "component": "network_variable", "zone": "flat", "unit": "PLN/kWh",
    "rate_net": 0.2464, "local_treatment": "discounted", "valid_from": "2026-01-01", "valid_to": "2027-01-01",
}  # fmt: skip


def read(*files: tuple[str, str | bytes]) -> BookTables:
    sent = [SentFile(name, data if isinstance(data, bytes) else data.encode()) for name, data in files]
    return read_uploaded(sent, DSO)


def refused(*files: tuple[str, str | bytes]) -> list[str]:
    with pytest.raises(DatasetError) as error:
        read(*files)
    return [str(fault) for fault in error.value.faults]


def workbook(*sheets: tuple[str, list[list[Any]]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def tariff_sheet(*changes: dict[str, Any]) -> tuple[str, list[list[Any]]]:
    columns = list(TABLES["tariff"])
    return "tariff", [columns, *([(RATE | change).get(column) for column in columns] for change in changes)]


def test_the_example_is_read_from_two_files_whatever_their_names() -> None:
    book = read(("Taryfa 2026.csv", TARIFF), ("b.csv", ZONES))
    assert (len(book.rates), len(book.zones), len(book.discounts)) == (32, 14, 0)
    assert book.rates.rows[0].micro == 246_400
    assert book.rates.lines[0] == 2


def test_office_programs_write_semicolons_decimal_commas_and_windows_letters() -> None:
    head, *lines = TARIFF.splitlines()
    text = "\r\n".join(
        [head.replace(",", ";"), *(line.replace(",", ";").replace(".", ",") for line in lines), ";;;", ""]
    )
    polish = text.replace("G11", "Zażółć", 1).encode("cp1250")
    book = read(("a.csv", polish), ("z.csv", b"\xef\xbb\xbf" + ZONES.encode()))
    assert book.rates.rows[0].group == "Zażółć"
    assert book.rates.rows[1:] == read(("a.csv", TARIFF)).rates.rows[1:]
    wide = read(("a.csv", text.encode("utf-16")))
    assert wide.rates.rows == read(("a.csv", TARIFF)).rates.rows


def test_a_workbook_gives_the_same_as_its_files() -> None:
    book = read(("t.csv", TARIFF), ("z.csv", ZONES), ("d.csv", "level,discount\nstation,0.25\n"))
    lines = book_lines(DSO, book)
    again = read(("book.xlsx", book_xlsx(lines)))
    assert again.rates.rows == book.rates.rows
    assert again.zones.rows == book.zones.rows
    assert again.discounts.rows == (DiscountRecord("station", Decimal("0.25")),)
    csv = [(f"{name}.csv", table_csv(name, rows)) for name, rows in lines.items()]
    assert read(*csv).rates.rows == book.rates.rows


def test_the_example_to_fill_in_is_a_right_book() -> None:
    book = read(("example.xlsx", book_xlsx(example_lines(DSO, date(2027, 1, 1)))))
    assert list(zone_problems(book.zones.rows)) == []
    assert list(rate_problems(book.rates.rows, book.zones.rows)) == []


def test_cells_are_read_as_what_they_show() -> None:
    zones = [["group", "zone", "months", "day_type", "from", "to"]]
    zones += [
        ["G12", "night", "1-12", "all", time(22), time(6)],
        ["G12", "day", "1-12", "all", "6:00", timedelta(hours=22)],
    ]
    zones += [["*", "hours", "1-12", "free", time(0), timedelta(days=1)]]
    sheet = tariff_sheet(
        {
            "rate_net": "0,2464",
            "valid_from": datetime.fromisoformat("2026-01-01"),
            "valid_to": "1.01.2027",
            "phases": 3.0,
        }
    )
    book = read(("b.xlsx", workbook(sheet, ("tariff_zones", zones), ("remarks", [["sent by the tariff desk"]]))))
    assert (book.rates.rows[0].micro, book.rates.rows[0].phases) == (246_400, 3)
    assert (book.rates.rows[0].valid_from, book.rates.rows[0].valid_to) == (date(2026, 1, 1), date(2027, 1, 1))
    assert [(row.start, row.end) for row in book.zones] == [(22 * 60, 6 * 60), (6 * 60, 22 * 60), (0, 24 * 60)]


def test_a_formula_counts_as_its_value_and_one_without_is_told() -> None:
    assert refused(("b.xlsx", workbook(tariff_sheet({}, {"component": "quality", "rate_net": "=2*0.01"})))) == [
        "b.xlsx, line 3, column rate_net: the formula has no value; open and save the file in a spreadsheet program,"
        " or write the value",
    ]


def test_every_mistake_is_told_with_file_row_and_column() -> None:
    spoiled = (
        TARIFF.replace("PLN/kWh,0.2464", "PLN/MWh,246.4")
        .replace("0.2841", "o.2841")
        .replace("0.0558,discounted", "0.0558,halved")
    )
    zones = ZONES.replace("22:00,06:00", "22:07,06:00", 1).replace("10-3", "2026-03-10")
    assert refused(("tariff.csv", spoiled), ("zones.csv", zones)) == [
        "tariff.csv, line 2, column unit: 'PLN/MWh': rates are per kWh; divide the rate by 1000 and give PLN/kWh",
        "tariff.csv, line 5, column rate_net: 'o.2841' is not a decimal number such as 0.25",
        "tariff.csv, line 6, column local_treatment: 'halved' is not one of full, discounted, waived, hourly",
        "zones.csv, line 2, column from: '22:07' is not a time of day in quarter-hours from 00:00 to 24:00",
        "zones.csv, line 12, column months: the spreadsheet made a day of it; format the cell as text and write the"
        " months again",
    ]


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ([("z.csv", ZONES)], "tariff: the table of rates is missing"),
        ([("t.csv", TARIFF), ("u.csv", TARIFF)], "u.csv: there is also t.csv; send one of them"),
        ([("x.csv", "a,b\n1,2\n")], "x.csv, line 1: this is no table of a tariff book; the columns of the rates are"),
        ([("x.csv", "")], "x.csv: the file is empty"),
        ([("x.xlsx", b"PK\x03\x04 no workbook")], "x.xlsx: this is no workbook that can be read; save it as .xlsx"),
        ([("t.csv", TARIFF.replace("rate_net", "rate"))], "t.csv, line 1, column rate: unknown column"),
        ([("t.csv", TARIFF.replace(DSO, "Other", 1))], "t.csv, line 2, column dso: 'Other' is not the distributor"),
        ([("t.csv", TARIFF + 'x,"')], "t.csv, line 34: this is no valid CSV"),
    ],
)
def test_what_is_no_book_is_refused(files: list[tuple[str, str | bytes]], text: str) -> None:
    assert any(fault.startswith(text) for fault in refused(*files)), refused(*files)


def test_the_column_of_the_distributor_may_be_left_out() -> None:
    lines = [line.partition(",")[2] for line in TARIFF.splitlines()]
    assert len(read(("t.csv", "\n".join(lines))).rates) == 32


def test_nothing_handed_out_is_a_formula() -> None:
    lines = {"tariff": [(DSO, "=1+1", None, None, None, "@x", "flat", "PLN/kWh", "0.25", "full", "2026-01-01", "")]}
    sheet = load_workbook(io.BytesIO(book_xlsx(lines)))["tariff"]
    assert (sheet["B2"].value, sheet["B2"].data_type, sheet["I2"].value) == ("=1+1", "s", 0.25)
    assert "'=1+1" in table_csv("tariff", lines["tariff"])
    assert read(("t.csv", table_csv("tariff", lines["tariff"]))).rates.rows[0].group == "=1+1"


def test_one_wrong_name_is_one_mistake() -> None:
    others = TARIFF.replace(DSO, "Enea").replace("PLN/kWh,0.2841", "PLN/Wh,0.2841")
    assert refused(("tariff.csv", others), ("zones.csv", ZONES)) == [
        f"tariff.csv, line 2, column dso: 'Enea' is not the distributor '{DSO}', whose book this is",
        "tariff.csv, line 5, column unit: 'PLN/Wh' is not one of PLN/kWh, PLN/month, PLN/kW/month",
    ]
