"""Spreadsheets by the column mapping of their source."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openpyxl import Workbook

from metering.formats.base import Context
from metering.formats.columns import Columns, ColumnsRefused, columns_of
from tests.metering.meter_files import CONTEXT, POINT, QUARTER, WARSAW, day, hours, read_file, sample

MAPPING = columns_of(
    {
        "point": "PPE", "time": "Czas (do)", "imported": "Pobór [kWh]", "exported": "Oddanie [kWh]",
        "quality": "Status", "label": "end", "header_line": 2,
    }
)  # fmt: skip
START, _ = day("2026-06-15")
OTHER = "590322400000000027"
#: A local time, as a workbook has it.
AT = datetime.fromisoformat("2026-06-15 12:00")
TWO = Columns(time="time", imported="import", exported="export")
ONE = Columns(time="time", energy="kWh", direction="way", import_word="pobór", export_word="oddanie", point="ppe")


def book(*rows: Sequence[Any], sheet: str = "Sheet") -> bytes:
    workbook = Workbook(write_only=True)
    page = workbook.create_sheet(sheet)
    for row in rows:
        page.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def read(data: bytes, columns: Columns, point: str = POINT) -> Any:
    return read_file(data, Context(WARSAW, point=point, columns=columns))


def test_the_sample() -> None:
    readings, faults = read(sample("columns.xlsx"), MAPPING, point="")
    assert faults == [] and len(readings) == 192
    assert [readings[POINT, START + QUARTER * n] for n in (0, 32, 33, 95)] == [
        (50, 0, "measured"), (82, 0, "measured"), (83, 1, "measured"), (145, 63, "measured"),
    ]  # fmt: skip
    assert readings[OTHER, START + QUARTER * 95] == (145, 0, "measured")


def test_without_a_mapping_or_a_point_nothing_is_read() -> None:
    readings, faults = read_file(sample("columns.xlsx"))
    assert readings == {} and "set the column mapping" in faults[0].text
    readings, faults = read(book(["time", "import", "export"]), TWO, point="")
    assert readings == {} and "choose it" in faults[0].text


def test_the_same_hours_however_they_are_labelled() -> None:
    """Start or end, as a time or as text, UTC or local, in Wh or kWh, hours or quarter-hours."""
    start, _ = day("2026-10-25")
    starts = [start + timedelta(hours=n) for n in range(25)]
    local = [at.astimezone(WARSAW).replace(tzinfo=None) for at in starts]
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    head = ["time", "import", "export"]
    shapes: list[tuple[list[Any], Columns]] = [
        (list(local), replace(TWO, minutes=60)),
        ([at + hour for at in local], replace(TWO, minutes=60, label="end")),
        ([at + hour - minute for at in local], replace(TWO, minutes=60, label="end")),
        ([f"{at:%d.%m.%Y} {at.hour + 1}:00" for at in local], replace(TWO, minutes=60, label="end")),
        ([at.replace(tzinfo=None) for at in starts], replace(TWO, minutes=60, clock="UTC")),
        ([(at + hour).replace(tzinfo=None) for at in starts], replace(TWO, minutes=60, clock="UTC", label="end")),
        ([at.astimezone(WARSAW).isoformat() for at in starts], replace(TWO, minutes=60)),
    ]
    expected = {at: n + 1 for n, at in enumerate(starts)}
    for labels, columns in shapes:
        kwh = book(head, *([label, (n + 1) / 1000, 0] for n, label in enumerate(labels)))
        wh = book(head, *([label, n + 1, "0"] for n, label in enumerate(labels)))
        for data, unit in ((kwh, "kWh"), (wh, "Wh")):
            readings, faults = read(data, replace(columns, unit=unit))
            assert faults == [] and len(readings) == 100
            assert hours(readings) == expected


def test_quarter_hours_of_the_changing_days() -> None:
    for name, count in (("2026-10-25", 100), ("2026-03-29", 92)):
        start, length = day(name)
        assert length == count
        local = [(start + QUARTER * n).astimezone(WARSAW).replace(tzinfo=None) for n in range(count)]
        rows = [[at + QUARTER, n, 0] for n, at in enumerate(local)]
        columns = replace(TWO, label="end", unit="Wh")
        readings, faults = read(book(["time", "import", "export"], *rows), columns)
        assert faults == []
        assert [(at, row[0]) for (_, at), row in readings.items()] == [(start + QUARTER * n, n) for n in range(count)]
        one_less = rows[:10] + rows[11:]
        readings, faults = read(book(["time", "import", "export"], *one_less), columns)
        assert len(readings) == count - (2 if count == 100 else 1)
        assert len(faults) == (1 if count == 100 else 0)


def test_direction_in_a_column_of_its_own() -> None:
    head = ["ppe", "time", "kWh", "way"]
    data = book(head, [POINT, AT, 0.1, "Pobór"], [POINT, AT, "0,2", "oddanie"], [OTHER, AT, 0.3, "pobór"])
    readings, faults = read(data, ONE)
    noon = datetime(2026, 6, 15, 10, tzinfo=UTC)
    assert faults == []
    assert readings == {(POINT, noon): (100, 200, "measured"), (OTHER, noon): (300, 0, "measured")}


def test_columns_by_letter() -> None:
    data = book(["a", None, "b"], [AT, None, 0.1])
    readings, faults = read(data, Columns(time="A", imported="c"))
    assert faults == [] and list(readings.values()) == [(100, 0, "measured")]


def test_no_export_in_a_row_is_no_export() -> None:
    data = book(["time", "import", "export"], [AT, 0.1, None])
    assert list(read(data, TWO)[0].values()) == [(100, 0, "measured")]
    always = {POINT: [(START - timedelta(days=9), START + timedelta(days=9))]}
    readings, faults = read_file(data, replace(CONTEXT, columns=TWO), always)
    assert readings == {} and faults[0].line == 2 and "there is no export" in faults[0].text


FAULTY: list[tuple[list[Any], str, str]] = [
    ([float(POINT), AT, 0.1, "pobór"], "ppe", "18 digits"),
    ([None, AT, 0.1, "pobór"], "ppe", "18 digits"),
    ([POINT, None, 0.1, "pobór"], "time", "is not a time"),
    ([POINT, "noon", 0.1, "pobór"], "time", "is not a time"),
    ([POINT, 46188.5, 0.1, "pobór"], "time", "is not a time"),
    ([POINT, AT + timedelta(minutes=5), 0.1, "pobór"], "time", "boundary of 15"),
    ([POINT, AT, None, "pobór"], "kWh", "missing"),
    ([POINT, AT, "much", "pobór"], "kWh", "is not a number"),
    ([POINT, AT, True, "pobór"], "kWh", "is not a number"),
    ([POINT, AT, -0.1, "pobór"], "kWh", "negative"),
    ([POINT, AT, 1e300, "pobór"], "kWh", "too large"),
    ([POINT, AT, "#N/A", "pobór"], "kWh", "is not a number"),
    ([POINT, AT, 0.1, "w górę"], "way", "pobór, oddanie"),
    ([POINT, AT], "way", "pobór, oddanie"),
]


@pytest.mark.parametrize(("row", "column", "reason"), FAULTY)
def test_a_faulty_row_names_the_place(row: list[Any], column: str, reason: str) -> None:
    good = [OTHER, AT, 0.3, "pobór"]
    readings, faults = read(book(["ppe", "time", "kWh", "way"], [], row, good), ONE)
    assert [(fault.line, fault.column) for fault in faults] == [(3, column)]
    assert reason in faults[0].text
    assert len(readings) == 1


def test_a_sum_in_a_workbook_is_read_as_meant() -> None:
    readings, _ = read(book(["time", "import"], [AT, 0.1 + 0.2]), Columns(time="time", imported="import"))
    assert list(readings.values()) == [(300, 0, "measured")]


def test_a_time_in_a_workbook_is_read_as_meant() -> None:
    """Days are fractions there: 12:15 may be a split second less."""
    data = book(["time", "import"], [AT + QUARTER - timedelta(milliseconds=1), 0.3])
    readings, faults = read(data, Columns(time="time", imported="import"))
    assert faults == [] and list(readings) == [(POINT, datetime(2026, 6, 15, 10, 15, tzinfo=UTC))]


def test_what_the_mapping_names_must_be_there() -> None:
    data = book(["time", "import", "export"], [AT, 0.1, 0], sheet="Dane")
    for columns, reason in (
        (replace(TWO, imported="Wartość"), "the column 'Wartość'"),
        (replace(TWO, sheet="Inne"), "the sheet 'Inne'"),
        (replace(TWO, header_line=9), "the header row 9"),
    ):
        readings, faults = read(data, columns)
        assert readings == {} and reason in faults[0].text
    assert read(data, replace(TWO, sheet="Dane"))[1] == []


def changed(data: bytes, name: str, content: bytes) -> bytes:
    """The workbook with one of its parts replaced, or added."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if not info.filename.endswith(f"/{name}"):
                new.writestr(info.filename, old.read(info))
        new.writestr(next((part for part in old.namelist() if part.endswith(f"/{name}")), f"xl/{name}"), content)
    return stream.getvalue()


