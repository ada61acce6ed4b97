"""Statements of a month: exact lines and the two promises. A changed result is a new revision."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.bill_models import Bill, Document, DocumentLine, NumberSeries
from billing.delivery_models import BillDelivery, BillOpening, BillPaper
from billing.distributor_models import DistributorInvoice
from billing.einvoice_models import EInvoice
from billing.ledger_models import Account, JournalEntry, Posting
from billing.payment_models import BankFile, BankTransaction, InterestRate, ReminderTerms
from billing.period_models import BillingPeriod, BillingTerms
from billing.relief_models import ReliefMonth
from billing.settling_models import (
    Allocation,
    InterestDecision,
    PaymentMatch,
    PaymentReminder,
    PayoutApproval,
    PayoutBatch,
    PayoutItem,
    ReminderPause,
)
from metering.models import MeteringPoint
from participants.models import Participant
from participants.tenancy.models import BulkTenantModel, TenantForeignKey, TenantModel

__all__ = [
    "Account",
    "Allocation",
    "BankFile",
    "BankTransaction",
    "Bill",
    "BillDelivery",
    "BillOpening",
    "BillPaper",
    "BillingPeriod",
    "BillingTerms",
    "DistributorInvoice",
    "Document",
    "DocumentLine",
    "EInvoice",
    "InterestDecision",
    "InterestRate",
    "JournalEntry",
    "NumberSeries",
    "PaymentMatch",
    "PaymentReminder",
    "PayoutApproval",
    "PayoutBatch",
    "PayoutItem",
    "Posting",
    "Promise",
    "ReliefMonth",
    "ReminderPause",
    "ReminderTerms",
    "Side",
    "Statement",
    "StatementLine",
]


class Side(models.TextChoices):
    """The side of the market that money belongs to."""

    BUY = "buy", _("bought")
    SELL = "sell", _("sold")


class Statement(TenantModel):
    """What a participant owes (positive) or is owed for one period; the highest revision holds."""

    append_only = True
    audited = False

    participant = TenantForeignKey(Participant, verbose_name=_("participant"))
    period = models.DateField(_("month (its first day)"))
    revision = models.PositiveIntegerField(_("revision"))
    replaces = TenantForeignKey("self", null=True, blank=True, db_index=False, verbose_name=_("replaces"))
    amount_exact_pln = models.DecimalField(_("sum, exact (PLN)"), max_digits=20, decimal_places=9)
    content_digest = models.CharField(_("content digest"), max_length=64)
    billed_at = models.DateTimeField(_("billed at"))

    class Meta:
        verbose_name = _("statement")
        verbose_name_plural = _("statements")
        ordering = ("-period", "participant", "-revision")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "participant", "period", "revision"], name="one_statement"),
            models.CheckConstraint(name="statement_month_first_day", condition=Q(period__day=1)),
            models.CheckConstraint(
                name="first_statement_replaces_none",
                condition=Q(revision=1, replaces=None) | Q(revision__gt=1, replaces__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period:%Y-%m} {self.participant}"


class StatementLine(BulkTenantModel):
    """One component of a statement; a cost is positive, an income negative."""

    append_only = True

    statement = TenantForeignKey(Statement, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()
    side = models.CharField(max_length=4, choices=Side)
    metering_point = TenantForeignKey(MeteringPoint, null=True, db_index=False)
    component = models.CharField(max_length=40)
    zone = models.CharField(max_length=40, blank=True)
    sharing_level = models.CharField(max_length=40, blank=True)
    rate_from = models.DateField()
    rate_to = models.DateField()
    quantity = models.DecimalField(max_digits=20, decimal_places=9)
    unit = models.CharField(max_length=12)
    amount_exact_pln = models.DecimalField(max_digits=20, decimal_places=9)
    net_pln = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("line of a statement")
        verbose_name_plural = _("lines of statements")
        ordering = ("statement", "position")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "statement", "position"], name="one_line_a_position"),
            models.CheckConstraint(name="line_dates", condition=Q(rate_to__gt=F("rate_from"))),
        ]


class Promise(TenantModel):
    """A statement's side against the standard mechanism, and what was added so that nobody is worse off (PLN)."""

    append_only = True
    audited = False

    class Basis(models.TextChoices):
        NET = "net", _("net")
        GROSS = "gross", _("gross")

    statement = TenantForeignKey(Statement, related_name="promises")
    side = models.CharField(max_length=4, choices=Side)
    basis = models.CharField(max_length=5, choices=Basis)
    p2p_pln = models.DecimalField(max_digits=20, decimal_places=9)
    standard_pln = models.DecimalField(max_digits=20, decimal_places=9)
    difference_pln = models.DecimalField(max_digits=20, decimal_places=9)
    assurance_pln = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("promise")
        verbose_name_plural = _("promises")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "statement", "side"], name="one_promise_a_side"),
            models.CheckConstraint(
                name="difference_of_the_two", condition=Q(difference_pln=F("standard_pln") - F("p2p_pln"))
            ),
            models.CheckConstraint(
                name="nobody_worse_off",
                condition=Q(assurance_pln__gte=0) & Q(assurance_pln__gte=-F("difference_pln")),
            ),
        ]
