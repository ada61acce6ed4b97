"""Bases of all tenant models."""

from typing import Any, ClassVar

from django.db import models


class TenantModel(models.Model):
    """A row that belongs to one cluster. Its migration protects the table with `ProtectTenant`."""

    #: The application may only insert and read (results that were settled are never overwritten).
    append_only = False
    #: Only the database itself writes here.
    written_by_triggers = False
    #: Changes are noted with who, when, before and after (audit.py); results are not.
    audited = True
    #: Columns whose values are left out of what is noted.
    secret_columns: ClassVar[tuple[str, ...]] = ()

    cluster = models.ForeignKey(
        "participants.Cluster", on_delete=models.PROTECT, related_name="+", editable=False, db_index=False
    )

    class Meta:
        abstract = True


class BulkTenantModel(TenantModel):
    """A tenant row of which there are millions: its composite relations already vouch for the cluster."""

    audited = False

    cluster = models.ForeignKey(
        "participants.Cluster",
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        abstract = True


class TenantForeignKey(models.ForeignKey):
    """A relation inside one cluster.

    A plain foreign key is checked past row-level security and would accept another cluster's row, so the constraint
    in the database is a composite one, (cluster_id, x_id) → (cluster_id, id), which `ProtectTenant` adds.
    """

    def __init__(self, to: Any, **kwargs: Any) -> None:
        kwargs.setdefault("on_delete", models.PROTECT)
        kwargs.setdefault("related_name", "+")
        kwargs["db_constraint"] = False
        super().__init__(to, **kwargs)
