"""Closing a month: computed once more, fixed, billed participant by participant, rounded off.

Every step is a transaction that holds the month's row. Whoever is killed leaves a month that is `closing`; going on
issues what is not issued yet, so that the documents and their numbers are those of one undisturbed run.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Max

from billing.domain.documents import Bill as BillContent
from billing.domain.errors import BillingError, MonthNotReadyError
from billing.domain.issue import IssueTerms, bills, contents, documents, energy_shares
from billing.domain.ledger import AccountKey, rounding_postings
from billing.models import (
    Bill,
    BillingPeriod,
    Document,
    DocumentLine,
    JournalEntry,
    Posting,
    Promise,
    Statement,
    StatementLine,
)
from billing.selectors.checklist import checklist
from billing.selectors.issuing import (
    Billed,
    billed,
    billing_terms,
    direct_spans,
    documented,
    exact_amounts,
    issue_terms,
    party_of,
    posted_amounts,
    statements_up_to,
)
from billing.services.bills import BillDraft, issue
from billing.services.external import post_settlements
from billing.services.ledger import EntryDraft, post_all
from billing.services.statements import BillingReport, bill_period
from contracts.domain.tariff import TariffError
from metering.domain.calendar import CalendarError, format_period, local_day, time_zone
from participants.models import Cluster
from participants.tenancy.partitions import renew_statistics
from participants.tenancy.scope import scope

BATCH = 200
#: Without statistics of the first bills each further 200 take longer, as the database checks them one by one.
WRITTEN = (Statement, StatementLine, Promise, Bill, Document, DocumentLine, JournalEntry, Posting)
REFUSALS = (BillingError, TariffError, CalendarError)
#: Told the participants done and their total.
OnProgress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Nobody is told."""


def compute(cluster: Cluster, month: date, now: datetime, on_progress: OnProgress = silent) -> BillingReport:
    """Compute the statements of an open month anew; what hinders it is kept with the month and raised."""
    with scope(cluster.pk):
        _open_row(cluster, month)
    try:
        report = bill_period(cluster, format_period(month), now, on_progress)
    except REFUSALS as error:
        _note(cluster, month, problem=str(error))
        raise
    _note(cluster, month, problem="", computed_at=now)
    return report


def start_closing(
    cluster: Cluster, month: date, now: datetime, overrides: Mapping[str, str], user_id: int | None = None
) -> BillingPeriod:
    """Begin to close a month. Does nothing if that has begun already.

    `overrides`: why it is closed although a check that may be overridden fails. Raises BillingError for a month that is
    closed, and for what is not in order.
    """
    with scope(cluster.pk):
        _open_row(cluster, month)
        period = BillingPeriod.objects.select_for_update().get(cluster=cluster, month=month)
        if period.state == BillingPeriod.State.CLOSED:
            raise BillingError(f"{period} is closed.")
        if period.state == BillingPeriod.State.CLOSING:
            return period
        given = {code: reason.strip() for code, reason in overrides.items() if reason.strip()}
        period.overrides = _accepted(cluster, month, now, given)
        period.state = BillingPeriod.State.CLOSING
        period.started_at, period.user_id, period.problem = now, user_id, ""
        period.issued_on = local_day(now, time_zone(cluster.timezone))
        period.due_on = period.issued_on + timedelta(days=billing_terms(cluster.pk, period.issued_on).due_days)
        period.done = period.total = 0
        period.save()
        return period


def continue_closing(cluster: Cluster, month: date, now: datetime, on_progress: OnProgress = silent) -> bool:
    """Go on with closing a month, from where it stands to its end; whether it is closed then.

    False if it is not being closed, or if somebody else is at it. Raises what hinders it, and opens the month again,
    as long as nothing is issued.
    """
    if not _fixed(cluster, month, now):
        with scope(cluster.pk):
            return _is_closed(cluster, month)
    while True:
        with scope(cluster.pk):
            period = _held(cluster, month)
            if period is None:
                return _is_closed(cluster, month)
            more = _issue_batch(cluster, period, now)
            if not more:
                _finish(cluster, period, now)
            done, total = period.done, period.total
        if done <= BATCH or not more:
            renew_statistics([model._meta.db_table for model in WRITTEN], now, now)
        if not more:
            return True
        on_progress(done, total)


def closing_months(cluster: Cluster) -> list[date]:
    """Months whose closing has begun and is not finished."""
    with scope(cluster.pk):
        rows = BillingPeriod.objects.filter(cluster=cluster, state=BillingPeriod.State.CLOSING)
        return list(rows.order_by("month").values_list("month", flat=True))


def bill_drafts(cluster: Cluster, rows: list[Billed], terms: IssueTerms) -> list[BillDraft]:
    """The bills of these statements; the distributor's own ones follow the coordinator's."""
    found = []
    for row in rows:
        participant = row.statement.participant
        party = party_of(participant)
        papers = documents(contents(row.lines, terms, participant.vat_payer), terms, party)
        made = bills(papers, terms, party, energy_shares(row.lines), row.promises)
        found += [bill_draft(cluster, bill, row.statement, terms) for bill in made]
    return found


