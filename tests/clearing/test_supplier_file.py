"""Files of suppliers: what is read of them, and what is told of the faulty ones."""

import datetime as dt
import io
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook

from clearing.domain.external_comparison import Difference, Ours, Tolerances, compare_lines, compare_totals
from clearing.domain.supplier_file import SupplierFileRefused, SupplierLine, read_lines
from metering.domain.calendar import day_bounds, interval_starts

WARSAW = ZoneInfo("Europe/Warsaw")
NOON = dt.datetime(2026, 6, 11, 10, tzinfo=dt.UTC)
TOLERANCES = Tolerances(0, Decimal("0.01"), Decimal("0.01"), Decimal("0.05"))


def refused(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(SupplierFileRefused) as error:
        read_lines(text.encode(), WARSAW)
    return [tuple(fault) for fault in error.value.faults]


@pytest.mark.parametrize(
    "text",
    [
        "interval_start,kwh,price_pln_mwh,amount_pln\n2026-06-11T10:00:00Z,12.345,427.18,5.27\n",
        "amount_pln,wh,interval_start,price_pln_kwh\n5.27,12345,2026-06-11T12:00:00+02:00,0.42718\n",
        "czas;energia_kWh;cena_PLN_MWh;kwota_PLN\r\n2026-06-11 12:00;12,345;427,18;5,27\r\n",
        "\ufeffkoniec;MWh;cena_pln_mwh;wartość_pln\n11.06.2026 12:15;0,012345;427,18;5,27\n",
    ],
)
def test_the_same_in_several_words(text: str) -> None:
    assert read_lines(text.encode(), WARSAW) == (SupplierLine(2, NOON, 12345, Decimal("0.42718"), Decimal("5.27")),)


def test_prices_and_amounts_may_be_left_out() -> None:
    lines = read_lines(b"interval_start,kwh,price_pln_mwh\n2026-06-11T10:15:00Z,1,\n2026-06-11T10:00:00Z,2,\n", WARSAW)
    assert [(line.row, line.wh, line.price_pln_kwh, line.amount_pln) for line in lines] == [
        (3, 2000, None, None),
        (2, 1000, None, None),
    ]


@pytest.mark.parametrize(("day", "count"), [("2026-03-29", 92), ("2026-06-11", 96), ("2026-10-25", 100)])
def test_local_times_of_every_day(day: str, count: int) -> None:
    starts = interval_starts(*day_bounds(dt.date.fromisoformat(day), WARSAW))
    lines = [f"{start.astimezone(WARSAW):%Y-%m-%d %H:%M},{number}" for number, start in enumerate(starts)]
    found = read_lines("\n".join(["time,wh", *lines]).encode(), WARSAW)
    assert [(line.start, line.wh) for line in found] == [(start, number) for number, start in enumerate(starts)]
    assert len(found) == count


def test_a_workbook() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Time", "kWh", "price_pln_mwh", "amount_pln"])
    sheet.append(
        [
            dt.datetime(2026, 6, 11, 12, 0),  # noqa: DTZ001
            12.345,
            427.18,
            0.1 + 0.2,
        ]
    )
    stream = io.BytesIO()
    book.save(stream)
    assert read_lines(stream.getvalue(), WARSAW) == (SupplierLine(2, NOON, 12345, Decimal("0.42718"), Decimal("0.3")),)
    with pytest.raises(SupplierFileRefused, match="no readable XLSX workbook"):
        read_lines(stream.getvalue()[:400], WARSAW)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", (0, "", "the file has no lines")),
        ("interval_start,kwh\n", (0, "", "the file has no lines")),
        ("time,price_pln_mwh\n2026-06-11 12:00,1\n", (1, "kwh", "the column is missing; add it")),
        ("kwh,wh,time\n1,1,2026-06-11 12:00\n", (1, "kwh", "the column stands more than once; leave one")),
        ("time,kwh\nnoon,1\n", (2, "time", "'noon' is not a time such as 2026-06-15 13:00")),
        ("time,kwh\n2026-06-11 12:10,1\n", (2, "time", "'2026-06-11 12:10' does not lie on a boundary of 15 minutes")),
        ("time,kwh\n2026-03-29 02:15,1\n", (2, "time", "'2026-03-29 02:15' does not exist")),
        ("time,kwh\n2026-10-25 02:15,1\n", (2, "time", "'2026-10-25 02:15' stands once")),
        ("time,kwh\n2026-06-11 12:00,-1\n", (2, "kwh", "'-1' is no energy in whole Wh")),
        ("time,wh\n2026-06-11 12:00,0.5\n", (2, "wh", "'0.5' is no energy in whole Wh")),
        ("time,kwh\n2026-06-11 12:00,1e3\n", (2, "kwh", "'1e3' is not a number such as 0,250")),
        ("time,kwh,amount_pln\n2026-06-11 12:00,1,x\n", (2, "amount_pln", "'x' is not a number such as 0,250")),
        (
            "time,kwh\n2026-06-11 12:00,1\n2026-06-11 12:00,1\n",
            (3, "", "the quarter-hour is in line 2 already; leave one of them"),
        ),
    ],
)
def test_mistakes_are_told_with_line_and_column(text: str, said: tuple[int, str, str]) -> None:
    line, column, told = refused(text)[0]
    assert (line, column) == said[:2] and told.startswith(said[2]), told


def line(minutes: int, wh: int, price: str | None = None, amount: str | None = None) -> SupplierLine:
    start = NOON + dt.timedelta(minutes=minutes)
    return SupplierLine(2, start, wh, Decimal(price) if price else None, Decimal(amount) if amount else None)


def test_what_differs_is_named_by_its_quarter_hour() -> None:
    price = Decimal("0.4")
    ours = {NOON + dt.timedelta(minutes=15 * n): Ours(wh, price) for n, wh in enumerate([1000, 2000, 0, 3000, 500])}
    theirs = [line(0, 1000, "0.40001", "0.41"), line(15, 2001, "0.4"), line(30, 0, "9"), line(75, 7), line(90, 0)]
    at = {n: NOON + dt.timedelta(minutes=n) for n in (0, 15, 45, 60, 75)}
    assert compare_lines(ours, theirs, TOLERANCES) == [
        Difference("volume", at[15], Decimal(2000), Decimal(2001)),
        Difference("missing", at[45], Decimal(3000), None),
        Difference("missing", at[60], Decimal(500), None),
        Difference("extra", at[75], None, Decimal(7)),
    ]
    wrong = [line(0, 1000, "0.41", "0.41"), line(15, 2000, "0.4", "0.82"), line(45, 3000), line(60, 500, None, "0.2")]
    assert compare_lines(ours, wrong, TOLERANCES) == [
        Difference("price", at[0], price, Decimal("0.41")),
        Difference("amount", at[15], Decimal("0.8"), Decimal("0.82")),
    ]


def test_totals_within_the_tolerance_do_not_differ() -> None:
    assert compare_totals(Decimal("100.00"), Decimal("100.05"), TOLERANCES) == []
    assert compare_totals(Decimal("100.00"), Decimal("99.94"), TOLERANCES) == [
        Difference("total", None, Decimal("100.00"), Decimal("99.94"))
    ]
