"""What the documents of closed months say, and what they should say by now, per participant."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Exists, OuterRef

from billing.domain.correct import Chain, Change, change_of, corrections, owed
from billing.domain.documents import ZERO, Document, DocumentKind
from billing.domain.issue import Content, IssueTerms, contents
from billing.models import BillingPeriod, Statement
from billing.models import Document as StoredDocument
from billing.selectors.bills import document_content
from billing.selectors.issuing import Billed, billed, billing_terms, documented, issue_terms, party_of
from participants.models import Cluster, Participant

#: Shown in the place of a reason while there is none yet.
NO_REASON = "?"
BATCH = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One participant's month: amounts are what the participant owes, VAT and assurance included [PLN].

    `papers`: the documents that would correct it, without numbers; `carried`: they wait until the participant's
    differences exceed the threshold.
    """

    participant: Participant
    month: date
    documented_id: int | None
    row: Billed
    before_pln: Decimal
    papers: tuple[Document, ...]
    changes: tuple[tuple[DocumentKind, Change], ...]
    carried: bool = False

    @property
    def difference_pln(self) -> Decimal:
        """Positive: more to pay."""
        return sum((owed(each.kind, each.payable_pln) for each in self.papers), ZERO)

    @property
    def after_pln(self) -> Decimal:
        return self.before_pln + self.difference_pln

    @property
    def key(self) -> str:
        """Names what was previewed: participant, month and the statement in force."""
        return f"{self.participant.pk}:{self.month:%Y-%m}:{self.row.statement.pk}"


def closed_periods(cluster_id: int) -> list[BillingPeriod]:
    """Closed months, oldest first."""
    rows = BillingPeriod.objects.filter(cluster=cluster_id, state=BillingPeriod.State.CLOSED)
    return list(rows.order_by("month"))


def differences(
    cluster: Cluster, issued_on: date, due_on: date, participants: Collection[int] | None = None,
    reason: str = NO_REASON,
) -> list[Difference]:  # fmt: skip
    """Every month and participant whose documents differ from the statement in force; of these people, if given.

    By participant and month. Needs the scope.
    """
    found: list[Difference] = []
    for period in closed_periods(cluster.pk):
        terms = issue_terms(cluster, period, issued_on, due_on)
        changed = _changed(cluster.pk, period.month, participants)
        for start in range(0, len(changed), BATCH):
            found += _of_batch(cluster, period.month, terms, changed[start : start + BATCH], reason)
    found.sort(key=lambda each: (each.participant.code, each.month))
    return _with_threshold(found, billing_terms(cluster.pk, issued_on).correction_threshold_pln)


def chains(cluster_id: int, month: date, participants: Collection[int]) -> dict[int, dict[DocumentKind, Chain]]:
    """What was issued of a month to these people: by participant and kind the original with its corrections."""
    rows = StoredDocument.objects.filter(
        cluster=cluster_id, bill__period=month, bill__participant__in=participants, bill__statement__isnull=False
    ).order_by("pk")
    owners = dict(rows.values_list("number", "bill__participant"))
    grouped: dict[int, dict[DocumentKind, list[Document]]] = defaultdict(lambda: defaultdict(list))
    for document in document_content(rows):
        grouped[owners[document.number]][document.kind].append(document)
    return {
        owner: {kind: Chain(tuple(documents)) for kind, documents in kinds.items()} for owner, kinds in grouped.items()
    }


def _changed(cluster_id: int, month: date, participants: Collection[int] | None) -> list[tuple[Statement, int | None]]:
    """Statements in force that are not the documented ones, with those; who was billed nothing has none."""
    newer = Statement.objects.filter(cluster=cluster_id, replaces=OuterRef("pk"))
    rows = Statement.objects.filter(~Exists(newer), cluster=cluster_id, period=month).select_related("participant")
    if participants is not None:
        rows = rows.filter(participant__in=participants)
    known = documented(cluster_id, month)
    pairs = [(row, known.get(row.participant_id)) for row in rows.order_by("participant__code")]
    return [(row, before) for row, before in pairs if row.pk != before]


def _of_batch(
    cluster: Cluster, month: date, terms: IssueTerms, changed: Sequence[tuple[Statement, int | None]], reason: str
) -> list[Difference]:
    issued = chains(cluster.pk, month, [row.participant_id for row, _ in changed])
    found = []
    for content, (row, before) in zip(billed([row for row, _ in changed]), changed, strict=True):
        participant = row.participant
        own = issued.get(participant.pk, {})
        after = contents(content.lines, terms, participant.vat_payer)
        papers = tuple(corrections(own, after, terms, party_of(participant), reason))
        if papers:
            changes = tuple(
                (each.kind, change_of(own.get(each.kind), each, after.get(each.kind, Content(())))) for each in papers
            )
            paid = sum((owed(kind, chain.payable_pln) for kind, chain in own.items()), ZERO)
            found.append(Difference(participant, month, before, content, paid, papers, changes))
    return found


def _with_threshold(found: Sequence[Difference], threshold: Decimal) -> list[Difference]:
    """Marks whose differences of all months together stay below the threshold."""
    sums: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for each in found:
        sums[each.participant.pk] += each.difference_pln
    return [
        Difference(
            each.participant, each.month, each.documented_id, each.row, each.before_pln, each.papers, each.changes,
            abs(sums[each.participant.pk]) < threshold,
        )
        for each in found
    ]  # fmt: skip
