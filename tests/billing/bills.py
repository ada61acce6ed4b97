"""Made-up bills for tests of what is made of them."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

from billing.domain.documents import Bill, Document, DocumentKind, DocumentLine, Party, Reference, Settlement

FIRST, END, ISSUED = dt.date(2026, 6, 1), dt.date(2026, 7, 1), dt.date(2026, 7, 2)
COORDINATOR = Party(
    "", "Koordynator sp. z o.o.", "ul. Przykladowa 1", "00-001", "Trzystacje", "PL", "5265877635",
    "PL88999999990000000000000900",
)  # fmt: skip
PRODUCER = Party(
    "P0003", "Farma Słońce S.A.", "Polna 3", "00-001", "Trzystacje", "PL", "9795075130", "PL84999999990000000000000002"
)
HOUSEHOLD = Party("P0001", "Anna Żak", "Leśna 1", "00-001", "Trzystacje", "PL", "", "PL14999999990000000000000001")


def line(position: int, net: str, **changes: Any) -> DocumentLine:
    """An energy line of June."""
    fields: dict[str, Any] = {
        "metering_point": "590000000000000013", "component": "local", "zone": "flat", "sharing_level": "station",
        "first": FIRST, "end": END, "quantity": Decimal("12.500"), "unit": "kWh",
        "unit_price_pln": Decimal("0.512345"), "vat_rate": Decimal("0.23"),
    }  # fmt: skip
    return DocumentLine(position=position, net_pln=Decimal(net), **fields | changes)


def document(
    kind: DocumentKind, number: str, *lines: DocumentLine, party: Party = HOUSEHOLD, **changes: Any
) -> Document:
    """Of June, with the coordinator on the other side."""
    sells = kind in (DocumentKind.SELF_BILLING, DocumentKind.NOTE)
    seller, buyer = (party, COORDINATOR) if sells else (COORDINATOR, party)
    return Document(kind, number, ISSUED, FIRST, END, seller, buyer, lines, **changes)


def bill(reference: str, *documents: Document, party: Party = HOUSEHOLD) -> Bill:
    """Of the coordinator."""
    return Bill(reference, ISSUED, dt.date(2026, 7, 16), COORDINATOR, party, documents)


def june() -> list[Bill]:
    """A household with a correction, an assurance and a note; a producer who is a VAT payer."""
    sale = document(
        DocumentKind.SALE, "FS/2026/06/00001", line(1, "100.01"), line(2, "0.02", component="=1+1"),
        settlements=(Settlement("assurance", Decimal("-1.10")),),
    )  # fmt: skip
    note = document(DocumentKind.NOTE, "RN/2026/06/00001", line(1, "20.00", vat_rate=None))
    correction = document(
        DocumentKind.SALE, "FSK/2026/06/00001", line(1, "100.01", before=True), line(1, "90.01"),
        corrects=Reference("FS/2026/05/00001", dt.date(2026, 6, 2)), reason="+corrected readings",
    )  # fmt: skip
    own = document(DocumentKind.SELF_BILLING, "SF/2026/06/00001", line(1, "1000.00"), party=PRODUCER)
    grid = document(DocumentKind.GRID, "FD/2026/06/00001", line(1, "50.00"))
    interest = document(DocumentKind.INTEREST, "NO/2026/06/00001", line(1, "0.33", vat_rate=None))
    return [
        bill("R/2026/06/00001", sale, note, correction),
        bill("R/2026/06/00002", own, party=PRODUCER),
        replace(bill("R/2026/06/00003", grid), creditor=PRODUCER),
        bill("R/2026/06/00004", interest),
    ]
