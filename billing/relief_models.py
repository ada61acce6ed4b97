"""The statutory relief of a month, over all members of a cluster."""

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import TenantModel


class ReliefMonth(TenantModel):
    """What the members shared in the same hours when a month was billed (Wh); the highest revision holds."""

    append_only = True
    audited = False

    period = models.DateField(_("month (its first day)"))
    revision = models.PositiveIntegerField(_("revision"))
    injected_wh = models.BigIntegerField(_("injected from renewable sources (Wh)"))
    drawn_wh = models.BigIntegerField(_("drawn (Wh)"))
    shared_wh = models.BigIntegerField(_("shared in the same hour (Wh)"))
    #: The rest belongs to members whom the cluster does not bill.
    given_wh = models.BigIntegerField(_("of which to members who trade in the cluster (Wh)"))
    missing_readings = models.PositiveIntegerField(_("missing readings of members who don't"))
    billed_at = models.DateTimeField(_("billed at"))

    class Meta:
        verbose_name = _("statutory relief of a month")
        verbose_name_plural = _("statutory relief of months")
        ordering = ("-period", "-revision")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "period", "revision"], name="one_relief_month"),
            models.CheckConstraint(name="relief_month_first_day", condition=Q(period__day=1)),
            models.CheckConstraint(
                name="shared_is_the_smaller",
                condition=Q(
                    given_wh__gte=0,
                    given_wh__lte=F("shared_wh"),
                    shared_wh__lte=F("injected_wh"),
                )
                & Q(shared_wh__lte=F("drawn_wh")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period:%Y-%m}"

    @property
    def self_consumption(self) -> Decimal:
        """Shared ÷ injected, from 0 to 1."""
        return Decimal(self.shared_wh) / self.injected_wh if self.injected_wh else Decimal(0)
