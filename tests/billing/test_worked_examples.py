"""Every worked example of docs/documents.md is what comes out."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from billing.domain.correct import Chain, Change, change_of, correction
from billing.domain.documents import Bill, Document, DocumentKind
from billing.domain.inputs import BUY, SELL
from billing.domain.issue import BilledLine, Content, IssueTerms, bills, contents, documents
from billing.domain.lines import (
    ASSURANCE,
    EQUALISATION,
    EXCISE,
    EXTERNAL_ENERGY,
    EXTERNAL_SOLD,
    LOCAL_ENERGY,
    LOCAL_SOLD,
    SERVICE_FEE,
)
from tests.billing.bills import COORDINATOR, END, FIRST, HOUSEHOLD, ISSUED

PAGE = (Path(__file__).parents[2] / "docs" / "documents.md").read_text()
DISTRIBUTOR = replace(COORDINATOR, name="Example Distribution")
TERMS = IssueTerms(FIRST, END, ISSUED, dt.date(2026, 7, 16), Decimal("0.23"), COORDINATOR, DISTRIBUTOR)
DIRECT = replace(TERMS, direct=((FIRST, END),))
SIGNS = {DocumentKind.SALE: "invoice", DocumentKind.SELF_BILLING: "self-billing"}


def line(side: str, component: str, amount: str, quantity: str = "1", level: str = "") -> BilledLine:
    return BilledLine(
        side, "590000000000000013", component, "flat", level, FIRST, END, Decimal(quantity), "kWh", Decimal(amount)
    )


BOUGHT = (
    line(BUY, LOCAL_ENERGY, "72.16", "180.4", "station"), line(BUY, EXTERNAL_ENERGY, "52.341", "95.6", "external"),
    line(BUY, EQUALISATION, "-1.234567"), line(BUY, EXCISE, "0.90"), line(BUY, EXCISE, "0.48"),
    line(BUY, SERVICE_FEE, "3.61"), line(BUY, SERVICE_FEE, "1.91"), line(BUY, "network_variable", "33.33792"),
    line(BUY, "network_variable", "23.55584"), line(BUY, "network_fixed", "10.86"),
)  # fmt: skip
SOLD = (
    line(SELL, LOCAL_SOLD, "-124.00", "310", "station"), line(SELL, EXTERNAL_SOLD, "-27.0045", "90", "external"),
    line(SELL, SERVICE_FEE, "3.10"),
)  # fmt: skip


def made(lines: Sequence[BilledLine], terms: IssueTerms = TERMS, vat_payer: bool = False) -> list[Bill]:
    return bills(documents(contents(lines, terms, vat_payer), terms, HOUSEHOLD), terms, HOUSEHOLD)


def sums(document: Document) -> str:
    return f"{document.net_pln} + {document.vat_pln} = {document.gross_pln}"


def row(case: str) -> str:
    """The row of the page that begins with it."""
    return next(text for text in PAGE.splitlines() if text.startswith(f"| {case}"))


def test_a_consumer() -> None:
    (bill,) = made(BOUGHT)
    (invoice,) = bill.documents
    assert sums(invoice) == "197.93 + 45.52 = 243.45" and sums(invoice) in row("consumer |")
    assert row("consumer |").endswith(f"| {bill.payable_pln} |")


def test_a_private_prosumer_pays_one_amount() -> None:
    (bill,) = made((*BOUGHT, *SOLD))
    invoice, note = bill.documents
    text = row("private prosumer")
    assert (invoice.gross_pln, note.kind, note.vat_pln) == (Decimal("243.45"), DocumentKind.NOTE, Decimal("0.00"))
    assert " + ".join(str(each.net_pln) for each in note.lines).replace("+ -", "− ") + f" = {note.net_pln}" in text
    assert text.endswith(f"| {bill.payable_pln} |") and bill.payable_pln == Decimal("95.55")


def test_a_prosumer_who_pays_vat() -> None:
    (bill,) = made((*BOUGHT, *SOLD), vat_payer=True)
    invoice, own = bill.documents
    text = row("the same as a VAT payer")
    assert own.kind == DocumentKind.SELF_BILLING and sums(invoice) in text and sums(own) in text
    assert text.endswith(f"| {bill.payable_pln} |") and bill.payable_pln == Decimal("61.54")


def test_assurance_stands_below_the_gross_amount() -> None:
    (bill,) = made((*BOUGHT, line(BUY, ASSURANCE, "-1.10")))
    (invoice,) = bill.documents
    assert sums(invoice) == "197.93 + 45.52 = 243.45"
    assert row("consumer with assurance").endswith(f"| {bill.payable_pln} |") and bill.payable_pln == Decimal("242.35")


def test_grid_fees_that_are_settled_directly() -> None:
    own, grid = made(BOUGHT, DIRECT)
    text = row("consumer, grid fees settled directly")
    assert grid.creditor == DISTRIBUTOR and grid.documents[0].kind == DocumentKind.GRID
    assert sums(own.documents[0]) in text and sums(grid.documents[0]) in text
    assert text.endswith(f"| {own.payable_pln} and {grid.payable_pln} |")


def corrected(lines: Sequence[BilledLine]) -> tuple[Change, Document]:
    (bill,) = made(BOUGHT)
    chain = Chain((replace(bill.documents[0], number="FS/2026/00001"),))
    now = contents(lines, TERMS, False).get(DocumentKind.SALE, Content(()))
    found = correction(chain, now, TERMS, "corrected readings")
    assert found is not None and found.corrects is not None and found.corrects.number == "FS/2026/00001"
    assert found.number == "" and {each.before for each in found.lines} >= {True}
    return change_of(chain, found, now), found


@pytest.mark.parametrize(
    ("case", "change", "lines"),
    [
        ("increase", Change.INCREASE, [line(BUY, EXTERNAL_ENERGY, "57.816", "105.6", "external")]),
        ("decrease", Change.DECREASE, [line(BUY, EXTERNAL_ENERGY, "46.866", "85.6", "external")]),
        ("cancelled", Change.CANCEL, []),
    ],
)
def test_corrections(case: str, change: Change, lines: list[BilledLine]) -> None:
    others = [each for each in BOUGHT if each.component != EXTERNAL_ENERGY] if lines else []
    what, document = corrected([*others, *lines])
    vat = f"+ {document.vat_pln}" if document.vat_pln >= 0 else f"- {-document.vat_pln}"
    told = f"| {document.net_pln} {vat} | {document.payable_pln} |".replace("-", "−")
    assert what == change and row(case).endswith(told), told
