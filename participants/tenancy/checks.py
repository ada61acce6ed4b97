"""Start-up checks: a mistake in the set-up is found before it costs anybody privacy."""

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.db import connections, models

from participants.tenancy.models import TenantForeignKey, TenantModel


def check_tenant_models(**kwargs: Any) -> list[CheckMessage]:
    """Every model with a cluster is a tenant model, and its relations to tenant rows are composite."""
    errors: list[CheckMessage] = []
    for model in apps.get_models():
        is_tenant = issubclass(model, TenantModel)
        if not is_tenant and any(field.column == "cluster_id" for field in model._meta.local_fields):
            errors.append(Error(f"{model._meta.label} has a cluster but is no TenantModel", id="tenancy.E001"))
        if model._meta.local_many_to_many and is_tenant:
            errors.append(Error(f"{model._meta.label}: use an explicit model, no many-to-many", id="tenancy.E002"))
        for field in model._meta.local_fields:
            if not isinstance(field, models.ForeignKey) or field.name == "cluster":
                continue
            target = model if field.remote_field.model == "self" else field.related_model
            if issubclass(target, TenantModel) and not (is_tenant and isinstance(field, TenantForeignKey)):
                errors.append(Error(f"{model._meta.label}.{field.name} needs a TenantForeignKey", id="tenancy.E003"))
    return errors


def check_database_role(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The application's role neither owns the tables nor bypasses row-level security."""
    if not databases or "default" not in databases:
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolbypassrls OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid) "
            "FROM pg_roles WHERE rolname = current_user"
        )
        unsafe = cursor.fetchone()[0]
    if unsafe:
        hint = "DATABASE_URL must name a plain role; the owner's goes into DATABASE_OWNER_URL."
        return [Error("the application's database role could see all clusters", hint=hint, id="tenancy.E004")]
    return []
