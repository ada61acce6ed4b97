"""What belongs to an API key: what it may write, when it was used, and the answers it was given."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from participants.models import ApiKey
from participants.tenancy.models import TenantForeignKey, TenantModel


class KeyScope(TenantModel):
    """A metering point, or a grid node with all below it, that a key may write; a key without any may write all."""

    api_key = TenantForeignKey(ApiKey, related_name="scopes", verbose_name=_("API key"))
    metering_point = TenantForeignKey("metering.MeteringPoint", null=True, blank=True, verbose_name=_("metering point"))
    grid_node = TenantForeignKey("metering.GridNode", null=True, blank=True, verbose_name=_("grid node and below"))

    class Meta:
        verbose_name = _("what an API key may write")
        verbose_name_plural = _("what the API key may write (nothing: all points)")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="scope_point_or_node",
                condition=Q(metering_point=None, grid_node__isnull=False)
                | Q(metering_point__isnull=False, grid_node=None),
                violation_error_message=_("Give either a metering point or a grid node."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.metering_point or self.grid_node)


class KeyUse(TenantModel):
    """When a key was last used, to the minute."""

    audited = False

    api_key = TenantForeignKey(ApiKey, related_name="uses")
    last_used_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster", "api_key"], name="one_use_a_key")]


class KeyAnswer(TenantModel):
    """The answer that a request with an Idempotency-Key was given, so that the same request gets it again."""

    append_only = True
    audited = False

    api_key = TenantForeignKey(ApiKey)
    idempotency_key = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "api_key", "idempotency_key"], name="one_answer_a_key"),
        ]
