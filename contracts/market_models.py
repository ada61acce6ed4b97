"""The market's prices: one list for all clusters."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from metering.models import on_the_quarter_hour


class MarketPrice(models.Model):
    """The market price of one quarter-hour, `[interval_start, +15 min)` in UTC (PLN/MWh); the highest version holds.

    Public, so it belongs to no cluster. Published again, a quarter-hour gets a new version where its price differs.
    """

    append_only = True

    class Via(models.TextChoices):
        LIVE = "live", _("live source")
        OPERATOR = "operator", _("operator")
        COORDINATOR = "coordinator", _("coordinator")

    interval_start = models.DateTimeField(_("quarter-hour"))
    version = models.PositiveSmallIntegerField(_("version"))
    pln_mwh = models.DecimalField(_("price (PLN/MWh)"), max_digits=12, decimal_places=6)
    published_at = models.DateTimeField(_("published"), null=True)
    received_at = models.DateTimeField(_("received"))
    via = models.CharField(_("received from"), max_length=12, choices=Via)
    source = models.CharField(_("source"), max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("user")
    )

    class Meta:
        verbose_name = _("market price")
        verbose_name_plural = _("market prices")
        ordering = ("-interval_start", "-version")
        constraints: ClassVar = [
            on_the_quarter_hour("market_price_on_quarter"),
            models.UniqueConstraint(fields=["interval_start", "version"], name="one_market_price_version"),
            models.CheckConstraint(name="market_price_version", condition=Q(version__gte=1)),
            models.CheckConstraint(name="market_price_via", condition=Q(via__in=["live", "operator", "coordinator"])),
        ]

    def __str__(self) -> str:
        return f"{self.interval_start:%Y-%m-%d %H:%MZ}"
