"""The history of changes."""

from typing import Any, ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from participants.tenancy.models import TenantModel


class Change(TenantModel):
    """One row of the cluster before and after a change, noted by the database (tenancy/audit.py)."""

    append_only = True
    written_by_triggers = True
    audited = False

    class Operation(models.TextChoices):
        INSERT = "insert", _("created")
        UPDATE = "update", _("changed")
        DELETE = "delete", _("deleted")
        ERASE = "erase", _("personal data erased")

    at = models.DateTimeField(_("when"))
    #: Empty: a command or a task of the platform. The number outlives a deleted login.
    user = models.ForeignKey(
        "participants.User",
        null=True,
        db_constraint=False,
        db_index=False,
        on_delete=models.DO_NOTHING,
        related_name="+",
        verbose_name=_("who"),
    )
    operation = models.CharField(_("what"), max_length=10, choices=Operation)
    table_name = models.CharField(_("table"), max_length=63)
    row_id = models.BigIntegerField(_("row"))
    before: Any = models.JSONField(_("before"), null=True)
    after: Any = models.JSONField(_("after"), null=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("history of changes")
        ordering = ("-id",)
        indexes: ClassVar = [
            models.Index(fields=["cluster", "table_name", "row_id", "-id"], name="history_of_a_row"),
            # The platform's own changes are most of all, and few ask for them: they are left out.
            models.Index(fields=["cluster", "user", "-id"], name="history_by_a_user", condition=Q(user__isnull=False)),
            models.Index(fields=["cluster", "-id"], name="history_by_users", condition=Q(user__isnull=False)),
            models.Index(
                fields=["cluster", "operation", "-id"], name="history_of_the_rare",
                condition=Q(operation__in=["delete", "erase"]),
            ),
            # Rows come in the order of time.
            BrinIndex(fields=["at"], name="history_of_a_day", pages_per_range=32, autosummarize=True),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.table_name} {self.row_id} {self.operation}"
