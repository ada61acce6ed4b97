"""What is owed to participants is approved, put into one file for the bank, and paid once."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from billing.domain.errors import BillingError
from billing.domain.transfer_text import LONGEST_TITLE, bank_text
from billing.formats.bank_fields import account_of, is_iban
from billing.formats.pain001 import Payout, sepa_file
from billing.models import BankTransaction, Bill, PayoutApproval, PayoutBatch, PayoutItem
from billing.selectors.payments import own_bills
from billing.services.locks import lock_payments
from billing.services.payments import match_by_hand
from participants.models import Cluster, Coordinator

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Owed:
    """A bill that is owed to the participant [PLN, positive]; `problem`: why it can't be paid out, empty if it can."""

    bill: Bill
    amount_pln: Decimal
    iban: str
    approved: bool
    problem: str


def owed(cluster: Cluster) -> list[Owed]:
    """All that is still owed and in no file, in the order of due days; participants without an account included."""
    mine = {"cluster": OuterRef("cluster"), "bill": OuterRef("pk")}
    bills = (
        own_bills(cluster.pk)
        .filter(~Exists(PayoutItem.objects.filter(**mine)), payable_pln__lt=0)
        .annotate(approved=Exists(PayoutApproval.objects.filter(**mine)))
        .select_related("participant")
        .order_by("due_on", "participant__code", "pk")
    )
    found = []
    for bill in bills:
        amount = bill.paid_pln - bill.payable_pln
        if amount > 0:
            iban = account_of(bill.participant.iban)
            problem = "" if is_iban(iban) else "no_account" if not iban else "wrong_account"
            found.append(Owed(bill, amount, iban, bill.approved, problem))
    return found


@transaction.atomic
def approve_payouts(cluster: Cluster, bills: set[int] | None, user_id: int, now: datetime) -> int:
    """Approve those of the bills (None: of all) that can be paid out; returns how many are newly approved."""
    lock_payments(cluster.pk)
    waiting = [each for each in owed(cluster) if not each.approved and not each.problem]
    fresh = [each for each in waiting if bills is None or each.bill.pk in bills]
    PayoutApproval.objects.bulk_create(
        PayoutApproval(cluster=cluster, bill=each.bill, user_id=user_id, at=now) for each in fresh
    )
    return len(fresh)


@transaction.atomic
def make_payout_file(cluster: Cluster, execution_on: date, user_id: int, now: datetime) -> PayoutBatch:
    """One file of all that is approved and in no file yet. Raises BillingError if nothing is, or no bank takes it."""
    lock_payments(cluster.pk)
    approved = [each for each in owed(cluster) if each.approved and not each.problem]
    if not approved:
        raise BillingError("no payout is approved that is in no file yet")
    payer = Coordinator.objects.get(cluster=cluster)
    number = (PayoutBatch.objects.filter(cluster=cluster).aggregate(last=Max("number"))["last"] or 0) + 1
    items = [
        PayoutItem(
            cluster=cluster, bill=each.bill, amount_pln=each.amount_pln, iban=each.iban,
            name=each.bill.participant.name, title=_title(each.bill),
        )
        for each in approved
    ]  # fmt: skip
    payouts = [Payout(item.bill.reference, item.name, item.iban, item.amount_pln, item.title) for item in items]
    name = f"{cluster.slug}-{now:%Y%m%d}-{number}"
    content = sepa_file(name, payer.name, account_of(payer.iban), execution_on, now, payouts)
    batch = PayoutBatch.objects.create(
        cluster=cluster, number=number, execution_on=execution_on, count=len(items),
        total_pln=sum((item.amount_pln for item in items), ZERO), content=content,
        sha256=hashlib.sha256(content).hexdigest(), user_id=user_id, at=now,
    )  # fmt: skip
    for item in items:
        item.batch = batch
    PayoutItem.objects.bulk_create(items)
    return batch


@transaction.atomic
def mark_paid(batch: PayoutBatch, paid_on: date, user_id: int, now: datetime) -> int:
    """Book those transfers of a file that no bank statement has confirmed; returns how many.

    For who brings no bank files: each becomes a bank transaction entered by hand. Raises BillingError for a day before
    the file was made or in the future.
    """
    lock_payments(batch.cluster_id)
    if not batch.at.date() <= paid_on <= now.date():
        raise BillingError(f"{paid_on} does not lie between the day of the file and today")
    account = account_of(Coordinator.objects.get(cluster=batch.cluster_id).iban)
    still = {
        each.pk: each.payable_pln - each.paid_pln for each in own_bills(batch.cluster_id).filter(payable_pln__lt=0)
    }
    count = 0
    for item in batch.items.select_related("bill"):
        if still.get(item.bill_id, ZERO) != -item.amount_pln:
            continue
        row = BankTransaction.objects.create(
            cluster_id=batch.cluster_id, account=account, booked_on=paid_on, amount_pln=-item.amount_pln,
            partner_name=item.name, partner_account=item.iban, title=item.title, fingerprint=f"payout-{item.pk}",
        )  # fmt: skip
        match_by_hand(row, [item.bill_id], None, user_id, now)
        count += 1
    return count


def confirmed(cluster: Cluster, batches: Iterable[PayoutBatch]) -> Counter[int]:
    """How many transfers of each file (by its id) are booked."""
    items = dict(PayoutItem.objects.filter(cluster=cluster, batch__in=list(batches)).values_list("bill", "batch"))
    bills = own_bills(cluster.pk).filter(pk__in=items)
    return Counter(items[bill.pk] for bill in bills if bill.paid_pln == bill.payable_pln)


def _title(bill: Bill) -> str:
    return bank_text(f"Rozliczenie {bill.reference}", LONGEST_TITLE)
