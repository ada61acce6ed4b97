"""Files for the accountant: sums, text that is no formula, the VAT register."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from billing.domain.documents import Bill, DocumentKind
from billing.domain.errors import BillingError
from billing.formats.document_tables import documents_table, lines_table, write_json
from billing.formats.journal_table import JournalLine, journal_table
from billing.formats.tables import Table, write_csv, write_xlsx
from billing.formats.vat_register import VatTotals, purchases_table, sales_table
from tests.billing.bills import FIRST, bill, document, june, line


def as_csv(table: Table) -> list[dict[str, str]]:
    stream = io.BytesIO()
    write_csv(table, stream)
    return list(csv.DictReader(io.StringIO(stream.getvalue().decode())))


def test_documents_and_lines_as_csv() -> None:
    rows = as_csv(documents_table(june()))
    assert [row["number"] for row in rows] == [
        "FS/2026/06/00001", "RN/2026/06/00001", "FSK/2026/06/00001", "SF/2026/06/00001", "FD/2026/06/00001",
        "NO/2026/06/00001",
    ]  # fmt: skip
    sale, note, correction = rows[:3]
    assert (sale["net_pln"], sale["vat_pln"], sale["gross_pln"]) == ("100.03", "23.01", "123.04")
    assert (sale["outside_vat_pln"], sale["payable_pln"]) == ("-1.10", "121.94")
    assert (sale["first_day"], sale["last_day"]) == ("2026-06-01", "2026-06-30")
    assert (note["vat_pln"], note["seller_name"], note["participant"]) == ("0.00", "Anna Żak", "P0001")
    assert (correction["corrects"], correction["net_pln"], correction["vat_pln"]) == (
        "FS/2026/05/00001", "-10.00", "-2.30",
    )  # fmt: skip
    lines = as_csv(lines_table(june()))
    assert sum(Decimal(row["net_pln"]) * (-1 if row["before"] == "yes" else 1) for row in lines) == sum(
        Decimal(row["net_pln"]) for row in rows
    )


def test_text_is_never_a_formula() -> None:
    """A participant, or whoever gives a reason, must not run anything on the accountant's machine."""
    assert as_csv(lines_table(june()))[1]["component"] == "'=1+1"
    assert as_csv(documents_table(june()))[2]["reason"] == "'+corrected readings"
    stream = io.BytesIO()
    write_xlsx([lines_table(june()), documents_table(june())], stream)
    book = load_workbook(stream)
    cell = book["lines"]["E3"]
    assert (cell.value, cell.data_type, cell.number_format) == ("=1+1", "s", "@")
    amount = book["documents"]["N2"]
    assert (amount.value, amount.data_type, amount.number_format) == (100.03, "n", "0.00")
    assert book["documents"]["E2"].is_date


def test_json_holds_the_same_amounts_unrounded() -> None:
    stream = io.BytesIO()
    assert write_json(june(), stream) == 6
    found = json.loads(stream.getvalue())
    assert [each["payable_pln"] for each in found[:2]] == ["121.94", "20.00"]
    assert found[0]["lines"][0]["unit_price_pln"] == "0.512345"
    assert found[0]["vat"] == [{"rate": "0.23", "net_pln": "100.03", "vat_pln": "23.01"}]
    assert found[2]["lines"][0]["before"] is True
    empty = io.BytesIO()
    assert write_json([], empty) == 0 and json.loads(empty.getvalue()) == []


def test_vat_register_holds_sales_and_self_billing_and_nothing_else() -> None:
    documents = [each for one in june() for each in one.documents]
    totals = VatTotals()
    ksef = {"SF/2026/06/00001": "5265877635-20260702-ABCDEF-12"}
    sales = as_csv(sales_table(documents, ksef, totals))
    purchases = as_csv(purchases_table(documents, ksef, totals))
    assert [(row["DowodSprzedazy"], row["K_19"], row["K_20"], row["NrKontrahenta"], row["BFK"]) for row in sales] == [
        ("FS/2026/06/00001", "100.03", "23.01", "BRAK", "1"),
        ("FSK/2026/06/00001", "-10.00", "-2.30", "BRAK", "1"),
    ]
    assert (sales[0]["DataWystawienia"], sales[0]["DataSprzedazy"]) == ("2026-07-02", "2026-06-30")
    assert [(row["DowodZakupu"], row["K_42"], row["K_43"], row["NrDostawcy"], row["BFK"]) for row in purchases] == [
        ("SF/2026/06/00001", "1000.00", "230.00", "9795075130", "")
    ]
    assert purchases[0]["NrKSeF"] == ksef["SF/2026/06/00001"]
    assert {row["name"]: row["value"] for row in as_csv(totals.table())} == {
        "LiczbaWierszySprzedazy": "2", "PodatekNalezny": "20.71", "LiczbaWierszyZakupow": "1",
        "PodatekNaliczony": "230.00",
    }  # fmt: skip


def test_rates_have_their_own_places_and_an_unknown_one_is_refused() -> None:
    mixed = document(DocumentKind.SALE, "FS/1", line(1, "10.00", vat_rate=Decimal("0.05")), line(2, "100.00"))
    (row,) = as_csv(sales_table([mixed], {}, VatTotals()))
    assert [row[name] for name in ("K_15", "K_16", "K_19", "K_20")] == ["10.00", "0.50", "100.00", "23.00"]
    wrong = document(DocumentKind.SALE, "FS/2", line(1, "10.00", vat_rate=Decimal("0.19")))
    with pytest.raises(BillingError, match=r"FS/2: the register has no place for a VAT rate of 0\.19"):
        as_csv(sales_table([wrong], {}, VatTotals()))


def test_journal_has_debit_and_credit_apart() -> None:
    lines = [
        JournalLine(7, FIRST, "invoice", "FS/1", "201", "participants", "P0001", Decimal("12.30")),
        JournalLine(7, FIRST, "invoice", "FS/1", "700", "energy", "", Decimal("-12.30")),
    ]
    rows = as_csv(journal_table(lines))
    assert [(row["debit_pln"], row["credit_pln"]) for row in rows] == [("12.30", ""), ("", "12.30")]


def many(count: int) -> Iterator[Bill]:
    for number in range(count):
        yield bill(
            f"R/{number}", document(DocumentKind.SALE, f"FS/{number}", *(line(each, "1.00") for each in range(9)))
        )


def test_memory_does_not_grow_with_the_period(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        with (tmp_path / "lines.csv").open("wb") as stream:
            write_csv(lines_table(many(count)), stream)
        with (tmp_path / "documents.json").open("wb") as stream:
            write_json(many(count), stream)
        with (tmp_path / "accounts.xlsx").open("wb") as stream:
            write_xlsx([lines_table(many(count))], stream)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(5)
    assert peak(400) < 2 * peak(40) + 100_000


def test_a_changed_bill_changes_its_documents() -> None:
    changed = replace(june()[0], reference="R/9")
    assert as_csv(documents_table([changed]))[0]["bill"] == "R/9"
