"""The cluster's settlement with its supplier and its buyer: volumes, their invoice, what differs, who approved it."""

from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.domain.money import half_up
from contracts.models import ExternalPartner
from metering.models import on_the_quarter_hour
from participants.tenancy.models import TenantForeignKey, TenantModel

USER = settings.AUTH_USER_MODEL


class ExternalRules(TenantModel):
    """How a cluster settles with the outside: whether a second person approves, and what counts as a difference."""

    four_eyes = models.BooleanField(_("a second person approves"), default=False)
    tolerance_wh = models.PositiveIntegerField(_("tolerated difference of a volume (Wh)"), default=0)
    tolerance_pln_mwh = models.DecimalField(
        _("tolerated difference of a price (PLN/MWh)"), max_digits=9, decimal_places=3, default=Decimal("0.01")
    )
    tolerance_pln = models.DecimalField(
        _("tolerated difference of a line's amount (PLN)"), max_digits=9, decimal_places=2, default=Decimal("0.01")
    )
    tolerance_total_pln = models.DecimalField(
        _("tolerated difference of the total (PLN)"), max_digits=9, decimal_places=2, default=Decimal("0.05")
    )

    class Meta:
        verbose_name = _("rules of external settlement")
        verbose_name_plural = _("rules of external settlement")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster"], name="one_external_rules"),
            models.CheckConstraint(
                name="tolerances_not_negative",
                condition=Q(tolerance_pln_mwh__gte=0, tolerance_pln__gte=0, tolerance_total_pln__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return str(_("Rules of external settlement"))


class ExternalSettlement(TenantModel):
    """What a month's energy from one supplier cost, or brought from one buyer, next to their invoice.

    A draft is computed and compared as often as needed. Approved it is locked by the database; a correction is a new
    revision that names the one it replaces. Amounts are exact (9 decimals); the rounded ones are properties.
    """

    class Direction(models.TextChoices):
        PURCHASE = "purchase", _("purchase")
        SALE = "sale", _("sale")

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        APPROVED = "approved", _("approved")

    partner = TenantForeignKey(ExternalPartner, verbose_name=_("external partner"))
    direction = models.CharField(_("direction"), max_length=8, choices=Direction)
    period = models.DateField(_("month (its first day)"))
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    replaces = TenantForeignKey("self", null=True, blank=True, verbose_name=_("replaces"))
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT)
    quarter_hours = models.PositiveIntegerField(_("quarter-hours"), default=0)
    energy_wh = models.PositiveBigIntegerField(_("energy (Wh)"), default=0)
    energy_pln = models.DecimalField(_("energy (PLN)"), default=0, max_digits=20, decimal_places=9)
    #: A balancing cost that is a line of its own; always a cost.
    balancing_pln = models.DecimalField(_("balancing (PLN)"), default=0, max_digits=20, decimal_places=9)
    digest = models.CharField(_("digest"), max_length=64, blank=True)
    computed_at = models.DateTimeField(_("computed"))
    invoice_number = models.CharField(_("number of the invoice"), max_length=100, blank=True)
    invoice_date = models.DateField(_("date of the invoice"), null=True, blank=True)
    invoice_net_pln = models.DecimalField(
        _("net total of the invoice (PLN)"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    #: As the invoice charges it: zero where the buyer owes the VAT itself.
    invoice_vat_pln = models.DecimalField(
        _("VAT of the invoice (PLN)"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    #: Who changed anything of it last.
    prepared_by = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="+", verbose_name=_("prepared by"))
    prepared_at = models.DateTimeField(_("prepared"))
    approved_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("approved by")
    )
    approved_at = models.DateTimeField(_("approved"), null=True)
    #: Whether a second person had to approve, as the rules were then.
    four_eyes = models.BooleanField(_("a second person approves"), default=False)

    class Meta:
        verbose_name = _("external settlement")
        verbose_name_plural = _("external settlements")
        ordering = ("-period", "direction", "partner", "-revision")
        constraints: ClassVar = [
            models.CheckConstraint(name="external_direction", condition=Q(direction__in=["purchase", "sale"])),
            models.CheckConstraint(name="external_first_day", condition=Q(period__day=1)),
            models.CheckConstraint(
                name="external_approved_by_somebody",
                condition=Q(state="draft", approved_by=None, approved_at=None)
                | Q(
                    state="approved",
                    approved_by__isnull=False,
                    approved_at__isnull=False,
                    invoice_net_pln__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="external_four_eyes",
                condition=Q(state="draft") | Q(four_eyes=False) | ~Q(approved_by=F("prepared_by")),
            ),
            models.CheckConstraint(
                name="external_first_replaces_none",
                condition=Q(revision=1, replaces=None) | (Q(revision__gt=1, replaces__isnull=False) & ~Q(reason="")),
            ),
            models.CheckConstraint(
                name="external_invoice_whole",
                condition=Q(invoice_number="", invoice_date=None, invoice_net_pln=None, invoice_vat_pln=None)
                | (
                    ~Q(invoice_number="")
                    & Q(invoice_date__isnull=False, invoice_net_pln__isnull=False, invoice_vat_pln__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="external_vat_is_of_the_net",
                condition=Q(invoice_vat_pln__gte=0, invoice_vat_pln__lte=F("invoice_net_pln"))
                | Q(invoice_vat_pln__lte=0, invoice_vat_pln__gte=F("invoice_net_pln")),
            ),
            models.UniqueConstraint(
                fields=["cluster", "partner", "direction", "period", "revision"], name="one_external_revision"
            ),
            models.UniqueConstraint(
                fields=["cluster", "replaces"], condition=~Q(replaces=None), name="external_replaced_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner} {self.period:%Y-%m} · {self.revision}"

    @property
    def rounded_energy_pln(self) -> Decimal:
        return half_up(self.energy_pln, 2)

    @property
    def rounded_balancing_pln(self) -> Decimal:
        return half_up(self.balancing_pln, 2)

    @property
    def net_pln(self) -> Decimal:
        """What the invoice should say: of a purchase with its balancing cost, of a sale less it."""
        sign = 1 if self.direction == self.Direction.PURCHASE else -1
        return self.rounded_energy_pln + sign * self.rounded_balancing_pln

    @property
    def invoice_gross_pln(self) -> Decimal | None:
        if self.invoice_net_pln is None or self.invoice_vat_pln is None:
            return None
        return self.invoice_net_pln + self.invoice_vat_pln

    @property
    def approved(self) -> bool:
        return self.state == self.State.APPROVED


class ExternalLine(TenantModel):
    """The volume of one quarter-hour (Wh) and its price, from the run in force when it was computed."""

    audited = False

    pk = models.CompositePrimaryKey("cluster_id", "settlement_id", "interval_start")
    settlement = TenantForeignKey(ExternalSettlement, related_name="lines", db_index=False)
    interval_start = models.DateTimeField()
    wh = models.PositiveBigIntegerField()
    price_pln_kwh = models.DecimalField(max_digits=12, decimal_places=6)

    class Meta:
        constraints: ClassVar = [on_the_quarter_hour("external_line_on_quarter")]


class ExternalInvoiceFile(TenantModel):
    """A file of the partner: the invoice itself, or its quarter-hours; kept as it came."""

    settlement = TenantForeignKey(ExternalSettlement, related_name="files", verbose_name=_("external settlement"))
    name = models.CharField(_("name"), max_length=200)
    content = models.BinaryField(_("content"))
    sha256 = models.CharField(_("digest (SHA-256)"), max_length=64)
    #: Quarter-hours that were read from it; none: it is only kept.
    lines = models.PositiveIntegerField(_("quarter-hours"), default=0)
    uploaded_by = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    uploaded_at = models.DateTimeField(_("uploaded"))

    class Meta:
        verbose_name = _("file of an external partner")
        verbose_name_plural = _("files of external partners")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.name


class ExternalInvoiceLine(TenantModel):
    """What the partner says of one quarter-hour; `row` is the line of its file."""

    audited = False

    pk = models.CompositePrimaryKey("cluster_id", "settlement_id", "interval_start")
    settlement = TenantForeignKey(ExternalSettlement, related_name="invoice_lines", db_index=False)
    interval_start = models.DateTimeField()
    row = models.PositiveIntegerField()
    wh = models.PositiveBigIntegerField()
    price_pln_kwh = models.DecimalField(max_digits=15, decimal_places=9, null=True)
    amount_pln = models.DecimalField(null=True, max_digits=20, decimal_places=9)

    class Meta:
        constraints: ClassVar = [on_the_quarter_hour("external_invoice_line_on_quarter")]


class ExternalDifference(TenantModel):
    """One thing in which the partner's invoice differs, and how that is explained.

    Figures are Wh (missing, extra, volume), PLN/kWh (price) or PLN (amount, total).
    """

    class Kind(models.TextChoices):
        MISSING = "missing", _("missing on the invoice")
        EXTRA = "extra", _("only on the invoice")
        VOLUME = "volume", _("another volume")
        PRICE = "price", _("another price")
        AMOUNT = "amount", _("another amount")
        TOTAL = "total", _("another total")

    settlement = TenantForeignKey(ExternalSettlement, related_name="differences", verbose_name=_("external settlement"))
    kind = models.CharField(_("difference"), max_length=8, choices=Kind)
    interval_start = models.DateTimeField(_("quarter-hour"), null=True)
    ours = models.DecimalField(_("ours"), null=True, max_digits=20, decimal_places=9)
    theirs = models.DecimalField(_("theirs"), null=True, max_digits=20, decimal_places=9)
    explanation = models.CharField(_("explanation"), max_length=400, blank=True)
    explained_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("explained by")
    )
    explained_at = models.DateTimeField(_("explained"), null=True)

    class Meta:
        verbose_name = _("difference of an external invoice")
        verbose_name_plural = _("differences of external invoices")
        ordering = ("interval_start", "kind")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["cluster", "settlement", "kind", "interval_start"], name="one_external_difference",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="total_has_no_quarter_hour",
                condition=Q(kind="total", interval_start=None) | (~Q(kind="total") & Q(interval_start__isnull=False)),
            ),
            models.CheckConstraint(
                name="explained_by_somebody",
                condition=Q(explanation="", explained_by=None, explained_at=None)
                | (~Q(explanation="") & Q(explained_by__isnull=False, explained_at__isnull=False)),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.interval_start or ''}"
