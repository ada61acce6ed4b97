"""The SEPA file: valid, the same again, sums that agree, and nothing that a bank refuses."""

import datetime as dt
import re
from decimal import Decimal

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from sepaxml import validation

from billing.domain.errors import BillingError
from billing.domain.transfer_text import bank_id, bank_text
from billing.formats.pain001 import SCHEMA, Payout, sepa_file

OURS = "PL88999999990000000000000900"
ANNA = "PL14999999990000000000000001"
NOON = dt.datetime(2026, 7, 9, 12, tzinfo=dt.UTC)
DAY = dt.date(2026, 7, 10)
SPACE = {"p": f"urn:iso:std:iso:20022:tech:xsd:{SCHEMA}"}
XSD = xmlschema.XMLSchema(f"{validation.__file__.rpartition('/')[0]}/schemas/{SCHEMA}.xsd")


def payout(amount: str = "80.10", **changes: str) -> Payout:
    fields = {
        "reference": "RN/2026/06/00003",
        "name": "Łukasz Żak",
        "iban": ANNA,
        "title": "Rozliczenie RN/2026/06/00003",
    }
    return Payout(amount_pln=Decimal(amount), **fields | changes)


def made(*payouts: Payout) -> bytes:
    return sepa_file("ours-W-2026-1", "Koordynator sp. z o.o.", OURS, DAY, NOON, payouts)


def texts(content: bytes, path: str) -> list[str]:
    return [each.text or "" for each in etree.fromstring(content).iterfind(f".//{path}", SPACE)]


def test_a_file_is_valid_in_pln_and_the_same_again() -> None:
    content = made(payout(), payout("0.01", name="B & C", iban="PL84 9999 9999 0000 0000 0000 0002"))
    XSD.validate(content.decode())
    assert content == made(payout(), payout("0.01", name="B & C", iban="PL84999999990000000000000002"))
    assert texts(content, "p:MsgId") == ["ours-W-2026-1"]
    assert texts(content, "p:NbOfTxs") == ["2", "2"] and texts(content, "p:CtrlSum") == ["80.11", "80.11"]
    assert texts(content, "p:Cdtr/p:Nm") == ["Lukasz Zak", "B C"]
    assert texts(content, "p:Ustrd")[0] == "Rozliczenie RN/2026/06/00003"
    assert texts(content, "p:ReqdExctnDt/p:Dt") == ["2026-07-10"]
    # Each transfer stands on the statement by itself, so that it can be matched.
    assert texts(content, "p:BtchBookg") == ["false"] and len(texts(content, "p:PmtInfId")) == 1
    assert set(re.findall(rb'Ccy="(\w+)"', content)) == {b"PLN"} and b"SEPA" not in content


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"iban": "PL1599999999"}, "RN/2026/06/00003: 'PL1599999999' is not a bank account (IBAN)"),
        ({"amount": "0.00"}, "RN/2026/06/00003: 0.00 PLN can't be transferred"),
        ({"amount": "-1.00"}, "can't be transferred"),
        ({"name": "„”"}, "has no letter that banks take"),
    ],
)  # fmt: skip
def test_what_no_bank_takes_is_refused_by_name(changes: dict[str, str], text: str) -> None:
    with pytest.raises(BillingError, match=re.escape(text)):
        made(payout(**changes))


def test_an_empty_batch_makes_no_file() -> None:
    with pytest.raises(BillingError, match="without payouts"):
        made()


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=20),
    st.text(min_size=1, max_size=90).map(lambda text: f"x{text}"),
    st.text(max_size=200),
)
def test_control_sums_and_any_text(grosze: list[int], name: str, title: str) -> None:
    amounts = [Decimal(each).scaleb(-2) for each in grosze]
    content = made(*(payout(f"{amount}", name=name, title=f"R {title}") for amount in amounts))
    XSD.validate(content.decode())
    assert [Decimal(text) for text in texts(content, "p:CtrlSum")] == [sum(amounts)] * 2
    assert [Decimal(text) for text in texts(content, "p:InstdAmt")] == amounts
    assert texts(content, "p:NbOfTxs") == [str(len(amounts))] * 2


def test_texts_that_banks_take() -> None:
    assert bank_text("Zażółć gęślą jaźń – „Łoś”", 70) == "Zazolc gesla jazn - 'Los'"
    assert bank_text("a\nb\tc€", 70) == "a b c"
    assert bank_id("//FS//2026/06/") == "FS/2026/06"
