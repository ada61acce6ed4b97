"""Roles that were offered to somebody by e-mail."""

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import TenantForeignKey, TenantModel

#: How long an invitation can be taken up.
VALID_FOR = dt.timedelta(days=14)


class RoleInvitation(TenantModel):
    """A role for whoever owns this e-mail address: a participant's delegate, or one of the coordinator's people.

    Only the hash of the secret in the link is kept. Taken up, it stays as evidence of who let whom in.
    """

    class Level(models.TextChoices):
        FULL = "full", _("administrator")
        ACT = "act", _("read and act")
        ACCOUNTS = "accounts", _("accountant")
        READ = "read", _("read only")

    secret_columns = ("secret_sha256",)

    email = models.EmailField(_("e-mail address"))
    level = models.CharField(_("level"), max_length=8, choices=Level)
    participant = TenantForeignKey("participants.Participant", null=True, blank=True, verbose_name=_("participant"))
    secret_sha256 = models.CharField(_("hash of the secret"), max_length=64, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("invited by")
    )
    created_at = models.DateTimeField(_("created"))
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, verbose_name=_("taken up by")
    )
    taken_at = models.DateTimeField(_("taken up"), null=True)

    class Meta:
        verbose_name = _("invitation to a role")
        verbose_name_plural = _("invitations to roles")
        ordering = ("-created_at",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "secret_sha256"], name="one_role_invitation_a_secret"),
            models.UniqueConstraint(
                fields=["cluster", "email", "participant"],
                condition=Q(taken_at=None),
                name="one_open_role_invitation",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="levels_to_invite_to",
                condition=Q(participant__isnull=False, level__in=["act", "read"])
                | Q(participant__isnull=True, level__in=["full", "accounts", "read"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.get_level_display()})"

    @property
    def expires_at(self) -> dt.datetime:
        return self.created_at + VALID_FOR
