"""Issuing bills: numbered without gaps, frozen, and posted, all in one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from billing.domain import documents as domain
from billing.domain.documents import DocumentKind
from billing.domain.ledger import AccountKind, document_postings
from billing.models import Bill, Document, DocumentLine, NumberSeries
from billing.services.ledger import post
from participants.models import Cluster, Participant

#: Kind → series of the documents, and of their corrections.
SERIES: dict[DocumentKind, tuple[str, str]] = {
    DocumentKind.SALE: ("FS", "KFS"),
    DocumentKind.SELF_BILLING: ("FZ", "KFZ"),
    DocumentKind.NOTE: ("NR", "KNR"),
    DocumentKind.GRID: ("FD", "KFD"),
    DocumentKind.INTEREST: ("NO", "KNO"),
}
BILLS = "R"


@dataclass(frozen=True, slots=True)
class BillDraft:
    """A bill to be issued: its content with empty numbers, whose it is, the month, and the distributor as creditor."""

    content: domain.Bill
    participant: Participant
    period: date | None = None
    dso_id: int | None = None


@transaction.atomic
def issue(cluster: Cluster, drafts: Sequence[BillDraft], now: datetime, user_id: int | None = None) -> list[Bill]:
    """Number, store and post the bills, in the order given. Raises BillingError; then no number was used."""
    years = {draft.content.issued_on.year for draft in drafts}
    numbers = {year: _Numbers(cluster.pk, year) for year in sorted(years)}
    issued = [(draft, _numbered(draft.content, numbers[draft.content.issued_on.year])) for draft in drafts]
    bills = Bill.objects.bulk_create(_bill(cluster.pk, draft, content) for draft, content in issued)
    originals = _originals(cluster.pk, (content for _, content in issued))
    pairs = [
        (document, _document(bill, position, document, originals))
        for bill, (_, content) in zip(bills, issued, strict=True)
        for position, document in enumerate(content.documents, start=1)
    ]
    Document.objects.bulk_create([row for _, row in pairs])
    DocumentLine.objects.bulk_create((line for pair in pairs for line in _lines(*pair)), batch_size=2000)
    for content, row in pairs:
        amounts = document_postings(content)
        if amounts:
            owner = row.bill.participant_id
            keyed = {(kind, owner if kind == AccountKind.PARTICIPANT else None): each for kind, each in amounts.items()}
            post(cluster.pk, content.issued_on, content.number, keyed, now, user_id=user_id, document=row)
    return bills


class _Numbers:
    """Numbers of a year; a series stays locked until the end of the transaction."""

    def __init__(self, cluster_id: int, year: int) -> None:
        self.cluster_id, self.year = cluster_id, year

    def next(self, series: str) -> str:
        """The number after the last one."""
        wanted = {"cluster_id": self.cluster_id, "series": series, "year": self.year}
        NumberSeries.objects.bulk_create([NumberSeries(**wanted)], ignore_conflicts=True)
        row = NumberSeries.objects.select_for_update().get(**wanted)
        row.last += 1
        row.save(update_fields=["last"])
        return f"{series}/{self.year}/{row.last:05}"


def _numbered(content: domain.Bill, numbers: _Numbers) -> domain.Bill:
    documents = tuple(
        replace(each, number=numbers.next(SERIES[each.kind][each.corrects is not None])) for each in content.documents
    )
    return replace(content, reference=numbers.next(BILLS), documents=documents)


def _bill(cluster_id: int, draft: BillDraft, content: domain.Bill) -> Bill:
    return Bill(
        cluster_id=cluster_id, participant=draft.participant, dso_id=draft.dso_id, reference=content.reference,
        period=draft.period, issued_on=content.issued_on, due_on=content.due_on, payable_pln=content.payable_pln,
        creditor=asdict(content.creditor), party=asdict(content.participant),
        energy=[asdict(each) for each in content.energy],
        promises=[_plain(asdict(each)) for each in content.promises],
    )  # fmt: skip


def _document(bill: Bill, position: int, content: domain.Document, originals: Mapping[str, int]) -> Document:
    return Document(
        cluster_id=bill.cluster_id, bill=bill, position=position, kind=content.kind, number=content.number,
        issued_on=content.issued_on, first=content.first, end=content.end, seller=asdict(content.seller),
        buyer=asdict(content.buyer), corrects_id=originals[content.corrects.number] if content.corrects else None,
        reason=content.reason, settlements=[_plain(asdict(each)) for each in content.settlements],
        net_pln=content.net_pln, vat_pln=content.vat_pln, payable_pln=content.payable_pln,
    )  # fmt: skip


def _lines(content: domain.Document, row: Document) -> Iterator[DocumentLine]:
    for line in content.lines:
        yield DocumentLine(cluster_id=row.cluster_id, document=row, **asdict(line))


def _originals(cluster_id: int, contents: Iterable[domain.Bill]) -> dict[str, int]:
    named = {each.corrects.number for content in contents for each in content.documents if each.corrects}
    return dict(Document.objects.filter(cluster=cluster_id, number__in=named).values_list("number", "pk"))


def _plain(values: dict[str, object]) -> dict[str, object]:
    """Amounts as texts: JSON's numbers would be floats."""
    return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in values.items()}
