"""Billing a month: statements are versions; the same result is stored once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice

from django.db import connection

from billing.domain.errors import BillingError
from billing.domain.lines import ASSURANCE, SERVICE_FEE
from billing.domain.relief import is_relief
from billing.domain.statement import StatementDraft, build_statement
from billing.models import Promise, ReliefMonth, Statement
from billing.selectors.accounts import Account, accounts
from billing.selectors.relief import ReliefTotals
from billing.selectors.statements import Progress, current_statements, progress
from billing.selectors.sums import MonthSums, pin_intervals
from billing.selectors.terms import Month, month_of, month_terms
from billing.services.statement_lines import LineRow, store_lines
from contracts.domain.money import from_nano
from metering.models import MeteringPoint
from participants.models import Cluster, Participant
from participants.tenancy.scope import scope

BATCH = 200


@dataclass(slots=True)
class BillingReport:
    """What billing a month came to; amounts of all its statements in PLN, exact."""

    period: str
    progress: Progress
    statements: int = 0
    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    total_pln: Decimal = field(default_factory=Decimal)
    service_fees_pln: Decimal = field(default_factory=Decimal)
    assurance_pln: Decimal = field(default_factory=Decimal)
    relief_pln: Decimal = field(default_factory=Decimal)
    relief: ReliefMonth | None = None

    @property
    def shortfall_pln(self) -> Decimal:
        """Assurance beyond the period's service fees, which the coordinator has to bear."""
        return max(Decimal(0), self.assurance_pln - self.service_fees_pln)

    def count(self, drafts: Iterable[StatementDraft]) -> None:
        """Add statements to the sums."""
        for draft in drafts:
            self.statements += 1
            self.total_pln += from_nano(draft.amount_nano)
            self.service_fees_pln += from_nano(draft.total_nano(SERVICE_FEE))
            self.assurance_pln -= from_nano(draft.total_nano(ASSURANCE))
            self.relief_pln -= from_nano(sum(x.amount_nano for x in draft.lines if is_relief(x.component)))


def bill_period(
    cluster: Cluster, period: str, now: datetime, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> BillingReport:
    """Compute the statements of the month `period` (`2026-06`) from the runs in force and store those that changed.

    Bills what is cleared; the report tells what is not. A statement that differs from the one in force becomes a new
    revision that names it; an equal one stores nothing. Two calls for a month wait for each other. `on_progress` gets
    the members done and their total. Raises `BillingError`, `TariffError`, `CalendarError`; nothing is stored then.
    """
    with scope(cluster.pk):
        month = month_of(cluster, period)
        _lock(cluster, period)
        terms = month_terms(cluster, month)
        if not pin_intervals(cluster, month, terms):
            raise BillingError(f"No interval of {period} is cleared in {cluster.slug}: run clear first.")
        report = BillingReport(period, progress(cluster, month))
        billed = accounts(cluster, month)
        in_force = {statement.participant_id: statement for statement in current_statements(cluster, month)}
        store = _Store(cluster, month, now, in_force)
        sums = MonthSums(cluster, month, terms, billed)
        with closing(sums.members()) as summed:
            built = ((account, build_statement(account.member, found, sums.terms)) for account, found in summed)
            while batch := list(islice(built, BATCH)):
                changed = [(account, draft) for account, draft in batch if store.differs(account, draft)]
                store.add(changed)
                report.count(draft for _, draft in batch)
                report.unchanged += len(batch) - len(changed)
                report.replaced += sum(account.participant.pk in in_force for account, _ in changed)
                report.new += sum(account.participant.pk not in in_force for account, _ in changed)
                on_progress(report.statements, len(billed))
        report.relief = _store_relief(cluster, month, now, sums)
        return report


def _store_relief(cluster: Cluster, month: Month, now: datetime, sums: MonthSums) -> ReliefMonth | None:
    """The month's statutory hours, as a new revision if they differ from the one in force."""
    before = ReliefMonth.objects.filter(cluster=cluster, period=month.first).order_by("-revision").first()
    found = sums.relief or (ReliefTotals(0, 0, 0, 0) if before else None)
    if found is None:
        return None
    values = {
        "injected_wh": found.injected_wh, "drawn_wh": found.drawn_wh, "shared_wh": found.shared_wh,
        "given_wh": sums.given_wh, "missing_readings": found.missing,
    }  # fmt: skip
    if before and all(getattr(before, name) == value for name, value in values.items()):
        return before
    revision = before.revision + 1 if before else 1
    return ReliefMonth.objects.create(cluster=cluster, period=month.first, revision=revision, billed_at=now, **values)


@dataclass(frozen=True, slots=True)
class _Store:
    """Writes statements of one month beside those in force."""

    cluster: Cluster
    month: Month
    now: datetime
    in_force: Mapping[int, Statement]

    def differs(self, account: Account, draft: StatementDraft) -> bool:
        """Whether the statement in force, if any, says something else."""
        before = self.in_force.get(account.participant.pk)
        return before is None or before.content_digest != draft.content_digest

    def add(self, changed: Sequence[tuple[Account, StatementDraft]]) -> None:
        """Store statements with their lines and promises."""
        statements = Statement.objects.bulk_create(
            [self._statement(account.participant, draft) for account, draft in changed]
        )
        points = {row.metering_point.code: row.metering_point for account, _ in changed for row, _, _ in account.rows}
        drafts = [draft for _, draft in changed]
        pairs = list(zip(statements, drafts, strict=True))
        store_lines(self.cluster, self._rows(pairs, points))
        Promise.objects.bulk_create(self._promises(pairs))

    def _statement(self, participant: Participant, draft: StatementDraft) -> Statement:
        before = self.in_force.get(participant.pk)
        return Statement(
            cluster=self.cluster,
            participant=participant,
            period=self.month.first,
            revision=before.revision + 1 if before else 1,
            replaces=before,
            amount_exact_pln=from_nano(draft.amount_nano),
            content_digest=draft.content_digest,
            billed_at=self.now,
        )

    def _rows(
        self, pairs: Iterable[tuple[Statement, StatementDraft]], points: Mapping[str, MeteringPoint]
    ) -> Iterator[LineRow]:
        for statement, draft in pairs:
            for position, line in enumerate(draft.lines, start=1):
                point = points[line.metering_point].pk if line.metering_point else None
                yield LineRow(
                    statement.pk, position, line.side, point, line.component, line.zone, line.sharing_level,
                    line.rate_from, line.rate_to, from_nano(line.quantity_nano), line.unit,
                    from_nano(line.amount_nano), Decimal(line.net_cents).scaleb(-2),
                )  # fmt: skip

    def _promises(self, pairs: Iterable[tuple[Statement, StatementDraft]]) -> Iterator[Promise]:
        for statement, draft in pairs:
            for promise in draft.promises:
                yield Promise(
                    cluster=self.cluster,
                    statement=statement,
                    side=promise.side,
                    basis=promise.basis,
                    p2p_pln=from_nano(promise.p2p_nano),
                    standard_pln=from_nano(promise.standard_nano),
                    difference_pln=from_nano(promise.difference_nano),
                    assurance_pln=Decimal(promise.assurance_cents).scaleb(-2),
                )


def _lock(cluster: Cluster, period: str) -> None:
    """Let one call at a time bill a month, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"bill {cluster.pk} {period}"])
