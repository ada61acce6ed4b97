"""Issuing bills: numbered without gaps, frozen, and posted, all in one transaction."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from billing.domain import documents as domain
from billing.domain.documents import DocumentKind
from billing.domain.ledger import AccountKind, document_postings
from billing.models import Bill, Document, DocumentLine, NumberSeries
from billing.services.ledger import EntryDraft, post_all
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
    """A bill to be issued: its content with empty numbers, whose it is, the month, and the distributor as creditor.

    `statement_id`: the statement that it is made of.
    """

    content: domain.Bill
    participant: Participant
    period: date | None = None
    dso_id: int | None = None
    statement_id: int | None = None


@transaction.atomic
def issue(cluster: Cluster, drafts: Sequence[BillDraft], now: datetime, user_id: int | None = None) -> list[Bill]:
    """Number, store and post the bills, in the order given. Raises BillingError; then no number was used."""
    numbers = _numbers(cluster.pk, drafts)
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
    entries = [_entry(content, row, amounts) for content, row in pairs if (amounts := document_postings(content))]
    post_all(cluster.pk, entries, now, user_id)
    return bills


class _Numbers:
    """Numbers of a year; a series stays locked until the end of the transaction."""

    def __init__(self, cluster_id: int, year: int, counts: Mapping[str, int]) -> None:
        self.year = year
        self.rest: dict[str, Iterator[int]] = {}
        wanted = {"cluster_id": cluster_id, "year": year}
        rows = [NumberSeries(series=series, **wanted) for series in sorted(counts)]
        NumberSeries.objects.bulk_create(rows, ignore_conflicts=True)
        held = NumberSeries.objects.select_for_update().filter(series__in=list(counts), **wanted).order_by("series")
        for row in held:
            self.rest[row.series] = iter(range(row.last + 1, row.last + 1 + counts[row.series]))
            row.last += counts[row.series]
            row.save(update_fields=["last"])

    def next(self, series: str) -> str:
        """The number after the last one."""
        return f"{series}/{self.year}/{next(self.rest[series]):05}"


def _series(document: domain.Document) -> str:
    return SERIES[document.kind][document.corrects is not None]


def _numbers(cluster_id: int, drafts: Sequence[BillDraft]) -> dict[int, _Numbers]:
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for draft in drafts:
        year = draft.content.issued_on.year
        counts[year].update([BILLS, *map(_series, draft.content.documents)])
    return {year: _Numbers(cluster_id, year, counts[year]) for year in sorted(counts)}


def _entry(content: domain.Document, row: Document, amounts: Mapping[AccountKind, Decimal]) -> EntryDraft:
    owner = row.bill.participant_id
    keyed = {(kind, owner if kind == AccountKind.PARTICIPANT else None): each for kind, each in amounts.items()}
    return EntryDraft(content.issued_on, content.number, keyed, row, period=row.bill.period)


def _numbered(content: domain.Bill, numbers: _Numbers) -> domain.Bill:
    documents = tuple(replace(each, number=numbers.next(_series(each))) for each in content.documents)
    return replace(content, reference=numbers.next(BILLS), documents=documents)


def _bill(cluster_id: int, draft: BillDraft, content: domain.Bill) -> Bill:
    return Bill(
        cluster_id=cluster_id, participant=draft.participant, dso_id=draft.dso_id, statement_id=draft.statement_id,
        reference=content.reference,
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
