"""The distributor's invoices are noted, and their VAT posted; the net total was posted when members were billed."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from billing.domain.errors import BillingError
from billing.domain.ledger import AccountKey, AccountKind
from billing.models import BillingPeriod, DistributorInvoice
from billing.selectors.grid_fees import invoices_noted
from billing.services.ledger import lock_journal, post, reverse
from clearing.services.external import Invoice
from contracts.domain.money import is_vat_of
from metering.domain.calendar import format_period, local_day, time_zone
from participants.models import Cluster


@transaction.atomic
def note_invoice(cluster: Cluster, period: date, invoice: Invoice, user_id: int, now: datetime) -> DistributorInvoice:
    """Note an invoice of a closed month and post its VAT, today. Raises BillingError; then nothing is stored."""
    lock_journal(cluster.pk)
    number = invoice.number.strip()
    if not number:
        raise BillingError("the distributor's invoice has no number")
    if not invoice.vat_pln or not is_vat_of(invoice.net_pln, invoice.vat_pln):
        raise BillingError(f"{invoice.vat_pln} PLN can't be the VAT of {invoice.net_pln} PLN")
    if not BillingPeriod.objects.filter(cluster=cluster, month=period, state=BillingPeriod.State.CLOSED).exists():
        raise BillingError(f"{format_period(period)} is not closed: its grid fees are not posted yet")
    before = list(invoices_noted(cluster.pk).filter(number=number))
    if any(not row.taken_back for row in before):
        raise BillingError(f"invoice {number} is noted already")
    amounts: dict[AccountKey, Decimal] = {
        (AccountKind.DISTRIBUTOR, None): -invoice.vat_pln,
        (AccountKind.VAT_DEDUCTIBLE, None): invoice.vat_pln,
    }
    text = f"distributor's invoice {number}, {format_period(period)}"
    entry = post(cluster.pk, local_day(now, time_zone(cluster.timezone)), text, amounts, now, user_id=user_id)
    return DistributorInvoice.objects.create(
        cluster=cluster, period=period, number=number, attempt=len(before) + 1, issued_on=invoice.date,
        net_pln=invoice.net_pln, vat_pln=invoice.vat_pln, entry=entry, noted_at=now, user_id=user_id,
    )  # fmt: skip


@transaction.atomic
def take_invoice_back(row: DistributorInvoice, user_id: int, now: datetime) -> None:
    """It was noted wrong: its entry is reversed. Raises BillingError if it was taken back before."""
    lock_journal(row.cluster_id)
    day = local_day(now, time_zone(row.cluster.timezone))
    reverse(row.entry, day, f"distributor's invoice {row.number} taken back", now, user_id)
