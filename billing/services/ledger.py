"""Posting to the ledger; nothing is changed afterwards, a mistake is reversed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Max

from billing.domain.errors import BillingError
from billing.domain.ledger import AccountKey, AccountKind
from billing.models import Account, Document, JournalEntry, Posting
from clearing.models import ExternalSettlement

LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An entry to be posted: what it posts on each account [PLN, debit positive], and the month it belongs to."""

    booked_on: date
    text: str
    amounts: Mapping[AccountKey, Decimal]
    document: Document | None = None
    reverses: JournalEntry | None = None
    period: date | None = None
    settlement: ExternalSettlement | None = None


def post(
    cluster_id: int, booked_on: date, text: str, amounts: Mapping[AccountKey, Decimal], now: datetime, *,
    user_id: int | None = None, document: Document | None = None, reverses: JournalEntry | None = None,
) -> JournalEntry:  # fmt: skip
    """One entry with a posting an account (debit positive); raises BillingError if they do not sum to zero."""
    draft = EntryDraft(booked_on, text, amounts, document, reverses)
    return post_all(cluster_id, [draft], now, user_id)[0]


@transaction.atomic
def post_all(
    cluster_id: int, drafts: Sequence[EntryDraft], now: datetime, user_id: int | None = None
) -> list[JournalEntry]:
    """The entries, in this order; raises BillingError if one does not sum to zero, and then none is posted."""
    for draft in drafts:
        remains = sum(draft.amounts.values(), Decimal(0))
        if remains != 0 or not any(draft.amounts.values()):
            raise BillingError(f"'{draft.text}' can't be posted: {remains} PLN remain")
    lock_journal(cluster_id)
    last = JournalEntry.objects.filter(cluster=cluster_id).aggregate(last=Max("number"))["last"] or 0
    entries = JournalEntry.objects.bulk_create(
        JournalEntry(
            cluster_id=cluster_id, number=number, booked_on=draft.booked_on, text=draft.text[:LONGEST_TEXT],
            document=draft.document, reverses=draft.reverses, period=draft.period, settlement=draft.settlement,
            posted_at=now, user_id=user_id,
        )
        for number, draft in enumerate(drafts, start=last + 1)
    )  # fmt: skip
    accounts = accounts_of(cluster_id, (key for draft in drafts for key in draft.amounts))
    Posting.objects.bulk_create(
        Posting(cluster_id=cluster_id, entry=entry, account_id=accounts[key], amount_pln=amount)
        for entry, draft in zip(entries, drafts, strict=True)
        for key, amount in draft.amounts.items()
        if amount
    )
    return entries


def lock_journal(cluster_id: int) -> None:
    """One transaction at a time posts, until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"journal {cluster_id}"])


def reverse(entry: JournalEntry, booked_on: date, text: str, now: datetime, user_id: int | None = None) -> JournalEntry:
    """The entry that takes `entry` back; raises BillingError for one that is taken back already."""
    if JournalEntry.objects.filter(cluster=entry.cluster_id, reverses=entry).exists():
        raise BillingError(f"entry {entry.number} is taken back already")
    postings = entry.postings.select_related("account")
    amounts = {each.account.key: -each.amount_pln for each in postings}
    return post(entry.cluster_id, booked_on, text, amounts, now, user_id=user_id, reverses=entry)


def accounts_of(cluster_id: int, keys: Iterable[AccountKey]) -> dict[AccountKey, int]:
    """Ids of these accounts; those that are missing are opened."""
    wanted = list(dict.fromkeys(keys))
    found = _stored(cluster_id, wanted)
    missing = [key for key in wanted if key not in found]
    if missing:
        rows = [Account(cluster_id=cluster_id, kind=kind, **_owner(kind, owner)) for kind, owner in missing]
        Account.objects.bulk_create(rows, ignore_conflicts=True)
        found = _stored(cluster_id, wanted)
    return found


def _stored(cluster_id: int, keys: Iterable[AccountKey]) -> dict[AccountKey, int]:
    rows = Account.objects.filter(cluster=cluster_id, kind__in={kind for kind, _ in keys})
    return {row.key: row.pk for row in rows}


def _owner(kind: AccountKind, owner: int | None) -> dict[str, int | None]:
    return {"partner_id" if kind == AccountKind.PARTNER else "participant_id": owner}
