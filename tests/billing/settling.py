"""Bills and transfers to be settled."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from django.db.models import Sum

from billing.domain.documents import DocumentKind
from billing.models import BankFile, BankTransaction, Bill, Posting
from billing.services.bills import BillDraft, issue
from participants.models import Participant
from tests.billing.bills import FIRST, HOUSEHOLD, bill, document, line
from tests.cast import Cast

DAY = dt.date(2026, 7, 14)
NOW = dt.datetime(2026, 7, 14, 12, tzinfo=dt.UTC)
DUE = dt.date(2026, 7, 16)


def add_bill(
    cast: Cast, participant: Participant, payable: str, due_on: dt.date = DUE, by_distributor: bool = False
) -> Bill:
    """A bill with one document outside VAT: a sale, or where it is owed to the participant a note."""
    amount = Decimal(payable)
    kind = DocumentKind.GRID if by_distributor else DocumentKind.NOTE if amount < 0 else DocumentKind.SALE
    party = replace(HOUSEHOLD, code=participant.code, name=participant.name)
    content = bill("", document(kind, "", line(1, f"{abs(amount)}", vat_rate=None), party=party), party=party)
    content = replace(content, due_on=due_on)
    dso = cast.cluster.dso_id if by_distributor else None
    (issued,) = issue(cast.cluster, [BillDraft(content, participant, FIRST, dso)], NOW)
    return issued


def transfer(cast: Cast, amount: str, title: str, account: str = "", day: dt.date = DAY) -> BankTransaction:
    """A booking of a bank file."""
    fields = {"sha256": "f" * 64, "received_at": NOW, "user": cast.coordinator, "state": "stored"}
    file = BankFile.objects.get_or_create(cluster=cast.cluster, name="july.csv", defaults=fields)[0]
    number = BankTransaction.objects.count() + 1
    return BankTransaction.objects.create(
        cluster=cast.cluster, file=file, account="PL88999999990000000000000900", booked_on=day,
        amount_pln=Decimal(amount), partner_account=account, title=title, fingerprint=f"test-{number}",
    )  # fmt: skip


def account_of(cast: Cast, participant: Participant) -> Decimal:
    """The participant's balance in the ledger: positive is owed by it."""
    rows = Posting.objects.filter(account__kind="participant", account__participant=participant)
    return rows.aggregate(sum=Sum("amount_pln"))["sum"] or Decimal(0)
