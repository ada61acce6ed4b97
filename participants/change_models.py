"""The history of changes."""

from typing import Any, ClassVar

from django.db import models
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
        indexes: ClassVar = [models.Index(fields=["cluster", "table_name", "row_id", "-id"], name="history_of_a_row")]

    def __str__(self) -> str:
        return f"{self.table_name} {self.row_id} {self.operation}"