def test_a_broken_workbook_is_told_as_such() -> None:
    data = book(["time", "import", "export"], *([AT, 0.1, 0] for _ in range(500)))
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    broken = [
        data[: len(data) // 2],
        b"PK\x03\x04 no workbook",
        changed(data, "workbook.xml", b"<x"),
        changed(data, "sheet1.xml", sheet[:500]),
        changed(data, "workbook.xml", bomb),
        changed(sample("columns.xlsx"), "sharedStrings.xml", b"<sst>" + b" " * (65 << 20) + b"</sst>"),
    ]
    for spoiled in broken:
        readings, faults = read(spoiled, TWO)
        assert readings == {}
        assert "readable XLSX" in faults[0].text, faults


def test_a_wrong_size_of_the_sheet_does_not_matter() -> None:
    data = book(["time", "import", "export"], [AT, 0.1, 0], [AT + QUARTER, 0.2, 0])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        name = next(name for name in archive.namelist() if name.endswith("sheet1.xml"))
        xml = archive.read(name).replace(b"<sheetData>", b'<dimension ref="A1:A1"/><sheetData>')
    assert len(read(changed(data, "sheet1.xml", xml), TWO)[0]) == 2


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        ({}, "time"),
        ({"time": ""}, "time"),
        ({"time": "t"}, "imported"),
        ({"time": "t", "energy": "e"}, "direction"),
        ({"time": "t", "energy": "e", "direction": "d", "imported": "i"}, "energy"),
        ({"time": "t", "energy": "e", "direction": "d", "import_word": "x", "export_word": "X"}, "export_word"),
        ({"time": "t", "imported": "i", "unit": "MWh"}, "unit: choose one of kWh, Wh"),
        ({"time": "t", "imported": "i", "label": "middle"}, "label"),
        ({"time": "t", "imported": "i", "clock": "Warsaw"}, "clock"),
        ({"time": "t", "imported": "i", "minutes": 30}, "minutes"),
        ({"time": "t", "imported": "i", "minutes": "15"}, "minutes: this must be a whole number"),
        ({"time": "t", "imported": 3}, "imported: this must be text"),
        ({"time": "t", "imported": "i", "header_line": 0}, "header_line"),
        ({"time": "t", "imported": "i", "colour": "red"}, "colour"),
    ],
)
def test_a_mapping_that_means_nothing(plain: dict[str, object], reason: str) -> None:
    with pytest.raises(ColumnsRefused, match=f"^{reason}"):
        columns_of(plain)
