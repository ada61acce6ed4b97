"""What is kept of old readings: sums by local day."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import BulkTenantModel, TenantForeignKey, TenantModel


class AggregatedMonth(TenantModel):
    """A local month of which only daily sums are kept from `at` on: its quarter-hours come in no more."""

    append_only = True
    audited = False

    month = models.DateField(_("month (its first day)"))
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("month kept as daily sums")
        verbose_name_plural = _("months kept as daily sums")
        ordering = ("-month",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "month"], name="one_aggregated_month"),
            models.CheckConstraint(name="aggregated_month_first_day", condition=Q(month__day=1)),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class ReadingDay(BulkTenantModel):
    """What a metering point imported and exported on a local day (Wh), and how many quarter-hours of each quality.

    Written by the database's own function, which removes the readings in the same moment (metering/retention_sql.py).
    """

    append_only = True
    written_by_triggers = True

    pk = models.CompositePrimaryKey("cluster_id", "metering_point_id", "day")
    metering_point = TenantForeignKey("metering.MeteringPoint", db_index=False)
    day = models.DateField()
    imported_wh = models.PositiveBigIntegerField()
    exported_wh = models.PositiveBigIntegerField()
    measured = models.PositiveSmallIntegerField()
    split = models.PositiveSmallIntegerField()
    substituted = models.PositiveSmallIntegerField()
    estimated = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("daily sum of readings")
        verbose_name_plural = _("daily sums of readings")
