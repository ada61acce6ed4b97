"""Bills as issued, with all that they show."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from billing.domain import documents as domain
from billing.domain.documents import DocumentKind, EnergyShare, KeptPromise, Party, Reference, Settlement
from billing.models import Bill, Document, DocumentLine, EInvoice

BATCH = 200


def bill_content(bills: QuerySet[Bill]) -> Iterator[domain.Bill]:
    """The content of each bill, in the order of the query set; memory does not grow with their number."""
    rows = bills.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        yield from _contents(batch)


def document_content(documents: QuerySet[Document]) -> Iterator[domain.Document]:
    """The content of each document, in the order of the query set; memory does not grow with their number."""
    rows = documents.select_related("corrects").iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        lines, numbers = _lines(batch), _ksef_numbers(batch)
        yield from (_document(row, lines[row.pk], numbers) for row in batch)


def _contents(bills: Sequence[Bill]) -> Iterator[domain.Bill]:
    pks = [bill.pk for bill in bills]
    rows = list(Document.objects.filter(bill__in=pks).select_related("corrects").order_by("bill", "position"))
    lines, numbers = _lines(rows), _ksef_numbers(rows)
    documents = defaultdict(list)
    for row in rows:
        documents[row.bill_id].append(_document(row, lines[row.pk], numbers))
    for bill in bills:
        yield domain.Bill(
            bill.reference,
            bill.issued_on,
            bill.due_on,
            Party(**bill.creditor),
            Party(**bill.party),
            tuple(documents[bill.pk]),
            tuple(EnergyShare(**each) for each in bill.energy),
            tuple(_promise(each) for each in bill.promises),
        )


def _lines(documents: Sequence[Document]) -> dict[int, list[domain.DocumentLine]]:
    found = defaultdict(list)
    for row in DocumentLine.objects.filter(document__in=[each.pk for each in documents]).order_by("pk"):
        found[row.document_id].append(
            domain.DocumentLine(
                row.position, row.metering_point, row.component, row.zone, row.sharing_level, row.first, row.end,
                _short(row.quantity), row.unit, row.unit_price_pln, row.net_pln,
                None if row.vat_rate is None else _short(row.vat_rate), row.before,
            )
        )  # fmt: skip
    return found


def _ksef_numbers(documents: Sequence[Document]) -> dict[int, str]:
    """Of the documents that these correct."""
    corrected = [row.corrects_id for row in documents if row.corrects_id]
    if not corrected:
        return {}
    rows = EInvoice.objects.filter(document__in=corrected).exclude(ksef_number="")
    return dict(rows.values_list("document", "ksef_number"))


def _document(row: Document, lines: Sequence[domain.DocumentLine], ksef_numbers: Mapping[int, str]) -> domain.Document:
    corrects = None
    if row.corrects:
        corrects = Reference(row.corrects.number, row.corrects.issued_on, ksef_numbers.get(row.corrects.pk, ""))
    settlements = tuple(Settlement(each["reason"], Decimal(each["amount_pln"])) for each in row.settlements)
    return domain.Document(
        DocumentKind(row.kind), row.number, row.issued_on, row.first, row.end, Party(**row.seller), Party(**row.buyer),
        tuple(lines), settlements, corrects, row.reason,
    )  # fmt: skip


def _promise(values: dict[str, Any]) -> KeptPromise:
    money = {name: Decimal(value) for name, value in values.items() if name.endswith("_pln")}
    return KeptPromise(**values | money)


def _short(value: Decimal) -> Decimal:
    """Without the zeros that the column adds."""
    return Decimal(f"{value:f}".rstrip("0").rstrip(".")) if "." in f"{value:f}" else value
