"""What members are compared with, and what the statutory hour waives: the terms beside those of the trades."""

from decimal import Decimal
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from participants.models import Participant
from participants.tenancy.dated import ends_after_start, refuse_overlap, refuse_overlap_among
from participants.tenancy.models import TenantForeignKey, TenantModel


class Netting(models.TextChoices):
    """How the standard mechanism nets import and export of a metering point."""

    INTERVAL = "interval", _("per quarter-hour")
    HOUR = "hour", _("per hour")


class ClusterTerms(TenantModel):
    """Tax and the standard mechanism's netting."""

    Netting = Netting

    vat_rate = models.DecimalField(_("VAT rate"), max_digits=5, decimal_places=4)
    excise_pln_kwh = models.DecimalField(_("excise (PLN/kWh)"), max_digits=12, decimal_places=6)
    netting = models.CharField(_("netting of the standard mechanism"), max_length=10, choices=Netting)

    class Meta:
        verbose_name = _("terms")
        verbose_name_plural = _("terms")
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster"], name="one_terms")]

    def __str__(self) -> str:
        return str(_("Terms"))


class RetailOffer(TenantModel):
    """A seller's price list outside: a buyer's standard mechanism. The default is that of all who have no own one."""

    name = models.CharField(_("name"), max_length=80)
    is_default = models.BooleanField(_("for all who have no own offer"), default=False)
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("retail offer")
        verbose_name_plural = _("retail offers")
        ordering = ("-is_default", "name")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "name"], name="one_offer_name"),
            models.UniqueConstraint(fields=["cluster"], condition=Q(is_default=True), name="one_default_offer"),
        ]

    def __str__(self) -> str:
        return self.name


class RetailPrice(TenantModel):
    """A price of an offer: energy with excise, before VAT (PLN/kWh)."""

    offer = TenantForeignKey(RetailOffer, related_name="prices", verbose_name=_("offer"))
    group = models.CharField(_("tariff group"), max_length=20)
    zone = models.CharField(_("zone"), max_length=40)
    energy_pln_kwh = models.DecimalField(_("energy (PLN/kWh)"), max_digits=12, decimal_places=6)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to (exclusive)"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("retail price")
        verbose_name_plural = _("retail prices")
        ordering = ("offer", "group", "zone", "valid_from")
        constraints: ClassVar = [
            ends_after_start("retail_dates"),
            models.UniqueConstraint(
                fields=["cluster", "offer", "group", "zone", "valid_from"], name="one_retail_price"
            ),
        ]

    def clean(self) -> None:
        if self.offer_id is not None:
            refuse_overlap_among(self, offer_id=self.offer_id, group=self.group, zone=self.zone)

    def __str__(self) -> str:
        return f"{self.group} {self.zone} {self.energy_pln_kwh} PLN/kWh {self.valid_from}"


class OfferAssignment(TenantModel):
    """A participant's own offer, from one local midnight to another; on other days the default one holds."""

    participant = TenantForeignKey(Participant, related_name="offers", verbose_name=_("participant"))
    offer = TenantForeignKey(RetailOffer, related_name="assignments", verbose_name=_("offer"))
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to (exclusive)"), null=True, blank=True)

    class Meta:
        verbose_name = _("own retail offer")
        verbose_name_plural = _("own retail offers")
        ordering = ("participant", "valid_from")
        constraints: ClassVar = [ends_after_start("offer_assignment_dates")]

    def clean(self) -> None:
        refuse_overlap(self, "participant")

    def __str__(self) -> str:
        return f"{self.participant}: {self.offer} {self.valid_from}"


class StandardSalePrice(TenantModel):
    """The cluster's list of standard sale prices (PLN/MWh) and factors by month; the highest version holds."""

    append_only = True

    legal_form = models.CharField(_("legal form"), max_length=10, choices=Participant.LegalForm)
    month = models.DateField(_("month (its first day)"))
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    pln_mwh = models.DecimalField(_("price (PLN/MWh)"), max_digits=12, decimal_places=3)
    factor = models.DecimalField(_("factor"), max_digits=8, decimal_places=6)

    class Meta:
        verbose_name = _("standard sale price")
        verbose_name_plural = _("standard sale prices")
        ordering = ("-month", "legal_form", "-version")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "legal_form", "month", "version"], name="one_sale_price"),
            models.CheckConstraint(name="sale_month_first_day", condition=Q(month__day=1)),
        ]

    def clean(self) -> None:
        refuse_day_of_month(self.month)

    def __str__(self) -> str:
        return f"{self.legal_form} {self.month:%Y-%m} {self.pln_mwh} PLN/MWh"


