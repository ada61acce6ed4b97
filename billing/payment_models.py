"""What the bank says, and what late payment costs."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import TenantForeignKey, TenantModel


class InterestRate(models.Model):
    """Statutory interest for late payment: the same for everybody in the country, so without a cluster."""

    class Kind(models.TextChoices):
        STATUTORY = "statutory", _("statutory, for persons")
        COMMERCIAL = "commercial", _("in commercial transactions")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    valid_from = models.DateField(_("valid from"))
    percent = models.DecimalField(_("percent a year"), max_digits=5, decimal_places=2)

    class Meta:
        verbose_name = _("interest rate for late payment")
        verbose_name_plural = _("interest rates for late payment")
        ordering = ("kind", "-valid_from")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "valid_from"], name="one_interest_rate_a_day"),
            models.CheckConstraint(name="interest_rate_percent", condition=Q(percent__gte=0, percent__lte=100)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.valid_from}: {self.percent} %"


class BankFile(TenantModel):
    """A bank statement on its way into the books: looked at, then stored or cancelled, which ends its content here."""

    secret_columns: ClassVar = ("content",)

    class State(models.TextChoices):
        PREVIEWED = "previewed", _("read, not stored")
        STORED = "stored", _("stored")
        CANCELLED = "cancelled", _("cancelled")

    name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField(_("received"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("sent by")
    )
    content = models.BinaryField(default=b"")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PREVIEWED)
    format = models.CharField(_("format"), max_length=10, blank=True)
    bookings = models.PositiveIntegerField(_("bookings"), default=0)
    new = models.PositiveIntegerField(_("new"), default=0)
    faulty = models.PositiveIntegerField(_("faulty"), default=0)

    class Meta:
        verbose_name = _("bank file")
        verbose_name_plural = _("bank files")
        ordering = ("-received_at", "-pk")

    def __str__(self) -> str:
        return self.name


class BankTransaction(TenantModel):
    """One booking on the coordinator's account as the bank told it; the same one is stored once, whatever file has it.

    `amount_pln` is positive where money came in. `fingerprint`: `billing.domain.bank.with_fingerprints`.
    """

    append_only = True
    audited = False

    #: Empty: entered by hand, for a payout that no bank file confirmed.
    file = TenantForeignKey(BankFile, null=True, related_name="transactions", verbose_name=_("bank file"))
    account = models.CharField(_("account"), max_length=34)
    booked_on = models.DateField(_("booked on"))
    amount_pln = models.DecimalField(_("amount (PLN)"), max_digits=14, decimal_places=2)
    partner_name = models.CharField(_("other side"), max_length=200, blank=True)
    partner_account = models.CharField(_("other side's account"), max_length=64, blank=True)
    title = models.CharField(_("title"), max_length=500, blank=True)
    reference = models.CharField(_("bank's reference"), max_length=100, blank=True)
    fingerprint = models.CharField(max_length=80)

    class Meta:
        verbose_name = _("bank transaction")
        verbose_name_plural = _("bank transactions")
        ordering = ("-booked_on", "-pk")
        indexes: ClassVar = [models.Index(fields=["cluster", "-booked_on"], name="transactions_by_day")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "fingerprint"], name="one_booking"),
            models.CheckConstraint(name="booking_moves_money", condition=~Q(amount_pln=0)),
        ]

    def __str__(self) -> str:
        return f"{self.booked_on} {self.amount_pln} PLN {self.partner_name}"


class ReminderTerms(TenantModel):
    """After how many days an unpaid bill is reminded of, from a day on; a cluster without a row sends no reminders."""

    valid_from = models.DateField(_("valid from"))
    friendly_days = models.PositiveSmallIntegerField(_("friendly reminder (days after the bill was due)"), default=5)
    second_days = models.PositiveSmallIntegerField(_("reminder (days after the bill was due)"), default=14)
    final_days = models.PositiveSmallIntegerField(_("final demand (days after the bill was due)"), default=30)
    demand_days = models.PositiveSmallIntegerField(_("days that the final demand gives"), default=14)

    class Meta:
        verbose_name = _("days of payment reminders")
        verbose_name_plural = _("days of payment reminders")
        ordering = ("-valid_from",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "valid_from"], name="one_reminder_terms_a_day"),
            models.CheckConstraint(
                name="reminder_steps_rise",
                condition=Q(friendly_days__gte=1, second_days__gt=F("friendly_days"), final_days__gt=F("second_days"))
                & Q(final_days__lte=365, demand_days__gte=1, demand_days__lte=90),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.valid_from}: {self.friendly_days}, {self.second_days}, {self.final_days}"
