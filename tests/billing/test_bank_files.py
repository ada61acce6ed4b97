"""Bank files: what each format gives, and what a spoiled file is answered with."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from billing.domain.bank import BankLine, with_fingerprints
from billing.formats.bank_registry import BankFileContent, read_bank_file

SAMPLES = Path(__file__).parent / "samples"
OURS = "PL88999999990000000000000900"
DAY = dt.date(2026, 7, 14)
ANNA = "PL14999999990000000000000001"
JAN = "PL84999999990000000000000002"


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def read(data: bytes | str, account: str = OURS) -> BankFileContent:
    return read_bank_file(data.encode() if isinstance(data, str) else data, account)


def test_own_csv() -> None:
    content = read(sample("statement.csv"))
    assert content.format == "csv" and content.faults == ()
    assert content.lines == (
        BankLine(2, OURS, DAY, Decimal("123.45"), "Anna Żak", ANNA, "Faktura FS/2026/06/00012, dziękuję", "26195-1"),
        BankLine(3, OURS, DAY, Decimal("-80.10"), "Jan Kos", JAN, "Wypłata RN/2026/06/00003", "26195-2"),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1250", "utf-16"])
def test_csv_of_a_polish_bank_in_any_encoding(encoding: str) -> None:
    content = read(sample("statement_bank.csv").decode().replace("\n", "\r\n").encode(encoding))
    assert content.faults == ()
    assert [(line.amount_pln, line.partner_name, line.partner_account) for line in content.lines] == [
        (Decimal("1123.45"), "ANNA ŻAK", ANNA),
        (Decimal("-80.10"), "JAN KOS", JAN),
    ]
    assert {line.account for line in content.lines} == {OURS}


def test_mt940_with_subfields_without_and_a_reversal() -> None:
    content = read(sample("statement.sta"), "")
    assert content.format == "mt940" and content.faults == ()
    assert content.lines == (
        BankLine(6, OURS, DAY, Decimal("123.45"), "ANNA ZAK", ANNA, "Faktura FS/2026/06/00012 dziekuje", "26195000001"),
        BankLine(12, OURS, DAY, Decimal("-80.10"), "JAN KOS", JAN, "Wyplata RN/2026/06/00003", "26195000002"),
        BankLine(16, OURS, DAY, Decimal("-23.45"), "", "", "zwrot pomylki FS/2026/06/00012", "26195000003"),
    )


def test_camt_with_a_prefix_and_a_booking_of_two_parts() -> None:
    content = read(sample("statement.camt053.xml"), "")
    assert content.format == "camt053" and content.faults == ()
    assert [(line.amount_pln, line.title, line.reference) for line in content.lines] == [
        (Decimal("123.45"), "Faktura FS/2026/06/00012, dziękuję", "26195-1"),
        (Decimal("-30.00"), "RN/2026/06/00003", "26195-2/1"),
        (Decimal("-20.10"), "RN/2026/06/00004", "26195-2/2"),
        (Decimal("20.00"), "Kapitalizacja odsetek", ""),
    ]
    assert content.lines[0].partner_name == "Anna Żak" and content.lines[0].partner_account == ANNA
    assert content.lines[2].partner_account == JAN


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "column", "text"),
    [
        ("statement.csv", '"123,45"', "12x", 2, "amount", "'12x' is not an amount such as 1234,56"),
        ("statement.csv", '"123,45"', "0.00", 2, "amount", "the amount is 0; leave the line out"),
        ("statement.csv", "2026-07-14,-80", "2026-02-30,-80", 3, "booked_on", "'2026-02-30' is not a day"),
        ("statement.csv", ",PLN,Anna", ",EUR,Anna", 2, "currency", "the currency is EUR; only PLN is booked"),
        ("statement.csv", "PL889", "PL789", 2, "account", "is not a bank account (IBAN) with right check digits"),
        ("statement.csv", "amount", "kwotka", 0, "", "the file is none of camt.053, MT940, CSV"),
        ("statement.csv", ",title", ",what", 1, "", "no column is headed title / tytuł"),
        ("statement.csv", ",title", ",kwota", 1, "kwota", "the columns 'amount' and 'kwota' mean the same"),
        ("statement.sta", "2607140714CN123,45", "26071x0714CN123,45", 6, ":61:", "is not a line that MT940 has here"),
        ("statement.sta", ":62F:C260714PLN1019,90", ":62F:C260714PLN1019,91", 18, ":62F:", "lines are missing"),
        ("statement.sta", ":60F:C260713PLN", ":60F:C260713EUR", 5, ":60F:", "the currency is EUR"),
        ("statement.camt053.xml", "1093.35", "1093.36", 4, "CLBD", "make 1093.35, but the closing balance is 1093.36"),
        ("statement.camt053.xml", "30.00", "31.00", 12, "Amt", "add up to -51.10 instead of -50.10"),
        ("statement.camt053.xml", "BOOK", "PDNG", 7, "Sts", "is not final yet (status PDNG)"),
        ("statement.camt053.xml", "</ns2:Document>", "", 19, "", "the file is no complete XML"),
        ("statement.camt053.xml", "<ns2:Doc", "<!DOCTYPE x [<!ENTITY a 'b'>]><ns2:Doc", 1, "", "document type"),
    ],
)  # fmt: skip
def test_a_spoiled_file_names_line_and_column(name: str, old: str, new: str, line: int, column: str, text: str) -> None:
    changed = sample(name).decode().replace(old, new)
    assert changed != sample(name).decode()
    faults = read(changed).faults
    assert (faults[0].line, faults[0].column) == (line, column)
    assert text in faults[0].text


def test_good_lines_beside_a_bad_one_are_kept() -> None:
    content = read(sample("statement.csv").decode().replace('"123,45"', "12x"))
    assert len(content.faults) == 1 and [line.line for line in content.lines] == [3]


def test_a_file_without_bookings_is_said_to_be_empty() -> None:
    header = sample("statement.csv").decode().split("\n")[0]
    assert "the file holds no bookings" in read(header + "\n").faults[0].text


def test_without_an_account_in_the_file_ours_is_needed() -> None:
    assert "name the cluster's own account" in read(sample("statement_bank.csv"), "").faults[0].text


def test_the_same_lines_have_the_same_fingerprints_and_twins_stay_two() -> None:
    twin = BankLine(2, OURS, DAY, Decimal("10.00"), "Anna", ANNA, "June")
    first = [mark for _, mark in with_fingerprints([twin, twin])]
    again = [mark for _, mark in with_fingerprints([twin, twin, BankLine(9, OURS, DAY, Decimal("5.00"), title="x")])]
    assert len(set(first)) == 2
    assert again[:2] == first
    # Where the bank has a reference, it tells bookings apart whatever the title has become.
    known = BankLine(2, OURS, DAY, Decimal("10.00"), title="June", reference="7")
    other = BankLine(5, OURS, DAY, Decimal("10.00"), title="JUNE  ", reference="7")
    assert [mark for _, mark in with_fingerprints([known])] == [mark for _, mark in with_fingerprints([other])]
