"""What people decide about their data."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import TenantForeignKey, TenantModel


class Consent(TenantModel):
    """A participant's decision about one purpose; the latest one holds. Who never decided has not consented."""

    append_only = True
    audited = False

    class Purpose(models.TextChoices):
        DIRECTORY_NAME = "directory_name", _("my name in the cluster's directory")
        DIRECTORY_GENERATION = "directory_generation", _("my generation capacity beside my name")

    participant = TenantForeignKey("participants.Participant", db_index=False, verbose_name=_("participant"))
    purpose = models.CharField(_("purpose"), max_length=30, choices=Purpose)
    given = models.BooleanField(_("given"))
    decided_at = models.DateTimeField(_("decided"), db_default=Now())
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("decided by")
    )

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ("-id",)
        indexes: ClassVar = [models.Index(fields=["cluster", "participant", "purpose", "-id"], name="latest_consent")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="consent_purpose", condition=Q(purpose__in=["directory_name", "directory_generation"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.decided_at:%Y-%m-%d}"


class ErasureRequest(TenantModel):
    """A participant's wish to be forgotten, and when it was fulfilled."""

    participant = TenantForeignKey("participants.Participant", db_index=False, verbose_name=_("participant"))
    requested_at = models.DateTimeField(_("requested"))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("requested by")
    )
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True)
    erased_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("erased by")
    )

    class Meta:
        verbose_name = _("request for erasure")
        verbose_name_plural = _("requests for erasure")
        ordering = ("erased_at", "requested_at")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "participant"], name="one_erasure_a_participant")
        ]

    def __str__(self) -> str:
        return f"{self.participant.code} {self.requested_at:%Y-%m-%d}"
