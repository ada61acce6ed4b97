"""The physical layer: grid tree, metering points, readings."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from metering.access_models import ReadingAccess as ReadingAccess
from metering.area_models import DsoArea as DsoArea
from metering.completeness_models import ReadingGap as ReadingGap
from metering.completeness_models import Reminder as Reminder
from metering.completeness_models import ReminderSetting as ReminderSetting
from metering.daily_models import AggregatedMonth as AggregatedMonth
from metering.daily_models import ReadingDay as ReadingDay
from metering.day_models import DayCheck as DayCheck
from metering.delivery_models import ColumnMapping as ColumnMapping
from metering.delivery_models import Delivery as Delivery
from metering.delivery_models import DeliveryBatch as DeliveryBatch
from metering.delivery_models import DeliveryChunk as DeliveryChunk
from metering.delivery_models import DeliveryDay as DeliveryDay
from metering.delivery_models import DeliveryFault as DeliveryFault
from metering.domain.generation import PHOTOVOLTAICS, SOURCES
from metering.finding_models import Finding as Finding
from metering.finding_models import Substitution as Substitution
from metering.key_models import KeyAnswer as KeyAnswer
from metering.key_models import KeyScope as KeyScope
from metering.key_models import KeyUse as KeyUse
from metering.meter_models import Meter as Meter
from participants.models import Participant
from participants.tenancy.dated import ends_after_start, refuse_overlap
from participants.tenancy.models import BulkTenantModel, TenantForeignKey, TenantModel


def on_the_quarter_hour(name: str) -> models.CheckConstraint:
    """interval_start is a UTC quarter-hour."""
    start = Func(
        F("interval_start"),
        template="date_bin('15 minutes', %(expressions)s, '2000-01-01 00:00Z'::timestamptz)",
        output_field=models.DateTimeField(),
    )
    return models.CheckConstraint(name=name, condition=Q(interval_start=start))


class GridNode(TenantModel):
    """A node of the grid tree; `level` names the sharing level (station, substation, cluster, …)."""

    code = models.CharField(_("code"), max_length=40)
    parent = TenantForeignKey("self", null=True, blank=True, verbose_name=_("parent"))
    level = models.CharField(_("sharing level"), max_length=40)

    class Meta:
        verbose_name = _("grid node")
        verbose_name_plural = _("grid nodes")
        ordering = ("code",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "code"], name="one_node_a_code"),
            models.UniqueConstraint(fields=["cluster"], condition=Q(parent=None), name="one_root"),
        ]

    def __str__(self) -> str:
        return self.code


class MeteringPoint(TenantModel):
    """A place where energy is measured, named by its 18-digit code (PPE)."""

    class ReadingsFrom(models.TextChoices):
        """Who has to deliver the readings."""

        DSO = "dso", _("distributor")
        MEMBER = "member", _("member")
        COORDINATOR = "coordinator", _("coordinator")

    code = models.CharField(_("code (PPE)"), max_length=18)
    readings_from = models.CharField(
        _("readings come from"), max_length=12, choices=ReadingsFrom, default=ReadingsFrom.DSO
    )

    class Meta:
        verbose_name = _("metering point")
        verbose_name_plural = _("metering points")
        ordering = ("code",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "code"], name="one_point_a_code"),
            models.CheckConstraint(name="point_code_digits", condition=Q(code__regex=r"^\d{18}$")),
            models.CheckConstraint(
                name="readings_from_somebody", condition=Q(readings_from__in=["dso", "member", "coordinator"])
            ),
        ]

    def __str__(self) -> str:
        return self.code


class PointAssignment(TenantModel):
    """Whose a metering point is, where it hangs and how it is charged, from one local day to another."""

    class Role(models.TextChoices):
        MEMBER = "member", _("member")
        BOUNDARY = "boundary", _("measures a node")

    class Source(models.TextChoices):
        """What the generation comes from (`metering.domain.generation`)."""

        PHOTOVOLTAICS = "photovoltaics", _("photovoltaics")
        WIND = "wind", _("wind")
        HYDRO = "hydro", _("hydropower")
        BIOGAS = "biogas", _("biogas")
        BIOMASS = "biomass", _("biomass")
        OTHER_RENEWABLE = "other_renewable", _("another renewable source")
        NOT_RENEWABLE = "not_renewable", _("not renewable")

    metering_point = TenantForeignKey(MeteringPoint, related_name="assignments", verbose_name=_("metering point"))
    participant = TenantForeignKey(
        Participant, null=True, blank=True, related_name="assignments", verbose_name=_("participant")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role)
    grid_node = TenantForeignKey(GridNode, verbose_name=_("grid node"))
    tariff_group = models.CharField(_("tariff group"), max_length=20)
    contracted_power_kw = models.DecimalField(_("contracted power (kW)"), max_digits=10, decimal_places=3)
    generation_capacity_kw = models.DecimalField(_("generation capacity (kW)"), max_digits=10, decimal_places=3)
    #: Says nothing where the capacity is 0.
    generation_source = models.CharField(
        _("generation from"), max_length=16, choices=Source, default=PHOTOVOLTAICS, db_default=PHOTOVOLTAICS
    )
    phases = models.PositiveSmallIntegerField(_("phases"))
    yearly_use_kwh = models.PositiveIntegerField(_("yearly use (kWh)"))
    capacity_factor = models.DecimalField(_("capacity factor"), max_digits=7, decimal_places=6)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to (exclusive)"), null=True, blank=True)

    class Meta:
        verbose_name = _("assignment of a metering point")
        verbose_name_plural = _("assignments of metering points")
        ordering = ("metering_point", "valid_from")
        constraints: ClassVar = [
            ends_after_start("assignment_dates"),
            models.CheckConstraint(
                name="members_have_participants",
                condition=Q(role="member", participant__isnull=False) | Q(role="boundary", participant__isnull=True),
            ),
            models.CheckConstraint(name="phases_1_or_3", condition=Q(phases__in=[1, 3])),
            models.CheckConstraint(name="generation_source_is_known", condition=Q(generation_source__in=list(SOURCES))),
        ]

    def clean(self) -> None:
        refuse_overlap(self, "metering_point")

    def __str__(self) -> str:
        return f"{self.metering_point} · {self.tariff_group} · {self.valid_from}"


class Reading(BulkTenantModel):
    """What a metering point imported and exported in one quarter-hour (Wh); the highest version holds.

    The version says when the source issued the value (domain/versions.py), so the order of arrival does not matter.
    """

    append_only = True

    class Quality(models.IntegerChoices):
        MEASURED = 1, "measured"
        SPLIT = 2, "split"
        SUBSTITUTED = 3, "substituted"
        ESTIMATED = 4, "estimated"

    pk = models.CompositePrimaryKey("cluster_id", "metering_point_id", "interval_start", "version")
    metering_point = TenantForeignKey(MeteringPoint, db_index=False)
    interval_start = models.DateTimeField()
    version = models.PositiveIntegerField()
    imported_wh = models.PositiveIntegerField()
    exported_wh = models.PositiveIntegerField()
    quality = models.PositiveSmallIntegerField(choices=Quality)

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        constraints: ClassVar = [
            on_the_quarter_hour("reading_on_quarter"),
            models.CheckConstraint(name="reading_version", condition=Q(version__gte=1)),
            models.CheckConstraint(name="reading_quality", condition=Q(quality__in=[1, 2, 3, 4])),
        ]


class IntervalInput(TenantModel):
    """How often something that an interval is settled from has changed: the work list of clearing.

    Every write that touches an interval (reading, price, contract, tariff, settings) adds one in its own transaction.
    """

    audited = False

    pk = models.CompositePrimaryKey("cluster_id", "interval_start")
    interval_start = models.DateTimeField()
    changes = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [on_the_quarter_hour("input_on_quarter")]
