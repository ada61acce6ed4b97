"""Trial balance, statements of account, journal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet, Sum

from billing.domain.documents import ZERO
from billing.domain.ledger import AccountKind
from billing.formats.journal_table import JournalLine
from billing.models import Account, JournalEntry, Posting
from clearing.models import ExternalSettlement


def trial_balance(cluster_id: int) -> list[tuple[Account, Decimal]]:
    """Every account with its balance [PLN, debit positive]; they sum to zero."""
    return balances(cluster_id, accounts_in_order(cluster_id))


def accounts_in_order(cluster_id: int) -> QuerySet[Account]:
    """All accounts with whose they are: by kind, then by participant's number or partner's name."""
    rows = Account.objects.filter(cluster=cluster_id).select_related("participant", "partner")
    return rows.order_by("kind", "participant__code", "partner__name")


def balances(cluster_id: int, accounts: Iterable[Account]) -> list[tuple[Account, Decimal]]:
    """These accounts with their balances [PLN, debit positive]."""
    rows = list(accounts)
    postings = Posting.objects.filter(cluster=cluster_id, account__in=[row.pk for row in rows])
    sums = dict(postings.order_by().values_list("account").annotate(sum=Sum("amount_pln")))
    return [(row, sums.get(row.pk, ZERO)) for row in rows]


def owed_by_participants(cluster_id: int) -> Decimal:
    """The balance of all participants' accounts together [PLN]."""
    rows = Posting.objects.filter(cluster=cluster_id, account__kind=AccountKind.PARTICIPANT)
    return rows.aggregate(sum=Sum("amount_pln"))["sum"] or ZERO


def unposted_settlements(cluster_id: int) -> list[ExternalSettlement]:
    """Approved settlements with external partners that no entry posts, each version after the one that it replaces."""
    posted = JournalEntry.objects.filter(cluster=cluster_id, settlement=OuterRef("pk"))
    rows = ExternalSettlement.objects.filter(
        ~Exists(posted), cluster=cluster_id, state=ExternalSettlement.State.APPROVED
    )
    return list(rows.select_related("partner", "replaces").order_by("period", "direction", "partner", "revision"))


@dataclass(frozen=True, slots=True)
class AccountLine:
    """A posting on a participant's account; `balance_pln`: what the participant owes after it (negative: is owed)."""

    booked_on: date
    text: str
    document: str
    bill: int | None
    amount_pln: Decimal
    balance_pln: Decimal


def statement_of_account(cluster_id: int, participant_id: int) -> list[AccountLine]:
    """All postings of a participant's account in the order of entries."""
    rows = Posting.objects.filter(
        cluster=cluster_id, account__kind=AccountKind.PARTICIPANT, account__participant=participant_id
    ).order_by("entry__booked_on", "entry__number")
    balance, found = ZERO, []
    for day, text, document, bill, amount in rows.values_list(
        "entry__booked_on", "entry__text", "entry__document__number", "entry__document__bill", "amount_pln"
    ):
        balance += amount
        found.append(AccountLine(day, text, document or "", bill, amount, balance))
    return found


def journal(cluster_id: int, first: date, end: date) -> Iterator[JournalLine]:
    """The postings of the local days `[first, end)`, one by one."""
    rows = Posting.objects.filter(cluster=cluster_id, entry__booked_on__gte=first, entry__booked_on__lt=end)
    values = rows.order_by("entry__number", "-amount_pln", "account").values_list(
        "entry__number", "entry__booked_on", "entry__text", "entry__document__number", "account__kind",
        "account__participant__code", "account__participant__name", "account__partner__name", "amount_pln",
    )  # fmt: skip
    for number, day, text, document, kind, code, name, partner, amount in values.iterator(chunk_size=2000):
        title = name or partner or str(Account.Kind(kind).label)
        yield JournalLine(number, day, text, document or "", kind, title, code or "", amount)
