"""What documents are made of: statements with their lines, the parties, how grid fees were settled."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Exists, Max, OuterRef, QuerySet, Sum

from billing.domain.documents import ZERO, KeptPromise, Party
from billing.domain.errors import BillingError
from billing.domain.issue import BilledLine, IssueTerms, exact_postings
from billing.domain.ledger import ROUNDED, AccountKind
from billing.models import Bill, BillingPeriod, BillingTerms, Posting, Promise, Statement, StatementLine
from billing.selectors.terms import settled_spans
from contracts.models import ClusterSettings, ClusterTerms
from metering.domain.calendar import next_month
from participants.models import Cluster, Coordinator, Participant


@dataclass(frozen=True, slots=True)
class Billed:
    """A statement as it is billed."""

    statement: Statement
    lines: tuple[BilledLine, ...]
    promises: tuple[KeptPromise, ...]


def billing_terms(cluster_id: int, day: date) -> BillingTerms:
    """The terms of bills issued on that day, or else the usual ones."""
    rows = BillingTerms.objects.filter(cluster=cluster_id, valid_from__lte=day).order_by("-valid_from")
    return rows.first() or BillingTerms(cluster_id=cluster_id, valid_from=day)


def direct_spans(cluster: Cluster, month: date) -> list[tuple[date, date]]:
    """The days of the month on which the distributor settles its grid fees itself, by the settings of now."""
    end = next_month(month)
    rows = ClusterSettings.objects.filter(cluster=cluster, valid_from__lt=end).order_by("valid_from")
    spans = [(max(span.first, month), min(span.end, end)) for span in settled_spans(rows) if span.direct]
    return [(first, until) for first, until in spans if first < until]


def issue_terms(cluster: Cluster, period: BillingPeriod, issued_on: date, due_on: date) -> IssueTerms:
    """What the documents of a month have in common. Refuses a cluster without coordinator or VAT rate."""
    coordinator = Coordinator.objects.filter(cluster=cluster).first()
    tax = ClusterTerms.objects.filter(cluster=cluster).first()
    if coordinator is None or tax is None:
        raise BillingError(f"{cluster.slug} has no coordinator or no terms (VAT): load its dataset.")
    return IssueTerms(
        period.month, next_month(period.month), issued_on, due_on, tax.vat_rate, party_of_coordinator(coordinator),
        Party("", cluster.dso.name, "", "", "", "PL", cluster.dso.nip, cluster.dso.iban),
        tuple((date.fromisoformat(first), date.fromisoformat(end)) for first, end in period.direct),
    )  # fmt: skip


def party_of_coordinator(row: Coordinator) -> Party:
    return Party("", row.name, row.street, row.postcode, row.city, row.country, row.nip, row.iban)


def party_of(row: Participant) -> Party:
    return Party(row.code, row.name, row.street, row.postcode, row.city, row.country, row.nip, row.iban)


def statements_up_to(cluster_id: int, month: date, last: int) -> QuerySet[Statement]:
    """The statements that were in force when the one with the id `last` was stored, by participant code."""
    newer = Statement.objects.filter(cluster=cluster_id, replaces=OuterRef("pk"), pk__lte=last)
    rows = Statement.objects.filter(~Exists(newer), cluster=cluster_id, period=month, pk__lte=last)
    return rows.select_related("participant").order_by("participant__code")


def billed(statements: Sequence[Statement]) -> list[Billed]:
    """These statements with what is on them."""
    pks = [statement.pk for statement in statements]
    lines: dict[int, list[BilledLine]] = defaultdict(list)
    rows = StatementLine.objects.filter(statement__in=pks).order_by("statement", "position")
    for row in rows.select_related("metering_point"):
        point = row.metering_point.code if row.metering_point else ""
        lines[row.statement_id].append(
            BilledLine(
                row.side, point, row.component, row.zone, row.sharing_level, row.rate_from, row.rate_to, row.quantity,
                row.unit, row.amount_exact_pln,
            )
        )  # fmt: skip
    promises: dict[int, list[KeptPromise]] = defaultdict(list)
    for kept in Promise.objects.filter(statement__in=pks).order_by("statement", "side"):
        promises[kept.statement_id].append(
            KeptPromise(kept.side, kept.basis, kept.p2p_pln, kept.standard_pln, kept.assurance_pln)
        )
    return [Billed(each, tuple(lines[each.pk]), tuple(promises[each.pk])) for each in statements]


def documented(cluster_id: int, month: date) -> dict[int, int]:
    """Participant → the statement that the documents issued for the month say."""
    rows = Bill.objects.filter(cluster=cluster_id, period=month).exclude(statement=None)
    return dict(rows.order_by().values_list("participant").annotate(last=Max("statement")))


def exact_amounts(cluster_id: int, statements: Iterable[int], terms: IssueTerms) -> dict[AccountKind, Decimal]:
    """What these statements are worth on the coordinator's accounts before anything is rounded."""
    rows = StatementLine.objects.filter(cluster=cluster_id, statement__in=list(statements)).order_by()
    return exact_postings(rows.values_list("component", "rate_from").annotate(sum=Sum("amount_exact_pln")), terms)


def posted_amounts(cluster_id: int, month: date) -> dict[AccountKind, Decimal]:
    """What is posted for the month on the accounts whose lines are rounded."""
    rows = Posting.objects.filter(cluster=cluster_id, entry__period=month, account__kind__in=ROUNDED).order_by()
    sums = rows.values_list("account__kind").annotate(sum=Sum("amount_pln"))
    return {AccountKind(kind): amount or ZERO for kind, amount in sums}
