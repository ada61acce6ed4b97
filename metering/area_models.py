"""Parts of the grid that a distributor's user looks after."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import TenantForeignKey, TenantModel


class DsoArea(TenantModel):
    """A node of the grid with all below it, for a distributor's user who does not look after the whole grid."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("distributor's user")
    )
    grid_node = TenantForeignKey("metering.GridNode", verbose_name=_("grid node"))

    class Meta:
        verbose_name = _("distributor's area")
        verbose_name_plural = _("distributor's areas")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "user", "grid_node"], name="one_area_a_node"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.grid_node}"
