"""What is open: bills with what was paid of them, transfers that wait, credit, and known accounts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import CharField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import In

from billing.domain.bill_state import BillState, state_of
from billing.domain.interest import late_from
from billing.domain.ledger import AccountKey, AccountKind
from billing.domain.matching import OpenBill, Payment, digits_in
from billing.models import Allocation, BankTransaction, Bill, Document, PaymentMatch
from contracts.models import ExternalPartner
from metering.domain.calendar import public_holidays
from participants.models import Cluster, Participant

ZERO = Decimal("0.00")
SATURDAY = 6


def own_bills(cluster_id: int) -> QuerySet[Any]:
    """What the coordinator asks or owes, with `paid_pln`; the distributor's own bills are paid to the distributor.

    Without what only their papers need, so that many can be read.
    """
    bills = Bill.objects.filter(cluster=cluster_id, dso=None).defer("creditor", "party", "energy", "promises")
    return bills.annotate(paid_pln=Coalesce(Sum("allocations__amount_pln"), ZERO))


def open_bills(cluster_id: int, *which: Q, **wanted: object) -> list[OpenBill]:
    """Bills that money can be matched with, and those that are paid, so that a second payment is seen as one."""
    bills = list(own_bills(cluster_id).filter(*which, **wanted).exclude(payable_pln=0))
    numbers = defaultdict(list)
    documents = Document.objects.filter(cluster=cluster_id, bill__in=bills)
    for bill, number in documents.values_list("bill", "number"):
        numbers[bill].append(number)
    return [
        OpenBill(
            bill.pk, bill.participant_id, (bill.reference, *numbers[bill.pk]), bill.due_on,
            bill.payable_pln - bill.paid_pln, bill.issued_on,
        )
        for bill in bills
    ]  # fmt: skip


def bills_for(cluster_id: int, payments: Sequence[Payment], accounts: Mapping[str, frozenset[int]]) -> list[OpenBill]:
    """Those of all bills that can decide what becomes of the payments, however many others there are.

    They are named in a title, belong to the owner of an account (`known_accounts`), or have such an amount open.
    """
    digits = digits_in(payment.title for payment in payments)
    documents = Document.objects.filter(_has_digits("number", digits), cluster=cluster_id)
    amounts = {payment.amount_pln for payment in payments}
    fits = own_bills(cluster_id).annotate(open_pln=F("payable_pln") - F("paid_pln")).filter(open_pln__in=amounts)
    which = (
        _has_digits("reference", digits)
        | Q(pk__in=documents.values("bill"))
        | Q(participant__in={owner for owners in accounts.values() for owner in owners})
        | Q(pk__in=fits.values("pk"))
    )
    pks = Bill.objects.filter(which, cluster=cluster_id, dso=None).values("pk")
    return open_bills(cluster_id, pk__in=pks)


def _has_digits(field: str, digits: frozenset[str]) -> Q:
    """The last run of digits in the field, without zeros before it, or all its digits are among these."""
    run = Func(F(field), Value(r"(\d+)\D*$"), function="substring")
    last = Func(run, Value("0"), function="ltrim", output_field=CharField())
    every = Func(F(field), Value(r"\D"), Value(""), Value("g"), function="regexp_replace", output_field=CharField())
    return Q(In(last, list(digits))) | Q(In(every, list(digits)))


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


def known_accounts(cluster_id: int, payments: Iterable[Payment]) -> dict[str, frozenset[int]]:
    """Whose the payments' accounts are: as participants gave them, or as their bills were paid from them before."""
    accounts = {payment.account for payment in payments if payment.account}
    found: dict[str, set[int]] = defaultdict(set)
    people = Participant.objects.filter(cluster=cluster_id, iban__in=accounts)
    for pk, iban in people.values_list("pk", "iban"):
        found[iban].add(pk)
    by_person = [PaymentMatch.How.NUMBER, PaymentMatch.How.HAND]
    paid = Allocation.objects.filter(
        cluster=cluster_id, amount_pln__gt=0, match__how__in=by_person, match__transaction__partner_account__in=accounts
    )
    for account, pk in paid.values_list("match__transaction__partner_account", "bill__participant").distinct():
        found[account].add(pk)
    return {account: frozenset(people) for account, people in found.items()}


def outside_accounts(cluster: Cluster, payments: Iterable[Payment]) -> dict[str, AccountKey]:
    """On which account of the ledger payments of these bank accounts are booked, if none of a participant's.

    Those of the distributor and of external partners as they are registered, else as a person booked the last one; an
    account of two partners is left out.
    """
    accounts = {payment.account for payment in payments if payment.account}
    found: dict[str, set[AccountKey]] = defaultdict(set)
    if cluster.dso.iban in accounts:
        found[cluster.dso.iban].add((AccountKind.DISTRIBUTOR, None))
    partners = ExternalPartner.objects.filter(cluster=cluster, iban__in=accounts)
    for pk, iban in partners.values_list("pk", "iban"):
        found[iban].add((AccountKind.PARTNER, pk))
    by_person = (
        PaymentMatch.objects.filter(cluster=cluster, transaction__partner_account__in=accounts - set(found))
        .exclude(user=None).select_related("account", "transaction").order_by("transaction__partner_account", "-pk")
        .distinct("transaction__partner_account")
    )  # fmt: skip
    for row in by_person:
        if row.account and row.account.kind in (AccountKind.DISTRIBUTOR, AccountKind.PARTNER):
            found[row.transaction.partner_account].add(row.account.key)
    return {iban: keys.pop() for iban, keys in found.items() if len(keys) == 1}


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


def standings(cluster: Cluster, today: date, *which: Q, **wanted: object) -> list[BillStanding]:
    """How bills stand, the newest first; `which` and `wanted` narrow them down (`participant=…`)."""
    holidays = public_holidays(cluster.holidays)

    def is_free(day: date) -> bool:
        return day.isoweekday() >= SATURDAY or day in holidays

    found = []
    bills = own_bills(cluster.pk).filter(*which, **wanted).select_related("participant").order_by("-issued_on", "-pk")
    for bill in bills:
        late = late_from(bill.due_on, is_free)
        state = state_of(bill.payable_pln, bill.paid_pln, late, today)
        found.append(BillStanding(bill, bill.paid_pln, bill.payable_pln - bill.paid_pln, late, state))
    return found
