"""Bills and their documents as issued: parties, texts and amounts frozen, numbers without gaps."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.domain.documents import DocumentKind
from participants.models import Dso, Participant
from participants.tenancy.models import TenantForeignKey, TenantModel


class NumberSeries(TenantModel):
    """The last number given in a series and year; whoever numbers holds its row, so that no gap can come about."""

    audited = False

    series = models.CharField(max_length=10)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("series of numbers")
        verbose_name_plural = _("series of numbers")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "series", "year"], name="one_series_a_year")
        ]


class Bill(TenantModel):
    """What one creditor settles with a participant at once: its documents and one amount.

    `dso` is the creditor where the distributor settles directly, else it is the coordinator. `payable_pln` is positive
    where the participant pays. `creditor` and `party` are `domain.documents.Party` as of the day of issue.
    """

    append_only = True
    audited = False

    participant = TenantForeignKey(Participant, verbose_name=_("participant"))
    dso = models.ForeignKey(
        Dso, null=True, db_index=False, on_delete=models.PROTECT, related_name="+", verbose_name=_("distributor")
    )
    #: The statement that it was made of; empty where it was made of none (interest).
    statement = TenantForeignKey("billing.Statement", null=True, db_index=False, verbose_name=_("statement"))
    reference = models.CharField(_("number"), max_length=40)
    #: The month it is about; empty where it is about none (interest).
    period = models.DateField(_("month (its first day)"), null=True)
    issued_on = models.DateField(_("issued on"))
    due_on = models.DateField(_("due on"))
    payable_pln = models.DecimalField(_("payable (PLN)"), max_digits=14, decimal_places=2)
    creditor: Any = models.JSONField()
    party: Any = models.JSONField()
    energy: Any = models.JSONField(default=list)
    promises: Any = models.JSONField(default=list)

    class Meta:
        verbose_name = _("bill")
        verbose_name_plural = _("bills")
        ordering = ("-issued_on", "-pk")
        indexes: ClassVar = [models.Index(fields=["cluster", "period"], name="bills_by_period")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "reference"], name="one_bill_a_reference"),
            # The coordinator's, and the distributor's where it settles directly.
            models.UniqueConstraint(
                fields=["cluster", "statement", "dso"], condition=~Q(statement=None), nulls_distinct=False,
                name="one_bill_a_statement",
            ),
            models.CheckConstraint(name="bill_due_after_issue", condition=Q(due_on__gte=F("issued_on"))),
            models.CheckConstraint(name="bill_month_first_day", condition=Q(period=None) | Q(period__day=1)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.reference


class Document(TenantModel):
    """One numbered paper; a correction names the original in `corrects` and has the differences as its amounts."""

    append_only = True
    audited = False

    class Kind(models.TextChoices):
        SALE = DocumentKind.SALE, _("invoice")
        SELF_BILLING = DocumentKind.SELF_BILLING, _("self-billing invoice")
        NOTE = DocumentKind.NOTE, _("settlement note")
        GRID = DocumentKind.GRID, _("grid fees of the distributor")
        INTEREST = DocumentKind.INTEREST, _("interest note")

    bill = TenantForeignKey(Bill, related_name="documents", verbose_name=_("bill"))
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    number = models.CharField(_("number"), max_length=40)
    issued_on = models.DateField(_("issued on"))
    first = models.DateField(_("first day"))
    end = models.DateField(_("end (exclusive)"))
    seller: Any = models.JSONField()
    buyer: Any = models.JSONField()
    corrects = TenantForeignKey("self", null=True, verbose_name=_("corrects"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    #: What lies outside VAT: reason and amount.
    settlements: Any = models.JSONField(default=list)
    net_pln = models.DecimalField(_("net (PLN)"), max_digits=14, decimal_places=2)
    vat_pln = models.DecimalField(_("VAT (PLN)"), max_digits=14, decimal_places=2)
    payable_pln = models.DecimalField(_("payable (PLN)"), max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ("-issued_on", "-pk")
        indexes: ClassVar = [models.Index(fields=["cluster", "issued_on"], name="documents_by_issue")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "number"], name="one_document_a_number"),
            models.UniqueConstraint(fields=["cluster", "bill", "position"], name="one_document_a_position"),
            models.CheckConstraint(name="document_days", condition=Q(end__gt=F("first"))),
            models.CheckConstraint(name="correction_says_why", condition=Q(corrects=None) | ~Q(reason="")),
        ]

    def __str__(self) -> str:
        return self.number


class DocumentLine(TenantModel):
    """One line of a document (`domain.documents.DocumentLine`)."""

    append_only = True
    audited = False

    document = TenantForeignKey(Document, related_name="lines")
    position = models.PositiveIntegerField()
    before = models.BooleanField(default=False)
    metering_point = models.CharField(max_length=18, blank=True)
    component = models.CharField(max_length=40)
    zone = models.CharField(max_length=40, blank=True)
    sharing_level = models.CharField(max_length=40, blank=True)
    first = models.DateField()
    end = models.DateField()
    quantity = models.DecimalField(max_digits=20, decimal_places=9)
    unit = models.CharField(max_length=12)
    unit_price_pln = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    net_pln = models.DecimalField(max_digits=14, decimal_places=2)
    vat_rate = models.DecimalField(max_digits=5, decimal_places=4, null=True)

    class Meta:
        verbose_name = _("line of a document")
        verbose_name_plural = _("lines of documents")
        ordering = ("document", "position")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["cluster", "document", "position", "before"], name="one_document_line_a_position"
            ),
            models.CheckConstraint(name="document_line_days", condition=Q(end__gt=F("first"))),
        ]
