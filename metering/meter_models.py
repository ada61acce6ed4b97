"""The devices that measure."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from participants.tenancy.dated import ends_after_start, refuse_overlap
from participants.tenancy.models import TenantForeignKey, TenantModel


class Meter(TenantModel):
    """A device that measures at a metering point, from one local day to another; one at a time.

    Readings belong to the point: replacing its device changes none of them.
    """

    metering_point = TenantForeignKey("metering.MeteringPoint", related_name="meters", verbose_name=_("metering point"))
    serial = models.CharField(_("serial number"), max_length=40)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to (exclusive)"), null=True, blank=True)

    class Meta:
        verbose_name = _("meter")
        verbose_name_plural = _("meters")
        ordering = ("metering_point", "valid_from")
        constraints: ClassVar = [
            ends_after_start("meter_dates"),
            models.CheckConstraint(name="meter_serial", condition=Q(serial__regex=r"^\S+$")),
            models.UniqueConstraint(fields=["cluster", "serial"], condition=Q(valid_to=None), name="one_place_a_meter"),
        ]

    def clean(self) -> None:
        refuse_overlap(self, "metering_point")

    def __str__(self) -> str:
        return f"{self.serial} · {self.valid_from}"
