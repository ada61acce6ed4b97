"""What is implausible about readings, and what the coordinator put in their place."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import TenantForeignKey, TenantModel


class Finding(TenantModel):
    """Something implausible about a metering point, or a node of the grid, on one local day.

    It goes away when the readings are corrected, and comes back as open when its figures change. Nothing that was
    measured is ever changed by it.
    """

    class Rule(models.TextChoices):
        OVER_POWER = "over_power", _("draws more than its contracted power")
        OVER_CAPACITY = "over_capacity", _("feeds in more than it can generate")
        NO_GENERATION = "no_generation", _("feeds in without known generation")
        NIGHT_EXPORT = "night_export", _("feeds in while the sun is down")
        FROZEN = "frozen", _("repeats the same value")
        SPIKE = "spike", _("far above its own recent high")
        STATION_SUM = "station_sum", _("sum of the members differs from the boundary meter")

    class Severity(models.TextChoices):
        INFO = "info", _("to know")
        WARNING = "warning", _("to look at")
        ERROR = "error", _("cannot be")

    class Owner(models.TextChoices):
        COORDINATOR = "coordinator", _("coordinator")
        DSO = "dso", _("distributor")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        EXPLAINED = "explained", _("explained")
        GONE = "gone", _("gone")

    rule = models.CharField(_("what"), max_length=20, choices=Rule)
    metering_point = TenantForeignKey(
        "metering.MeteringPoint", null=True, blank=True, db_index=False, verbose_name=_("metering point")
    )
    grid_node = TenantForeignKey(
        "metering.GridNode", null=True, blank=True, db_index=False, verbose_name=_("grid node")
    )
    day = models.DateField(_("day"))
    starts = models.DateTimeField(_("from"))
    ends = models.DateTimeField(_("to (exclusive)"))
    quarter_hours = models.PositiveIntegerField(_("quarter-hours"))
    #: The worst value and the limit that it exceeds; of a station the day's difference and what is tolerated.
    value_wh = models.BigIntegerField(_("value (Wh)"))
    limit_wh = models.BigIntegerField(_("limit (Wh)"))
    severity = models.CharField(_("severity"), max_length=10, choices=Severity)
    owner = models.CharField(_("who clears it up"), max_length=12, choices=Owner)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    found_at = models.DateTimeField(_("found"))
    reason = models.CharField(_("explanation"), max_length=500, blank=True)
    explained_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        verbose_name=_("explained by"),
    )  # fmt: skip
    explained_at = models.DateTimeField(_("explained"), null=True, blank=True)

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        ordering = ("-day", "rule", "metering_point", "grid_node")
        constraints: ClassVar = [
            models.CheckConstraint(name="finding_span", condition=Q(ends__gt=F("starts"))),
            models.CheckConstraint(
                name="finding_of_point_or_node",
                condition=Q(metering_point=None, grid_node__isnull=False)
                | Q(metering_point__isnull=False, grid_node=None),
            ),
            models.CheckConstraint(
                name="explained_with_reason",
                condition=~Q(state="explained")
                | ~Q(reason="") & Q(explained_by__isnull=False, explained_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["cluster", "day", "rule", "metering_point", "grid_node"],
                name="one_finding_a_day",
                nulls_distinct=False,
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["cluster", "state", "-day"], name="findings_by_state")]

    def __str__(self) -> str:
        return f"{self.get_rule_display()} · {self.metering_point or self.grid_node} · {self.day}"


class Substitution(TenantModel):
    """Readings that the coordinator put in by hand, with the reason; what was measured stays in the history."""

    append_only = True

    class How(models.TextChoices):
        VALUES = "values", _("these values")
        ESTIMATED = "estimated", _("estimated")

    metering_point = TenantForeignKey("metering.MeteringPoint", db_index=False, verbose_name=_("metering point"))
    starts = models.DateTimeField(_("from"))
    ends = models.DateTimeField(_("to (exclusive)"))
    how = models.CharField(_("how"), max_length=10, choices=How)
    reason = models.CharField(_("reason"), max_length=500)
    #: The readings' version is this second.
    issued_at = models.DateTimeField(_("put in at"))
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("put in by")
    )
    readings = models.PositiveIntegerField(_("readings"))
    imported_wh = models.BigIntegerField(_("imported (Wh)"))
    exported_wh = models.BigIntegerField(_("exported (Wh)"))

    class Meta:
        verbose_name = _("substitution of readings")
        verbose_name_plural = _("substitutions of readings")
        ordering = ("-issued_at", "-id")
        constraints: ClassVar = [
            models.CheckConstraint(name="substitution_span", condition=Q(ends__gt=F("starts"))),
            models.CheckConstraint(name="substitution_reason", condition=~Q(reason="")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["cluster", "metering_point", "starts"], name="substitutions_of_a_point")
        ]

    def __str__(self) -> str:
        return f"{self.metering_point} · {self.starts:%Y-%m-%d %H:%MZ} · {self.get_how_display()}"
