"""What is open: bills with what was paid of them, transfers that wait, credit, and known accounts."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.domain.bill_state import BillState, state_of
from billing.domain.interest import late_from
from billing.domain.matching import OpenBill, Payment
from billing.models import Allocation, BankTransaction, Bill, Document, PaymentMatch
from metering.domain.calendar import public_holidays
from participants.models import Cluster, Participant

ZERO = Decimal("0.00")
SATURDAY = 6


def own_bills(cluster_id: int) -> QuerySet[Any]:
    """What the coordinator asks or owes, with `paid_pln`; the distributor's own bills are paid to the distributor."""
    return Bill.objects.filter(cluster=cluster_id, dso=None).annotate(
        paid_pln=Coalesce(Sum("allocations__amount_pln"), ZERO)
    )


def open_bills(cluster_id: int, **wanted: object) -> list[OpenBill]:
    """All bills that money can be matched with, and those that are paid, so that a second payment is seen as one."""
    bills = list(own_bills(cluster_id).filter(**wanted).exclude(payable_pln=0))
    numbers = defaultdict(list)
    documents = (
        Document.objects.filter(cluster=cluster_id, bill__in=bills)
        if wanted
        else Document.objects.filter(cluster=cluster_id)
    )
    for bill, number in documents.values_list("bill", "number"):
        numbers[bill].append(number)
    return [
        OpenBill(
            bill.pk, bill.participant_id, (bill.reference, *numbers[bill.pk]), bill.due_on,
            bill.payable_pln - bill.paid_pln, bill.issued_on,
        )
        for bill in bills
    ]  # fmt: skip


def payments_of(transactions: Iterable[BankTransaction]) -> list[Payment]:
    """As matching wants them."""
    return [Payment(row.pk, row.booked_on, row.amount_pln, row.title, row.partner_account) for row in transactions]


def with_match(cluster_id: int) -> QuerySet[Any]:
    """Bank transactions with `matched_by`, how the latest match has it (None: never matched)."""
    latest = PaymentMatch.objects.filter(cluster=OuterRef("cluster"), transaction=OuterRef("pk")).order_by("-number")
    return BankTransaction.objects.filter(cluster=cluster_id).annotate(matched_by=Subquery(latest.values("how")[:1]))


def waiting(cluster_id: int) -> QuerySet[Any]:
    """Those that somebody must look at, the oldest first."""
    rows = with_match(cluster_id)
    undone = rows.filter(matched_by=PaymentMatch.How.UNDO)
    return (rows.filter(matched_by=None) | undone).order_by("booked_on", "pk")


def never_matched(cluster_id: int) -> QuerySet[BankTransaction]:
    """Those that nobody has decided on: what a person took back is not matched by itself again."""
    matches = PaymentMatch.objects.filter(cluster=OuterRef("cluster"), transaction=OuterRef("pk"))
    return BankTransaction.objects.filter(~Exists(matches), cluster=cluster_id).order_by("booked_on", "pk")


def known_accounts(cluster_id: int) -> dict[str, frozenset[int]]:
    """Whose account it is: as participants gave it, or as their bills were paid from it before."""
    found: dict[str, set[int]] = defaultdict(set)
    for pk, iban in Participant.objects.filter(cluster=cluster_id).exclude(iban="").values_list("pk", "iban"):
        found[iban].add(pk)
    paid = Allocation.objects.filter(
        cluster=cluster_id, amount_pln__gt=0, match__how__in=[PaymentMatch.How.NUMBER, PaymentMatch.How.HAND]
    ).exclude(match__transaction__partner_account="")
    for account, pk in paid.values_list("match__transaction__partner_account", "bill__participant").distinct():
        found[account].add(pk)
    return {account: frozenset(people) for account, people in found.items()}


@dataclass(frozen=True, slots=True)
class Credit:
    """What a participant paid, or was paid, beyond its bills, of one transaction [PLN, signed as the transaction]."""

    match: int
    participant: int
    booked_on: date
    amount_pln: Decimal


def credits(cluster_id: int, participants: Iterable[int] | None = None) -> list[Credit]:
    """All that is left of transactions, the oldest first."""
    later = PaymentMatch.objects.filter(
        cluster=OuterRef("cluster"), transaction=OuterRef("transaction"), number__gt=OuterRef("number")
    )
    given = (
        Allocation.objects.filter(cluster=OuterRef("cluster"), match__transaction=OuterRef("transaction"))
        .order_by().values("match__transaction").annotate(sum=Sum("amount_pln")).values("sum")
    )  # fmt: skip
    rows = PaymentMatch.objects.filter(~Exists(later), cluster=cluster_id, credit_of__isnull=False).exclude(
        how=PaymentMatch.How.UNDO
    )
    if participants is not None:
        rows = rows.filter(credit_of__in=list(participants))
    rows = rows.annotate(left=F("transaction__amount_pln") - Coalesce(Subquery(given), ZERO)).exclude(left=0)
    ordered = rows.order_by("transaction__booked_on", "pk")
    return [Credit(*row) for row in ordered.values_list("pk", "credit_of", "transaction__booked_on", "left")]


def net_credits(held: Iterable[Credit]) -> dict[int, Decimal]:
    """By participant, what was paid too much less what was paid back by hand [PLN]; those that are even left out."""
    sums: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for credit in held:
        sums[credit.participant] += credit.amount_pln
    return {participant: amount for participant, amount in sums.items() if amount}


@dataclass(frozen=True, slots=True)
class BillStanding:
    """A bill, what was paid of it and how it stands."""

    bill: Bill
    paid_pln: Decimal
    open_pln: Decimal
    late_from: date
    state: BillState


#: Bills of which something is open, among `own_bills`.
UNPAID = ~Q(paid_pln=F("payable_pln"))


def paid_after_it_was_due() -> Exists:
    """Whether something of a bill was paid on a later day than it was due."""
    return Exists(
        Allocation.objects.filter(cluster=OuterRef("cluster"), bill=OuterRef("pk"), paid_on__gt=OuterRef("due_on"))
    )


def standings(cluster: Cluster, today: date, *conditions: Q, **wanted: object) -> list[BillStanding]:
    """How bills stand, the newest first; `conditions` and `wanted` narrow them down (`participant=…`)."""
    holidays = public_holidays(cluster.holidays)

    def is_free(day: date) -> bool:
        return day.isoweekday() >= SATURDAY or day in holidays

    found = []
    bills = own_bills(cluster.pk).filter(*conditions, **wanted).select_related("participant")
    for bill in bills.order_by("-issued_on", "-pk"):
        late = late_from(bill.due_on, is_free)
        state = state_of(bill.payable_pln, bill.paid_pln, late, today)
        found.append(BillStanding(bill, bill.paid_pln, bill.payable_pln - bill.paid_pln, late, state))
    return found
