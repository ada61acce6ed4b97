"""Contracts and the terms that money is computed from."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.agreement_models import (
    Agreement,
    AgreementDocument,
    AgreementEvent,
    AgreementSignature,
    AgreementTemplate,
    ExternalPartner,
)
from contracts.domain.deadlines import DEADLINE_HOURS, LONGEST_DEADLINE_HOURS
from contracts.external_models import ExternalTerms
from contracts.market_models import MarketPrice
from contracts.standard_models import (
    ClusterTerms,
    MonthlyMarketPrice,
    OfferAssignment,
    ReliefStep,
    RetailOffer,
    RetailPrice,
    SaleMechanism,
    StandardSalePrice,
)
from contracts.tariff_models import TariffBook, TariffRate, TariffZone
from metering.models import on_the_quarter_hour
from participants.models import Participant
from participants.tenancy.dated import ends_after_start, refuse_overlap
from participants.tenancy.models import TenantForeignKey, TenantModel

__all__ = [
    "Agreement",
    "AgreementDocument",
    "AgreementEvent",
    "AgreementSignature",
    "AgreementTemplate",
    "ClusterSettings",
    "ClusterTerms",
    "Contract",
    "ExternalPartner",
    "ExternalPrice",
    "ExternalTerms",
    "MarketPrice",
    "MonthlyMarketPrice",
    "OfferAssignment",
    "ReliefStep",
    "RetailOffer",
    "RetailPrice",
    "SaleMechanism",
    "StandardSalePrice",
    "StaticKey",
    "TariffBook",
    "TariffRate",
    "TariffZone",
]


class Contract(TenantModel):
    """The scheme that a participant is settled under, from one local midnight to another."""

    class Scheme(models.TextChoices):
        P2P = "p2p", _("trades in the cluster")
        STANDARD = "standard", _("standard mechanism")

    participant = TenantForeignKey(Participant, related_name="contracts", verbose_name=_("participant"))
    scheme = models.CharField(_("scheme"), max_length=10, choices=Scheme)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to (exclusive)"), null=True, blank=True)

    class Meta:
        verbose_name = _("settlement scheme")
        verbose_name_plural = _("settlement schemes")
        ordering = ("participant", "valid_from")
        constraints: ClassVar = [
            ends_after_start("contract_dates"),
            models.CheckConstraint(name="contract_scheme", condition=Q(scheme__in=["p2p", "standard"])),
        ]

    def clean(self) -> None:
        refuse_overlap(self, "participant")

    def __str__(self) -> str:
        return f"{self.participant}: {self.get_scheme_display()} {self.valid_from}"


class ExternalPrice(TenantModel):
    """What the coordinator pays and gets outside for one quarter-hour (PLN/kWh); the highest version holds."""

    append_only = True

    interval_start = models.DateTimeField(_("quarter-hour"))
    version = models.PositiveSmallIntegerField(_("version"))
    buy_pln_kwh = models.DecimalField(_("bought at (PLN/kWh)"), max_digits=12, decimal_places=6)
    sell_pln_kwh = models.DecimalField(_("sold at (PLN/kWh)"), max_digits=12, decimal_places=6)

    class Meta:
        verbose_name = _("external price")
        verbose_name_plural = _("external prices")
        ordering = ("-interval_start", "-version")
        constraints: ClassVar = [
            on_the_quarter_hour("price_on_quarter"),
            models.UniqueConstraint(fields=["cluster", "interval_start", "version"], name="one_price_version"),
        ]

    def __str__(self) -> str:
        return f"{self.interval_start:%Y-%m-%d %H:%MZ}"


class ClusterSettings(TenantModel):
    """How the cluster clears and what it charges, from a local day on until a later row replaces it."""

    class Allocation(models.TextChoices):
        MIN_COST = "min_cost", _("least cost")
        PRO_RATA = "pro_rata", _("pro rata")
        STATIC = "static", _("agreed keys")

    class PriceRule(models.TextChoices):
        MID_MARKET = "mid_market", _("mid-market rate")
        SUPPLY_DEMAND_RATIO = "supply_demand_ratio", _("supply–demand ratio")
        FIXED = "fixed", _("fixed price")

    class Residual(models.TextChoices):
        POOLED = "pooled", _("pooled")
        INDIVIDUAL = "individual", _("individual")

    class DsoSettlement(models.TextChoices):
        COORDINATOR = "coordinator", _("through the coordinator")
        DIRECT = "direct", _("directly")

    valid_from = models.DateField(_("from"))
    allocation = models.CharField(_("allocation"), max_length=20, choices=Allocation)
    price_rule = models.CharField(_("price rule"), max_length=20, choices=PriceRule)
    price_share = models.DecimalField(_("share"), max_digits=7, decimal_places=6)
    fixed_price_pln_kwh = models.DecimalField(
        _("fixed price (PLN/kWh)"), max_digits=12, decimal_places=6, null=True, blank=True
    )
    residual = models.CharField(_("residual"), max_length=20, choices=Residual)
    dso_settlement = models.CharField(_("grid fees are settled"), max_length=20, choices=DsoSettlement)
    buyer_fee_pln_kwh = models.DecimalField(_("buyer's fee (PLN/kWh)"), max_digits=12, decimal_places=6)
    seller_fee_pln_kwh = models.DecimalField(_("seller's fee (PLN/kWh)"), max_digits=12, decimal_places=6)
    #: A quarter-hour whose readings are not all there so long after its end is settled with estimates.
    reading_deadline_hours = models.PositiveSmallIntegerField(
        _("readings are due after (hours)"), default=DEADLINE_HOURS
    )
    #: {"station": "0.25", …}: share of the discounted components that is not charged at this sharing level. For a level
    #: that is not named the discount of the distributor's book holds.
    sharing_discount = models.JSONField(_("discount by sharing level"), default=dict, blank=True)

    class Meta:
        verbose_name = _("settings")
        verbose_name_plural = _("settings")
        ordering = ("-valid_from",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "valid_from"], name="one_settings_a_day"),
            models.CheckConstraint(
                name="deadline_within_a_year", condition=Q(reading_deadline_hours__lte=LONGEST_DEADLINE_HOURS)
            ),
            models.CheckConstraint(name="share_is_a_share", condition=Q(price_share__gte=0) & Q(price_share__lte=1)),
            models.CheckConstraint(
                name="fixed_rule_has_a_price", condition=~Q(price_rule="fixed") | Q(fixed_price_pln_kwh__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.valid_from}"


class StaticKey(TenantModel):
    """A buyer's agreed key of the `static` allocation; the keys of one day on sum to 1."""

    participant = TenantForeignKey(Participant, verbose_name=_("participant"))
    share = models.DecimalField(_("share"), max_digits=7, decimal_places=6)
    valid_from = models.DateField(_("from"))

    class Meta:
        verbose_name = _("static key")
        verbose_name_plural = _("static keys")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "participant", "valid_from"], name="one_key")
        ]

    def __str__(self) -> str:
        return f"{self.participant} {self.share}"
