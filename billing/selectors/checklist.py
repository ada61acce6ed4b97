"""What must be in order before a month is closed, and its draft: totals and what stands out against last month."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max, Q, Sum

from billing.domain.documents import ZERO
from billing.domain.lines import ASSURANCE, SERVICE_FEE
from billing.models import BillingPeriod, Statement, StatementLine
from billing.selectors.statements import current_statements, progress
from billing.selectors.terms import Month, month_of
from billing.words import COMPONENTS
from clearing.selectors.external import unsettled_directions
from metering.domain.calendar import format_period, local_midnight, months_before, next_month
from participants.models import Cluster, Coordinator

#: A statement stands out if it differs from last month's by at least this much and this share of it.
OUTLIER_PLN, OUTLIER_SHARE = Decimal(20), Decimal("0.5")
OUTLIERS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to be in order. What is `overridable` can be closed with a reason all the same."""

    code: str
    passed: bool
    overridable: bool = False
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Situation:
    """What all checks look at."""

    cluster: Cluster
    month: Month
    now: datetime
    period: BillingPeriod
    sums: dict[str, Decimal]


def _finished(at: Situation) -> Check:
    return Check("finished", at.now >= local_midnight(at.month.end, at.month.tz), figures={"end": at.month.end})


def _intervals(at: Situation) -> list[Check]:
    found = progress(at.cluster, at.month)
    waiting = {"missing": found.missing, "stale": found.stale, "intervals": found.intervals}
    return [
        Check("settled", found.missing == 0 and found.stale == 0, figures=waiting),
        Check("readings", found.provisional == 0, overridable=True, figures={"provisional": found.provisional}),
    ]


def _external(at: Situation) -> Check:
    missing = unsettled_directions(at.cluster, at.month.first)
    return Check("external", not missing, overridable=True, figures={"directions": missing})


def _computed(at: Situation) -> Check:
    """A month that lacks a tariff rate or a price can't be computed, and says so."""
    rows = Statement.objects.filter(cluster=at.cluster, period=at.month.first)
    last = rows.aggregate(last=Max("billed_at"))["last"]
    figures = {"problem": at.period.problem, "last": last}
    return Check("computed", last is not None and not at.period.problem, figures=figures)


def _assurance(at: Situation) -> Check:
    fees, assurance = at.sums.get(SERVICE_FEE, ZERO), -at.sums.get(ASSURANCE, ZERO)
    return Check("assurance", assurance <= fees, overridable=True, figures={"fees": fees, "assurance": assurance})


def _previous(at: Situation) -> Check:
    """Every earlier month with statements is closed."""
    closed = BillingPeriod.objects.filter(cluster=at.cluster, state=BillingPeriod.State.CLOSED).values("month")
    open_ = Statement.objects.filter(cluster=at.cluster, period__lt=at.month.first).exclude(period__in=closed)
    first = open_.order_by("period").values_list("period", flat=True).first()
    return Check("previous", first is None, figures={"month": first})


def _parties(at: Situation) -> Check:
    """Invoices need names and addresses, and a VAT payer's its tax number."""
    known = Coordinator.objects.filter(cluster=at.cluster).exclude(nip="").exists()
    rows = current_statements(at.cluster, at.month)
    lacking = rows.filter(Q(participant__street="") | Q(participant__vat_payer=True, participant__nip=""))
    codes = list(lacking.values_list("participant__code", flat=True)[:10])
    figures = {"coordinator": known, "participants": codes, "count": lacking.count()}
    return Check("parties", known and not codes, overridable=known, figures=figures)


#: In the order of the page.
CHECKS: tuple[Callable[[Situation], Check | list[Check]], ...] = (
    _finished, _intervals, _external, _computed, _assurance, _previous, _parties,
)  # fmt: skip


def period_of(cluster: Cluster, month: date) -> BillingPeriod:
    """The month's row, or one that is not stored yet."""
    return BillingPeriod.objects.filter(cluster=cluster, month=month).first() or BillingPeriod(
        cluster=cluster, month=month
    )


