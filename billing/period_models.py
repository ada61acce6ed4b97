"""Months as they are closed, and the terms of bills."""

from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import TenantModel

DUE_DAYS = 14
LONGEST_DUE_DAYS = 90


class BillingTerms(TenantModel):
    """When bills are due, what differences are corrected, if invoices go to KSeF: for what is issued from a day on."""

    valid_from = models.DateField(_("from"))
    due_days = models.PositiveSmallIntegerField(
        _("due after (days)"), default=DUE_DAYS, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DUE_DAYS)]
    )
    correction_threshold_pln = models.DecimalField(
        _("differences below this are carried on (PLN)"),
        max_digits=8,
        decimal_places=2,
        default=Decimal("0.00"),
        validators=[MinValueValidator(Decimal(0))],
    )
    to_ksef = models.BooleanField(_("invoices go to KSeF"), default=False)

    class Meta:
        verbose_name = _("terms of bills")
        verbose_name_plural = _("terms of bills")
        ordering = ("-valid_from",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "valid_from"], name="one_billing_terms_a_day"),
            models.CheckConstraint(
                name="due_within_days", condition=Q(due_days__gte=1, due_days__lte=LONGEST_DUE_DAYS)
            ),
            models.CheckConstraint(name="threshold_not_negative", condition=Q(correction_threshold_pln__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.valid_from}"


class BillingPeriod(TenantModel):
    """A month on its way to its bills. Closing goes on where it stopped; a closed month stays closed.

    `last_statement`: the id up to which statements are billed, so that what is computed later is left to corrections.
    `done_to`: the number of the last participant whose bills are issued, in the order of closing.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        CLOSING = "closing", _("being closed")
        CLOSED = "closed", _("closed")

    month = models.DateField(_("month (its first day)"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    #: {"readings": "why it is closed all the same", …}
    overrides: Any = models.JSONField(_("closed all the same"), default=dict, blank=True)
    #: Why the last attempt to compute or close it failed.
    problem = models.TextField(_("problem"), blank=True)
    computed_at = models.DateTimeField(_("computed"), null=True)
    started_at = models.DateTimeField(_("closing began"), null=True)
    issued_on = models.DateField(_("issued on"), null=True)
    due_on = models.DateField(_("due on"), null=True)
    #: The days on which the distributor settled directly when it was closed, as [first, end) in ISO format.
    direct: Any = models.JSONField(default=list, blank=True, editable=False)
    last_statement = models.BigIntegerField(null=True, editable=False)
    done_to = models.CharField(max_length=40, blank=True, editable=False)
    done = models.PositiveIntegerField(_("participants done"), default=0)
    total = models.PositiveIntegerField(_("participants"), default=0)
    closed_at = models.DateTimeField(_("closed"), null=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("closed by")
    )

    class Meta:
        verbose_name = _("billing period")
        verbose_name_plural = _("billing periods")
        ordering = ("-month",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "month"], name="one_period_a_month"),
            models.CheckConstraint(name="period_first_day", condition=Q(month__day=1)),
            models.CheckConstraint(
                name="period_states",
                condition=Q(state="open", started_at=None, closed_at=None)
                | Q(state="closing", started_at__isnull=False, issued_on__isnull=False, due_on__isnull=False)
                | Q(state="closed", closed_at__isnull=False, last_statement__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