class MonthlyMarketPrice(models.Model):
    """The market price of a month as published (in Poland RCEm, PLN/MWh), for all clusters; the last version holds."""

    append_only = True

    month = models.DateField(_("month (its first day)"))
    version = models.PositiveSmallIntegerField(_("version"))
    pln_mwh = models.DecimalField(_("price (PLN/MWh)"), max_digits=12, decimal_places=3)
    source = models.CharField(_("source"), max_length=200)

    class Meta:
        verbose_name = _("market price of a month")
        verbose_name_plural = _("market prices of months")
        ordering = ("-month", "-version")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["month", "version"], name="one_monthly_price"),
            models.CheckConstraint(name="monthly_price_first_day", condition=Q(month__day=1)),
        ]

    def clean(self) -> None:
        refuse_day_of_month(self.month)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.pln_mwh} PLN/MWh"


class SaleMechanism(TenantModel):
    """How the standard mechanism pays for what is fed in: for a legal form, or for one participant, from day to day.

    Who has none is paid by the cluster's list (`StandardSalePrice`), netted as the cluster's terms say.
    """

    class Kind(models.TextChoices):
        LIST = "list", _("the cluster's list of monthly prices")
        MONTH = "month", _("market price of the month")
        MARKET = "market", _("market price of the quarter-hour or hour")
        FIXED = "fixed", _("fixed price")

    Netting = Netting

    legal_form = models.CharField(_("for the legal form"), max_length=10, choices=Participant.LegalForm, blank=True)
    participant = TenantForeignKey(
        Participant, null=True, blank=True, related_name="sale_mechanisms", verbose_name=_("or for one participant")
    )
    kind = models.CharField(_("paid by"), max_length=10, choices=Kind)
    pln_mwh = models.DecimalField(_("fixed price (PLN/MWh)"), max_digits=12, decimal_places=3, null=True, blank=True)
    factor = models.DecimalField(_("factor"), max_digits=8, decimal_places=6, default=Decimal(1))
    negative_counts_as_zero = models.BooleanField(_("a negative price counts as 0"), default=True)
    netting = models.CharField(_("netting"), max_length=10, choices=Netting)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to (exclusive)"), null=True, blank=True)

    class Meta:
        verbose_name = _("sale mechanism")
        verbose_name_plural = _("sale mechanisms")
        ordering = ("participant", "legal_form", "valid_from")
        constraints: ClassVar = [
            ends_after_start("sale_mechanism_dates"),
            models.CheckConstraint(
                name="sale_mechanism_of_one",
                condition=Q(participant=None, legal_form__in=["person", "company", "public"])
                | Q(participant__isnull=False, legal_form=""),
            ),
            models.CheckConstraint(
                name="sale_mechanism_kind", condition=Q(kind__in=["list", "month", "market", "fixed"])
            ),
            models.CheckConstraint(
                name="fixed_sale_has_a_price",
                condition=Q(kind="fixed", pln_mwh__isnull=False) | (~Q(kind="fixed") & Q(pln_mwh=None)),
            ),
            models.CheckConstraint(name="sale_factor_positive", condition=Q(factor__gt=0)),
            models.CheckConstraint(name="sale_netting", condition=Q(netting__in=["interval", "hour"])),
        ]

    def clean(self) -> None:
        if (self.participant_id is None) == (not self.legal_form):
            raise ValidationError(_now("Give either a legal form or a participant."))
        if (self.kind == self.Kind.FIXED) == (self.pln_mwh is None):
            raise ValidationError({"pln_mwh": _now("A fixed price needs a price, the others take none.")})
        refuse_overlap_among(self, participant_id=self.participant_id, legal_form=self.legal_form)

    def __str__(self) -> str:
        return f"{self.participant or self.get_legal_form_display()}: {self.get_kind_display()} {self.valid_from}"


class ReliefStep(TenantModel):
    """What the statutory hour waives of a component that the tariff marks `hourly`.

    Where the month's self-consumption (shared ÷ injected renewable energy) reaches `self_consumption_from`, the share
    `waived` of the rate is not charged on shared energy; of a component's steps in force the highest one reached holds.
    """

    component = models.CharField(_("component"), max_length=33)
    self_consumption_from = models.DecimalField(_("from a self-consumption of"), max_digits=5, decimal_places=4)
    waived = models.DecimalField(_("share that is waived"), max_digits=5, decimal_places=4)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to (exclusive)"), null=True, blank=True)

    class Meta:
        verbose_name = _("step of the statutory relief")
        verbose_name_plural = _("statutory relief")
        ordering = ("component", "self_consumption_from", "valid_from")
        constraints: ClassVar = [
            ends_after_start("relief_dates"),
            models.UniqueConstraint(
                fields=["cluster", "component", "self_consumption_from", "valid_from"], name="one_relief_step"
            ),
            models.CheckConstraint(
                name="relief_shares",
                condition=Q(self_consumption_from__gte=0, self_consumption_from__lte=1, waived__gte=0, waived__lte=1),
            ),
        ]

    def clean(self) -> None:
        refuse_overlap_among(self, component=self.component, self_consumption_from=self.self_consumption_from)

    def __str__(self) -> str:
        return f"{self.component} ≥ {self.self_consumption_from:.0%}: {self.waived:.0%}"


def refuse_day_of_month(day: Any) -> None:
    """A month is given by its first day."""
    if day is not None and day.day != 1:
        raise ValidationError({"month": _now("Give the first day of the month.")})
