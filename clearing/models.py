"""The virtual layer: runs, positions and trades. A settled interval is never overwritten."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Least
from django.utils.translation import gettext_lazy as _

from clearing.external_models import ExternalDifference as ExternalDifference
from clearing.external_models import ExternalInvoiceFile as ExternalInvoiceFile
from clearing.external_models import ExternalInvoiceLine as ExternalInvoiceLine
from clearing.external_models import ExternalLine as ExternalLine
from clearing.external_models import ExternalRules as ExternalRules
from clearing.external_models import ExternalSettlement as ExternalSettlement
from metering.models import MeteringPoint, on_the_quarter_hour
from participants.tenancy.models import BulkTenantModel, TenantForeignKey, TenantModel


class ClearingRun(TenantModel):
    """One interval settled: what the cluster did as a whole. Runs form a chain per cluster, in order of `number`."""

    append_only = True
    audited = False

    class State(models.TextChoices):
        SURPLUS = "surplus", _("surplus")
        SHORTAGE = "shortage", _("shortage")
        BALANCED = "balanced", _("balanced")

    class Status(models.TextChoices):
        FINAL = "final", _("final")
        PROVISIONAL = "provisional", _("provisional")

    number = models.PositiveBigIntegerField(_("run"))
    interval_start = models.DateTimeField(_("quarter-hour"))
    revision = models.PositiveIntegerField(_("revision"))
    replaces = TenantForeignKey("self", null=True, blank=True, db_index=False, verbose_name=_("replaces"))
    state = models.CharField(_("state"), max_length=10, choices=State)
    surplus_wh = models.PositiveBigIntegerField(_("surplus (Wh)"))
    shortage_wh = models.PositiveBigIntegerField(_("shortage (Wh)"))
    matched_wh = models.PositiveBigIntegerField(_("traded inside (Wh)"))
    external_import_wh = models.PositiveBigIntegerField(_("bought outside (Wh)"))
    external_export_wh = models.PositiveBigIntegerField(_("sold outside (Wh)"))
    local_price_pln_kwh = models.DecimalField(
        _("local price (PLN/kWh)"), max_digits=12, decimal_places=6, null=True, blank=True
    )
    buy_pln_kwh = models.DecimalField(_("bought outside at (PLN/kWh)"), max_digits=12, decimal_places=6)
    sell_pln_kwh = models.DecimalField(_("sold outside at (PLN/kWh)"), max_digits=12, decimal_places=6)
    inverted = models.BooleanField(_("inverted"))
    operating_cost_pln = models.DecimalField(_("operating cost (PLN)"), max_digits=20, decimal_places=9)
    status = models.CharField(_("status"), max_length=12, choices=Status)
    content_digest = models.CharField(_("content digest"), max_length=64)
    digest = models.CharField(_("digest"), max_length=64)
    previous_digest = models.CharField(_("previous digest"), max_length=64)
    solver = models.CharField(_("solver"), max_length=40)
    cleared_at = models.DateTimeField(_("cleared at"))

    class Meta:
        verbose_name = _("clearing run")
        verbose_name_plural = _("clearing runs")
        ordering = ("-interval_start", "-revision")
        constraints: ClassVar = [
            on_the_quarter_hour("run_on_quarter"),
            models.UniqueConstraint(fields=["cluster", "number"], name="one_run_a_number"),
            models.UniqueConstraint(fields=["cluster", "interval_start", "revision"], name="one_run_a_revision"),
            models.UniqueConstraint(fields=["cluster", "replaces"], name="replaced_once", condition=~Q(replaces=None)),
            models.CheckConstraint(
                name="first_run_replaces_none",
                condition=Q(revision=1, replaces=None) | Q(revision__gt=1, replaces__isnull=False),
            ),
            models.CheckConstraint(
                name="matched_is_the_lesser", condition=Q(matched_wh=Least(F("surplus_wh"), F("shortage_wh")))
            ),
            models.CheckConstraint(
                name="external_is_the_net",
                condition=Q(external_import_wh=F("shortage_wh") - F("matched_wh"))
                & Q(external_export_wh=F("surplus_wh") - F("matched_wh")),
            ),
            models.CheckConstraint(
                name="local_price_with_local_energy",
                condition=Q(matched_wh=0, local_price_pln_kwh=None)
                | Q(matched_wh__gt=0, local_price_pln_kwh__isnull=False),
            ),
            models.CheckConstraint(name="inverted_flag", condition=Q(inverted=Q(sell_pln_kwh__gt=F("buy_pln_kwh")))),
        ]

    def __str__(self) -> str:
        return f"{self.interval_start:%Y-%m-%d %H:%MZ} · {self.revision}"


class Position(BulkTenantModel):
    """What one metering point bought and sold in one run (Wh)."""

    append_only = True

    pk = models.CompositePrimaryKey("cluster_id", "metering_point_id", "interval_start", "run_id")
    run = TenantForeignKey(ClearingRun, db_index=False)
    metering_point = TenantForeignKey(MeteringPoint, db_index=False)
    interval_start = models.DateTimeField()
    net_wh = models.IntegerField()
    local_bought_wh = models.PositiveIntegerField()
    local_sold_wh = models.PositiveIntegerField()
    external_bought_wh = models.PositiveIntegerField()
    external_sold_wh = models.PositiveIntegerField()
    external_grid_fee_pln_kwh = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    equalisation_pln = models.DecimalField(max_digits=18, decimal_places=9)

    class Meta:
        verbose_name = _("position")
        verbose_name_plural = _("positions")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="position_bought",
                condition=Q(net_wh__gte=0) & Q(local_bought_wh=0) & Q(external_bought_wh=0)
                | Q(net_wh__lt=0) & Q(net_wh=-F("local_bought_wh") - F("external_bought_wh")),
            ),
            models.CheckConstraint(
                name="position_sold",
                condition=Q(net_wh__lte=0) & Q(local_sold_wh=0) & Q(external_sold_wh=0)
                | Q(net_wh__gt=0) & Q(net_wh=F("local_sold_wh") + F("external_sold_wh")),
            ),
            models.CheckConstraint(
                name="fee_of_buyers",
                condition=Q(net_wh__lt=0, external_grid_fee_pln_kwh__isnull=False)
                | Q(net_wh__gte=0, external_grid_fee_pln_kwh=None),
            ),
        ]


class Trade(BulkTenantModel):
    """Energy that one member sold to another in one run (Wh)."""

    append_only = True

    pk = models.CompositePrimaryKey("cluster_id", "interval_start", "run_id", "seller_id", "buyer_id", "sharing_level")
    run = TenantForeignKey(ClearingRun, db_index=False)
    interval_start = models.DateTimeField()
    seller = TenantForeignKey(MeteringPoint, db_index=False)
    buyer = TenantForeignKey(MeteringPoint, db_index=False)
    sharing_level = models.CharField(max_length=40)
    wh = models.PositiveIntegerField()
    energy_pln_kwh = models.DecimalField(max_digits=12, decimal_places=6)
    grid_fee_pln_kwh = models.DecimalField(max_digits=12, decimal_places=6)

    class Meta:
        verbose_name = _("trade")
        verbose_name_plural = _("trades")
        constraints: ClassVar = [
            models.CheckConstraint(name="trade_of_something", condition=Q(wh__gt=0)),
            models.CheckConstraint(name="trade_with_another", condition=~Q(seller=F("buyer"))),
        ]


class IntervalState(TenantModel):
    """Where an interval stands: its run in force, or what it waits for, and the changes that were seen."""

    class WaitsFor(models.TextChoices):
        NOTHING = "", _("nothing")
        READINGS = "readings", _("readings")
        PRICES = "prices", _("external prices")

    audited = False

    pk = models.CompositePrimaryKey("cluster_id", "interval_start")
    interval_start = models.DateTimeField()
    run = TenantForeignKey(ClearingRun, null=True, db_index=False)
    inputs_seen = models.PositiveIntegerField()
    waits_for = models.CharField(max_length=10, choices=WaitsFor, blank=True)

    class Meta:
        constraints: ClassVar = [on_the_quarter_hour("state_on_quarter")]
