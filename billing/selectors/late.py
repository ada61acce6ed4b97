"""Bills that are or were paid late: interest by day, what was decided about it, and reminders."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from billing.domain.documents import DocumentKind
from billing.domain.interest import InterestSpan, Rate, interest_pln, interest_spans
from billing.domain.reminders import Step, StepDays, step_due
from billing.models import (
    Allocation,
    Bill,
    Document,
    InterestDecision,
    InterestRate,
    PaymentReminder,
    ReminderPause,
    ReminderTerms,
)
from billing.selectors.payments import BillStanding, standings
from participants.models import Cluster, Membership, Participant


@dataclass(frozen=True, slots=True)
class LateInterest:
    """Interest of a bill that nobody has decided on, of the days `[first, end)` [PLN]."""

    standing: BillStanding
    kind: str
    first: date
    end: date
    spans: tuple[InterestSpan, ...]
    amount_pln: Decimal

    @property
    def bill(self) -> Bill:
        """The bill that was paid late."""
        return self.standing.bill


def rate_kind(participant: Participant) -> str:
    """Which rate holds: persons owe the statutory one, whoever is in business or a public body the commercial one."""
    private = participant.legal_form == Participant.LegalForm.PERSON and not participant.vat_payer
    return InterestRate.Kind.STATUTORY if private else InterestRate.Kind.COMMERCIAL


def rates() -> dict[str, list[Rate]]:
    """All rates by kind, in the order of days."""
    found: dict[str, list[Rate]] = defaultdict(list)
    for rate in InterestRate.objects.order_by("valid_from"):
        found[rate.kind].append(Rate(rate.valid_from, rate.percent))
    return found


def late_interest(cluster: Cluster, today: date, **wanted: object) -> list[LateInterest]:
    """Interest up to yesterday of all bills that are late or were; interest bears none. Raises BillingError."""
    known = rates()
    paid_late = Allocation.objects.filter(cluster=cluster, bill=OuterRef("pk"), paid_on__gt=OuterRef("due_on"))
    which = Q(payable_pln__gt=F("paid_pln")) | Q(Exists(paid_late))
    bills = standings(cluster, today, which, payable_pln__gt=0, due_on__lt=today, **wanted)
    late = [each for each in bills if each.late_from < today]
    late.sort(key=lambda each: (each.late_from, each.bill.pk))
    pks = [each.bill.pk for each in late]
    interest = set(
        Document.objects.filter(cluster=cluster, bill__in=pks, kind=DocumentKind.INTEREST).values_list(
            "bill", flat=True
        )
    )
    payments: dict[int, list[tuple[date, Decimal]]] = defaultdict(list)
    rows = Allocation.objects.filter(cluster=cluster, bill__in=pks)
    for bill, day, amount in rows.values_list("bill", "paid_on", "amount_pln"):
        payments[bill].append((day, amount))
    decided: dict[int, date] = {}
    done = InterestDecision.objects.filter(cluster=cluster, bill__in=pks).order_by("valid_to")
    decided.update(done.values_list("bill", "valid_to"))
    found = []
    for each in late:
        if each.bill.pk in interest:
            continue
        first = max(each.late_from, decided.get(each.bill.pk, each.late_from))
        kind = rate_kind(each.bill.participant)
        spans = interest_spans(each.bill.payable_pln, payments[each.bill.pk], known[kind], first, today)
        amount = interest_pln(spans)
        if amount:
            found.append(LateInterest(each, kind, first, spans[-1].end, tuple(spans), amount))
    return found


@dataclass(frozen=True, slots=True)
class Overdue:
    """An unpaid bill with its reminders: `due` is the step to send today, None if none is.

    `reachable`: there is an address to send it to.
    """

    standing: BillStanding
    sent: Mapping[Step, date]
    paused: str
    due: Step | None
    reachable: bool


def terms_on(cluster: Cluster, day: date) -> ReminderTerms | None:
    """The days of reminders in force."""
    return ReminderTerms.objects.filter(cluster=cluster, valid_from__lte=day).order_by("-valid_from").first()


def overdue(cluster: Cluster, today: date, **wanted: object) -> list[Overdue]:
    """All bills that are late today, the longest first; `wanted` narrows them down."""
    unpaid = Q(payable_pln__gt=F("paid_pln")) & Q(payable_pln__gt=0, due_on__lt=today)
    found = [each for each in standings(cluster, today, unpaid, **wanted) if each.state == "overdue"]
    pks = [each.bill.pk for each in found]
    sent: dict[int, dict[Step, date]] = defaultdict(dict)
    reminders = PaymentReminder.objects.filter(cluster=cluster, bill__in=pks)
    for bill, number, day in reminders.values_list("bill", "step", "sent_on"):
        sent[bill][Step(number)] = day
    paused: dict[int, str] = {}
    for pause in ReminderPause.objects.filter(cluster=cluster, bill__in=pks).order_by("pk"):
        paused[pause.bill_id] = pause.reason if pause.paused else ""
    terms = terms_on(cluster, today)
    days = step_days(terms) if terms else None
    reached = _with_login(cluster, {each.bill.participant_id for each in found})
    rows = []
    for each in sorted(found, key=lambda each: (each.late_from, each.bill.pk)):
        reason = paused.get(each.bill.pk, "")
        step = step_due(each.bill.due_on, sent[each.bill.pk], days, today) if days and not reason else None
        who = each.bill.participant
        rows.append(Overdue(each, sent[each.bill.pk], reason, step, bool(who.email) or who.pk in reached))
    return rows


def acting(cluster_id: int, participants: Iterable[int]) -> QuerySet[Membership]:
    """Logins that act for these participants, and are written to about what is late."""
    levels = [Membership.Level.FULL, Membership.Level.ACT]
    return Membership.objects.filter(
        cluster=cluster_id, participant__in=participants, user__is_active=True, level__in=levels
    )


def _with_login(cluster: Cluster, participants: set[int]) -> set[int]:
    return {pk for pk in acting(cluster.pk, participants).values_list("participant", flat=True) if pk}


def step_days(terms: ReminderTerms) -> StepDays:
    """As the rule wants them."""
    return StepDays(terms.friendly_days, terms.second_days, terms.final_days, terms.demand_days)
