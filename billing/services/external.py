"""Approved settlements with suppliers and buyers come into the ledger, each once."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.domain.documents import ZERO
from billing.domain.ledger import AccountKind, partner_postings
from billing.models import JournalEntry
from billing.selectors.ledger import unposted_settlements
from billing.services.ledger import EntryDraft, lock_journal, post_all
from clearing.models import ExternalSettlement
from metering.domain.calendar import format_period, local_day, time_zone
from participants.models import Cluster


@transaction.atomic
def post_settlements(cluster: Cluster, now: datetime, user_id: int | None = None) -> list[JournalEntry]:
    """Post the invoices of approved settlements that are not posted yet, today. Safe to repeat; needs the scope.

    A correcting version posts what it differs by from the one that it replaces; if by nothing, it posts nothing.
    """
    lock_journal(cluster.pk)
    today = local_day(now, time_zone(cluster.timezone))
    drafts = []
    for row in unposted_settlements(cluster.pk):
        net, vat = _invoiced(row)
        if row.replaces:
            before = _invoiced(row.replaces)
            net, vat = net - before[0], vat - before[1]
        amounts = partner_postings(row.direction, net, vat)
        if amounts:
            keyed = {(kind, row.partner_id if kind == AccountKind.PARTNER else None): amounts[kind] for kind in amounts}
            drafts.append(EntryDraft(today, _text(row), keyed, settlement=row))
    return post_all(cluster.pk, drafts, now, user_id)


def _invoiced(row: ExternalSettlement) -> tuple[Decimal, Decimal]:
    """Net total and VAT of its invoice."""
    return row.invoice_net_pln or ZERO, row.invoice_vat_pln or ZERO


def _text(row: ExternalSettlement) -> str:
    period, number = format_period(row.period), row.invoice_number
    if row.replaces:
        return f"external settlement {period}, version {row.revision}, invoice {number}"
    return f"external settlement {period}, invoice {number}"
