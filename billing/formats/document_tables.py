"""Documents and their lines for an accountant: tables, and the same as JSON (docs/format-accounts.md)."""

import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

from billing.domain.documents import Bill, Document, Party
from billing.formats.tables import Table, Value

DOCUMENT_COLUMNS = (
    "number", "kind", "corrects", "reason", "issued_on", "due_on", "first_day", "last_day", "seller_name", "seller_nip",
    "buyer_name", "buyer_nip", "participant", "net_pln", "vat_pln", "gross_pln", "outside_vat_pln", "payable_pln",
    "bill", "bill_payable_pln",
)  # fmt: skip
LINE_COLUMNS = (
    "number", "position", "before", "metering_point", "component", "zone", "sharing_level", "first_day", "last_day",
    "quantity", "unit", "unit_price_pln", "net_pln", "vat_rate",
)  # fmt: skip
_DAY = timedelta(days=1)


def documents_table(bills: Iterable[Bill]) -> Table:
    """A row a document."""
    return Table("documents", DOCUMENT_COLUMNS, _documents(bills))


def lines_table(bills: Iterable[Bill]) -> Table:
    """A row a line."""
    return Table("lines", LINE_COLUMNS, _lines(bills))


def _documents(bills: Iterable[Bill]) -> Iterator[list[Value]]:
    for bill in bills:
        for each in bill.documents:
            yield [
                each.number, each.kind.value, each.corrects.number if each.corrects else "", each.reason,
                each.issued_on, bill.due_on, each.first, each.end - _DAY, each.seller.name, each.seller.nip,
                each.buyer.name, each.buyer.nip, bill.participant.code, each.net_pln, each.vat_pln, each.gross_pln,
                each.payable_pln - each.gross_pln, each.payable_pln, bill.reference, bill.payable_pln,
            ]  # fmt: skip


def _lines(bills: Iterable[Bill]) -> Iterator[list[Value]]:
    for bill in bills:
        for document in bill.documents:
            for line in document.lines:
                yield [
                    document.number, line.position, "yes" if line.before else "no", line.metering_point, line.component,
                    line.zone, line.sharing_level, line.first, line.end - _DAY, line.quantity, line.unit,
                    line.unit_price_pln, line.net_pln, line.vat_rate,
                ]  # fmt: skip


def write_json(bills: Iterable[Bill], stream: BinaryIO) -> int:
    """An array with an object a document, one a line; amounts are texts, so that no reader rounds them."""
    count = 0
    for bill in bills:
        for document in bill.documents:
            stream.write(b",\n" if count else b"[\n")
            stream.write(json.dumps(_object(bill, document), ensure_ascii=False, default=_text).encode())
            count += 1
    stream.write(b"\n]\n" if count else b"[]\n")
    return count


def _object(bill: Bill, document: Document) -> dict[str, Any]:
    return {
        "number": document.number,
        "kind": document.kind.value,
        "corrects": document.corrects.number if document.corrects else None,
        "reason": document.reason,
        "issued_on": document.issued_on,
        "due_on": bill.due_on,
        "first_day": document.first,
        "last_day": document.end - _DAY,
        "seller": _party(document.seller),
        "buyer": _party(document.buyer),
        "participant": bill.participant.code,
        "vat": [{"rate": sums.rate, "net_pln": sums.net_pln, "vat_pln": sums.vat_pln} for sums in document.vat_sums],
        "net_pln": document.net_pln,
        "vat_pln": document.vat_pln,
        "gross_pln": document.gross_pln,
        "settlements": [{"reason": each.reason, "amount_pln": each.amount_pln} for each in document.settlements],
        "payable_pln": document.payable_pln,
        "bill": {"reference": bill.reference, "payable_pln": bill.payable_pln},
        "lines": [
            {
                "position": line.position,
                "before": line.before,
                "metering_point": line.metering_point,
                "component": line.component,
                "zone": line.zone,
                "sharing_level": line.sharing_level,
                "first_day": line.first,
                "last_day": line.end - _DAY,
                "quantity": line.quantity,
                "unit": line.unit,
                "unit_price_pln": line.unit_price_pln,
                "net_pln": line.net_pln,
                "vat_rate": line.vat_rate,
            }
            for line in document.lines
        ],
    }


def _party(party: Party) -> dict[str, str]:
    return {
        "code": party.code, "name": party.name, "street": party.street, "postcode": party.postcode, "city": party.city,
        "country": party.country, "nip": party.nip, "iban": party.iban,
    }  # fmt: skip


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no form in JSON")