def bill_draft(cluster: Cluster, content: BillContent, statement: Statement, terms: IssueTerms) -> BillDraft:
    """A bill of a statement; whose creditor is the distributor is told by its documents."""
    dso_id = cluster.dso_id if content.creditor == terms.distributor else None
    return BillDraft(content, statement.participant, terms.first, dso_id, statement.pk)


def round_off(
    cluster: Cluster, month: date, terms: IssueTerms, booked_on: date, now: datetime, user_id: int | None
) -> None:
    """Post what the rounding of lines adds up to, so that the month's accounts hold what they mean exactly."""
    exact = exact_amounts(cluster.pk, documented(cluster.pk, month).values(), terms)
    amounts = rounding_postings(exact, posted_amounts(cluster.pk, month))
    if amounts:
        keyed: dict[AccountKey, Decimal] = {(kind, None): amount for kind, amount in amounts.items()}
        text = f"rounding {format_period(month)}"
        post_all(cluster.pk, [EntryDraft(booked_on, text, keyed, period=month)], now, user_id)


def _open_row(cluster: Cluster, month: date) -> None:
    BillingPeriod.objects.bulk_create([BillingPeriod(cluster=cluster, month=month)], ignore_conflicts=True)


def _note(cluster: Cluster, month: date, **values: object) -> None:
    with scope(cluster.pk):
        rows = BillingPeriod.objects.filter(cluster=cluster, month=month).exclude(state=BillingPeriod.State.CLOSED)
        rows.update(**values)


def _accepted(cluster: Cluster, month: date, now: datetime, overrides: Mapping[str, str]) -> dict[str, str]:
    """The reasons that count; refuses what fails without one."""
    failing = [check for check in checklist(cluster, month, now) if not check.passed]
    wrong = [check.code for check in failing if not (check.overridable and overrides.get(check.code))]
    if wrong:
        raise MonthNotReadyError(format_period(month), wrong)
    return {check.code: overrides[check.code] for check in failing}


def _held(cluster: Cluster, month: date) -> BillingPeriod | None:
    """The month's row, locked, while it is being closed; None if somebody else holds it or it is not."""
    rows = BillingPeriod.objects.select_for_update(skip_locked=True)
    return rows.filter(cluster=cluster, month=month, state=BillingPeriod.State.CLOSING).first()


def _is_closed(cluster: Cluster, month: date) -> bool:
    rows = BillingPeriod.objects.filter(cluster=cluster, month=month, state=BillingPeriod.State.CLOSED)
    return rows.exists()


def _fixed(cluster: Cluster, month: date, now: datetime) -> bool:
    """Compute the month once more and keep which statements it is; False if it is not being closed or is held."""
    try:
        with scope(cluster.pk):
            period = _held(cluster, month)
            if period is None or period.last_statement is not None:
                return period is not None
            bill_period(cluster, format_period(month), now)
            _accepted(cluster, month, now, period.overrides)
            period.direct = [[first.isoformat(), end.isoformat()] for first, end in direct_spans(cluster, month)]
            _terms(cluster, period)
            statements = Statement.objects.filter(cluster=cluster, period=month)
            period.last_statement = statements.aggregate(last=Max("pk"))["last"]
            period.total = statements_up_to(cluster.pk, month, period.last_statement or 0).count()
            period.computed_at = now
            period.save()
            return True
    except REFUSALS as error:
        _note(
            cluster, month, state=BillingPeriod.State.OPEN, started_at=None, issued_on=None, due_on=None,
            problem=str(error),
        )  # fmt: skip
        raise


def _issue_batch(cluster: Cluster, period: BillingPeriod, now: datetime) -> bool:
    """Issue the bills of the next participants, by their number; False if there are none left."""
    rows = statements_up_to(cluster.pk, period.month, period.last_statement or 0)
    batch = list(rows.filter(participant__code__gt=period.done_to)[:BATCH])
    if not batch:
        return False
    issue(cluster, bill_drafts(cluster, billed(batch), _terms(cluster, period)), now, period.user_id)
    period.done_to, period.done = batch[-1].participant.code, period.done + len(batch)
    period.save()
    return True


def _finish(cluster: Cluster, period: BillingPeriod, now: datetime) -> None:
    terms = _terms(cluster, period)
    round_off(cluster, period.month, terms, terms.issued_on, now, period.user_id)
    post_settlements(cluster, now, period.user_id)
    period.state, period.closed_at = BillingPeriod.State.CLOSED, now
    period.save()


def _terms(cluster: Cluster, period: BillingPeriod) -> IssueTerms:
    if period.issued_on is None or period.due_on is None:
        raise BillingError(f"{period} is not being closed.")
    return issue_terms(cluster, period, period.issued_on, period.due_on)
