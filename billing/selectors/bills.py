"""Bills as issued, with all that they show."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from billing.domain import documents as domain
from billing.domain.documents import DocumentKind, EnergyShare, KeptPromise, Party, Reference, Settlement
from billing.models import Bill, Document, DocumentLine
from billing.selectors.einvoices import accepted, link_to_check

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
        lines, in_ksef = _lines(batch), _accepted(batch)
        yield from (_document(row, lines[row.pk], in_ksef) for row in batch)


def _contents(bills: Sequence[Bill]) -> Iterator[domain.Bill]:
    pks = [bill.pk for bill in bills]
    rows = list(Document.objects.filter(bill__in=pks).select_related("corrects").order_by("bill", "position"))
    lines, in_ksef = _lines(rows), _accepted(rows)
    documents = defaultdict(list)
    for row in rows:
        documents[row.bill_id].append(_document(row, lines[row.pk], in_ksef))
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


def _accepted(documents: Sequence[Document]) -> dict[int, tuple[str, str]]:
    """What KSeF has of these and of those that they correct: number and digest."""
    return accepted([row.pk for row in documents] + [row.corrects_id for row in documents if row.corrects_id])


def _document(
    row: Document, lines: Sequence[domain.DocumentLine], in_ksef: Mapping[int, tuple[str, str]]
) -> domain.Document:
    corrects = None
    if row.corrects:
        original, _ = in_ksef.get(row.corrects.pk, ("", ""))
        corrects = Reference(row.corrects.number, row.corrects.issued_on, original)
    settlements = tuple(Settlement(each["reason"], Decimal(each["amount_pln"])) for each in row.settlements)
    number, digest = in_ksef.get(row.pk, ("", ""))
    link = link_to_check(row.seller["nip"], row.issued_on, digest) if number else ""
    return domain.Document(
        DocumentKind(row.kind), row.number, row.issued_on, row.first, row.end, Party(**row.seller), Party(**row.buyer),
        tuple(lines), settlements, corrects, row.reason, number, link,
    )  # fmt: skip


def _promise(values: dict[str, Any]) -> KeptPromise:
    money = {name: Decimal(value) for name, value in values.items() if name.endswith("_pln")}
    return KeptPromise(**values | money)


def _short(value: Decimal) -> Decimal:
    """Without the zeros that the column adds."""
    return Decimal(f"{value:f}".rstrip("0").rstrip(".")) if "." in f"{value:f}" else value
