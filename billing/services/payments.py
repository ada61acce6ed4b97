"""Bank transactions are matched with bills and posted; what was matched wrong is taken back by a reversing entry."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Sum

from billing.domain.errors import BillingError
from billing.domain.ledger import PAID_OUTSIDE, AccountKey, AccountKind
from billing.domain.matching import Allocated, Decision, match, split
from billing.models import Allocation, BankTransaction, Bill, JournalEntry, PaymentMatch
from billing.selectors.payments import (
    bills_for,
    credits,
    known_accounts,
    net_credits,
    never_matched,
    open_bills,
    outside_accounts,
    payments_of,
)
from billing.services.ledger import accounts_of, post, reverse
from billing.services.locks import lock_payments
from metering.domain.calendar import local_day, time_zone
from participants.models import Cluster

ZERO = Decimal("0.00")
How = PaymentMatch.How


@dataclass(frozen=True, slots=True)
class MatchReport:
    """How many transactions were booked, how many wait for the accountant, how many credits paid a bill."""

    booked: int
    waiting: int
    credits_used: int


def decisions(cluster: Cluster, transactions: Iterable[BankTransaction]) -> list[Decision]:
    """What would become of these transactions now; books nothing."""
    payments = payments_of(transactions)
    accounts = known_accounts(cluster.pk, payments)
    bills = bills_for(cluster.pk, payments, accounts)
    return match(payments, bills, accounts, outside_accounts(cluster, payments))


@transaction.atomic
def match_payments(cluster: Cluster, now: datetime) -> MatchReport:
    """Book what is sure of all transactions that nobody has decided on, and let credit pay bills. Safe to repeat."""
    lock_payments(cluster.pk)
    by_pk = {row.pk: row for row in never_matched(cluster.pk)}
    booked = 0
    decided = decisions(cluster, by_pk.values())
    parts = {part.bill for decision in decided for part in decision.allocated}
    people = dict(Bill.objects.filter(cluster=cluster, pk__in=parts).values_list("pk", "participant"))
    for decision in decided:
        if decision.how is not None:
            row = by_pk[decision.payment]
            if decision.outside:
                _book_outside(row, How(decision.how), decision.outside, None, now)
            else:
                _book(row, How(decision.how), decision.allocated, decision.credit_of, people, None, now)
            booked += 1
    return MatchReport(booked, len(decided) - booked, _use_credits(cluster))


@transaction.atomic
def match_by_hand(
    row: BankTransaction, bills: Sequence[int], credit_of: int | None, user_id: int, now: datetime
) -> PaymentMatch:
    """Book a transaction on these bills, the one due first first; what is over is the credit of `credit_of`.

    Raises BillingError, then nothing is booked.
    """
    lock_payments(row.cluster_id)
    _require_waiting(row)
    chosen = sorted(open_bills(row.cluster_id, pk__in=bills), key=lambda bill: (bill.due_on, bill.key))
    if len(chosen) != len(set(bills)):
        raise BillingError("a chosen bill does not exist or has nothing to pay")
    parts, rest = split(row.amount_pln, [(bill.key, bill.open_pln) for bill in chosen])
    people = {bill.key: bill.participant for bill in chosen}
    paid = {part.bill for part in parts}
    idle = [bill.numbers[0] for bill in chosen if bill.key not in paid]
    if idle:
        raise BillingError(f"nothing of the transfer is left for {', '.join(idle)}, or it is the other way round")
    if rest and credit_of is None:
        owners = set(people.values())
        if len(owners) != 1:
            raise BillingError(f"{rest} PLN are over: choose the participant whose credit it is")
        credit_of = owners.pop()
    return _book(row, How.HAND, parts, credit_of if rest else None, people, user_id, now)


@transaction.atomic
def book_outside(row: BankTransaction, key: AccountKey, user_id: int, now: datetime) -> PaymentMatch:
    """Book a transfer that pays no bill on one of the accounts that `PAID_OUTSIDE` names; else raises BillingError."""
    lock_payments(row.cluster_id)
    _require_waiting(row)
    if key[0] not in PAID_OUTSIDE:
        raise BillingError(f"a transfer can't be booked on the account '{key[0]}'")
    return _book_outside(row, How.HAND, key, user_id, now)


@transaction.atomic
def set_aside(row: BankTransaction, reason: str, user_id: int, now: datetime) -> PaymentMatch:
    """It has nothing to do with the cluster (the coordinator's own business): nothing is posted."""
    lock_payments(row.cluster_id)
    _require_waiting(row)
    if not reason.strip():
        raise BillingError("say why the transfer is set aside")
    return _store(row, How.ASIDE, None, None, reason.strip(), user_id, now)


@transaction.atomic
def take_back(row: BankTransaction, reason: str, user_id: int, now: datetime) -> PaymentMatch:
    """Undo the match that holds: its entry is reversed, its bills are open again; the transaction waits anew."""
    lock_payments(row.cluster_id)
    last = _last(row)
    if last is None or last.how == How.UNDO:
        raise BillingError("the transfer is not matched")
    if not reason.strip():
        raise BillingError("say why the match is taken back")
    entry = None
    if last.entry:
        entry = reverse(last.entry, local_day(now, _zone(row)), f"bank transfer {row.pk} taken back", now, user_id)
    undo = _store(row, How.UNDO, None, entry, reason.strip(), user_id, now)
    given = Allocation.objects.filter(cluster=row.cluster_id, match__transaction=row)
    sums = given.order_by().values_list("bill", "paid_on").annotate(sum=Sum("amount_pln")).exclude(sum=0)
    Allocation.objects.bulk_create(
        Allocation(cluster_id=row.cluster_id, match=undo, bill_id=bill, amount_pln=-amount, paid_on=day)
        for bill, day, amount in sums
    )
    return undo


def _use_credits(cluster: Cluster) -> int:
    """Let what participants have paid too much pay what they owe, the oldest first; returns how many bills it paid.

    Nothing is posted: credit and bills stand on the same account.
    """
    held = credits(cluster.pk)
    net = net_credits(held)
    bills = defaultdict(list)
    if net:
        wanted = {"participant__in": set(net)}
        for bill in sorted(open_bills(cluster.pk, **wanted), key=lambda bill: (bill.due_on, bill.key)):
            bills[bill.participant].append(bill)
    open_pln = {bill.key: bill.open_pln for each in bills.values() for bill in each}
    rows = []
    for credit in held:
        left = net.get(credit.participant, ZERO)
        if left * credit.amount_pln <= 0:
            continue
        usable = min(left, credit.amount_pln) if left > 0 else max(left, credit.amount_pln)
        theirs = [(bill.key, open_pln[bill.key]) for bill in bills[credit.participant]]
        for part in split(usable, theirs)[0]:
            open_pln[part.bill] -= part.amount_pln
            net[credit.participant] -= part.amount_pln
            issued = next(bill.issued_on for bill in bills[credit.participant] if bill.key == part.bill)
            rows.append(
                Allocation(
                    cluster=cluster, match_id=credit.match, bill_id=part.bill, amount_pln=part.amount_pln,
                    paid_on=max(credit.booked_on, issued),
                )
            )  # fmt: skip
    Allocation.objects.bulk_create(rows)
    return len(rows)


def _book(
    row: BankTransaction, how: How, parts: Sequence[Allocated], credit_of: int | None, people: Mapping[int, int],
    user_id: int | None, now: datetime,
) -> PaymentMatch:  # fmt: skip
    """Post the transaction to the accounts of those whose bills it pays, and note which bills."""
    shares: dict[int, Decimal] = defaultdict(Decimal)
    for part in parts:
        shares[people[part.bill]] += part.amount_pln
    rest = row.amount_pln - sum(shares.values(), ZERO)
    if rest and credit_of is not None:
        shares[credit_of] += rest
    amounts: dict[AccountKey, Decimal] = {(AccountKind.PARTICIPANT, who): -amount for who, amount in shares.items()}
    amounts[AccountKind.BANK, None] = row.amount_pln
    # Who paid stands with the transfer: the journal is kept longer than names may be.
    entry = post(row.cluster_id, row.booked_on, f"bank transfer {row.pk}", amounts, now, user_id=user_id)
    found = _store(row, how, credit_of, entry, "", user_id, now)
    Allocation.objects.bulk_create(
        Allocation(
            cluster_id=row.cluster_id, match=found, bill_id=part.bill, amount_pln=part.amount_pln,
            paid_on=row.booked_on,
        )
        for part in parts
    )  # fmt: skip
    return found


def _book_outside(row: BankTransaction, how: How, key: AccountKey, user_id: int | None, now: datetime) -> PaymentMatch:
    amounts: dict[AccountKey, Decimal] = {key: -row.amount_pln, (AccountKind.BANK, None): row.amount_pln}
    entry = post(row.cluster_id, row.booked_on, f"bank transfer {row.pk}", amounts, now, user_id=user_id)
    return _store(row, how, None, entry, "", user_id, now, accounts_of(row.cluster_id, [key])[key])


def _store(
    row: BankTransaction, how: How, credit_of: int | None, entry: JournalEntry | None, reason: str,
    user_id: int | None, now: datetime, account: int | None = None,
) -> PaymentMatch:  # fmt: skip
    last = _last(row)
    return PaymentMatch.objects.create(
        cluster_id=row.cluster_id, transaction=row, number=last.number + 1 if last else 1, how=how,
        credit_of_id=credit_of, entry=entry, account_id=account, reason=reason[:200], user_id=user_id,
        at=now,
    )  # fmt: skip


def _last(row: BankTransaction) -> PaymentMatch | None:
    return PaymentMatch.objects.filter(cluster=row.cluster_id, transaction=row).order_by("number").last()


def _require_waiting(row: BankTransaction) -> None:
    last = _last(row)
    if last is not None and last.how != How.UNDO:
        raise BillingError("the transfer is matched already; take that back first")


def _zone(row: BankTransaction) -> ZoneInfo:
    return time_zone(row.cluster.timezone)
