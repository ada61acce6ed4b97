"""Who looked at whose readings."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import TenantForeignKey, TenantModel


class ReadingAccess(TenantModel):
    """Quarter-hour values of a metering point, or of all points of the cluster, were shown or written out."""

    append_only = True
    audited = False

    class Purpose(models.TextChoices):
        POINT = "point", _("looked at a metering point")
        RUN = "run", _("looked at a settled quarter-hour")
        MISSING = "missing", _("looked for missing readings")
        DATASET = "dataset", _("exported the cluster's data")
        PACKAGE = "package", _("exported a settlement package")

    at = models.DateTimeField(_("when"), db_default=Now())
    #: Empty: a command of the operator.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("who")
    )
    role = models.CharField(_("as"), max_length=12)
    #: Empty: all points of the cluster.
    metering_point = TenantForeignKey(
        "metering.MeteringPoint", null=True, db_index=False, verbose_name=_("metering point")
    )
    readings_from = models.DateTimeField(_("readings from"))
    readings_to = models.DateTimeField(_("readings to (exclusive)"))
    purpose = models.CharField(_("what for"), max_length=10, choices=Purpose)

    class Meta:
        verbose_name = _("access to readings")
        verbose_name_plural = _("accesses to readings")
        ordering = ("-at", "-id")
        indexes: ClassVar = [models.Index(fields=["cluster", "metering_point", "-at"], name="accesses_of_a_point")]
        constraints: ClassVar = [
            models.CheckConstraint(name="accessed_span", condition=Q(readings_to__gt=F("readings_from")))
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%MZ} {self.get_purpose_display()}"