def checklist(cluster: Cluster, month: date, now: datetime) -> list[Check]:
    """All checks of a month as it stands. Needs the scope."""
    whole = month_of(cluster, format_period(month))
    situation = Situation(cluster, whole, now, period_of(cluster, month), component_sums(cluster, whole))
    found: list[Check] = []
    for check in CHECKS:
        result = check(situation)
        found += result if isinstance(result, list) else [result]
    return found


def component_sums(cluster: Cluster, month: Month) -> dict[str, Decimal]:
    """Exact sums of the statements in force by component [PLN]."""
    statements = current_statements(cluster, month).order_by().values("pk")
    rows = StatementLine.objects.filter(cluster=cluster, statement__in=statements).order_by()
    return dict(rows.values_list("component").annotate(sum=Sum("amount_exact_pln")))


@dataclass(frozen=True, slots=True)
class Outlier:
    """A participant whose statement differs much from last month's [PLN, net]."""

    code: str
    name: str
    before_pln: Decimal
    now_pln: Decimal

    @property
    def difference_pln(self) -> Decimal:
        return self.now_pln - self.before_pln


@dataclass(frozen=True, slots=True)
class Draft:
    """The statements in force of a month: how many, their sum and last month's [PLN, exact], who stands out."""

    statements: int
    total_pln: Decimal
    before_statements: int
    before_total_pln: Decimal
    #: Component, this month's sum, last month's.
    sums: list[tuple[str, Decimal, Decimal]]
    outliers: list[Outlier]


def draft(cluster: Cluster, month: date) -> Draft:
    """What closing the month would bill. Needs the scope."""
    whole = month_of(cluster, format_period(month))
    before = {code: amount for code, _, amount in _amounts(cluster, months_before(month, 1))}
    now = _amounts(cluster, month)
    found = [Outlier(code, name, before[code], amount) for code, name, amount in now if code in before]
    outliers = [each for each in found if _stands_out(each)]
    outliers.sort(key=lambda each: (-abs(each.difference_pln), each.code))
    return Draft(
        len(now), sum((amount for _, _, amount in now), ZERO), len(before), sum(before.values(), ZERO),
        _sums(cluster, whole, month_of(cluster, format_period(months_before(month, 1)))), outliers[:OUTLIERS_SHOWN],
    )  # fmt: skip


def _sums(cluster: Cluster, month: Month, before: Month) -> list[tuple[str, Decimal, Decimal]]:
    """By component in the order in which bills name them, what they do not know last."""
    now, then = component_sums(cluster, month), component_sums(cluster, before)
    places = {code: place for place, code in enumerate(COMPONENTS)}
    codes = sorted({*now, *then}, key=lambda code: (places.get(code, len(places)), code))
    return [(code, now.get(code, ZERO), then.get(code, ZERO)) for code in codes]


def _stands_out(row: Outlier) -> bool:
    return abs(row.difference_pln) >= max(OUTLIER_PLN, OUTLIER_SHARE * abs(row.before_pln))


def _amounts(cluster: Cluster, month: date) -> list[tuple[str, str, Decimal]]:
    rows = current_statements(cluster, month_of(cluster, format_period(month)))
    return list(rows.values_list("participant__code", "participant__name", "amount_exact_pln"))


def months_to_show(cluster: Cluster) -> list[date]:
    """Months with statements or a period, and the one after the last closed one; latest first."""
    billed = Statement.objects.filter(cluster=cluster).order_by().values_list("period", flat=True).distinct()
    periods = dict(BillingPeriod.objects.filter(cluster=cluster).values_list("month", "state"))
    found = {*billed, *periods}
    closed = [month for month, state in periods.items() if state == BillingPeriod.State.CLOSED]
    return sorted(found | ({next_month(max(closed))} if closed else set()), reverse=True)
