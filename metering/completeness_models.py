"""Which readings have not come, and who was reminded of them."""

from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import BulkTenantModel, TenantForeignKey, TenantModel


class ReadingGap(BulkTenantModel):
    """A finished local day of which a metering point lacks delivered readings; a row goes once all have arrived.

    Of the day's quarter-hours `missing` have no reading at all and `estimated` only an estimate; `first_at` is the
    first of both.
    """

    pk = models.CompositePrimaryKey("cluster_id", "metering_point_id", "day")
    metering_point = TenantForeignKey("metering.MeteringPoint", db_index=False)
    day = models.DateField()
    missing = models.PositiveSmallIntegerField()
    estimated = models.PositiveSmallIntegerField()
    first_at = models.DateTimeField()

    class Meta:
        verbose_name = _("gap in the readings")
        verbose_name_plural = _("gaps in the readings")
        indexes: ClassVar = [models.Index(fields=["cluster", "day"], name="gaps_by_day")]
        constraints: ClassVar = [
            models.CheckConstraint(name="gap_of_something", condition=Q(missing__gt=0) | Q(estimated__gt=0))
        ]


class ReminderSetting(TenantModel):
    """Whether those who owe readings are reminded, and from which local hour on; a cluster without a row: from 8."""

    on = models.BooleanField(_("remind by e-mail"), default=True)
    hour = models.PositiveSmallIntegerField(
        _("from this hour on"), default=8, validators=[MaxValueValidator(23)], help_text=_("local time, 0 to 23")
    )

    class Meta:
        verbose_name = _("reminders of missing readings")
        verbose_name_plural = _("reminders of missing readings")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster"], name="one_reminder_setting"),
            models.CheckConstraint(name="reminder_hour", condition=Q(hour__lt=24)),
        ]


class Reminder(TenantModel):
    """An e-mail that told somebody which readings they owe; at most one a local day and address."""

    append_only = True
    audited = False

    day = models.DateField(_("day"))
    address = models.EmailField(_("e-mail address"))
    points = models.PositiveIntegerField(_("metering points"))
    quarter_hours = models.PositiveBigIntegerField(_("quarter-hours"))
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "day", "address"], name="one_reminder_a_day")
        ]
