"""What a migration does to protect a tenant table, and what the application's role may do."""

from typing import Any

from django.apps import apps
from django.db import models
from django.db.migrations.operations.base import Operation

from participants.tenancy.bulk_links import create_links, drop_links
from participants.tenancy.models import TenantForeignKey, TenantModel

POLICY = "cluster_id = ANY((SELECT current_setting('app.clusters')::bigint[])::bigint[])"


class ProtectTenant(Operation):
    """Row-level security, the (cluster, id) key that relations point at, and the composite foreign keys.

    Relations of bulk tables are checked per statement instead (bulk_links.py).
    """

    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The tables change, the models' state does not."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for statement in self._statements(to_state.apps.get_model(app_label, self.model_name)):
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """What was added goes with the table that the migration's other operations drop, but for triggers elsewhere."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if _is_bulk(model):
            for statement in drop_links(model._meta.db_table, self._links(model)):
                schema_editor.execute(statement)

    def describe(self) -> str:
        return f"Protect the tenant rows of {self.model_name}"

    def _statements(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        statements = [
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY "{table}_cluster" ON "{table}" USING ({POLICY}) WITH CHECK ({POLICY})',
        ]
        if model._meta.pk.name == "id":
            statements.append(f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_tenant" UNIQUE (cluster_id, id)')
        links = self._links(model)
        if _is_bulk(model):
            return [*statements, *create_links(table, links)] if links else statements
        return statements + [
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{column}_tenant" FOREIGN KEY (cluster_id, "{column}") '
            f'REFERENCES "{target}" (cluster_id, id) DEFERRABLE INITIALLY IMMEDIATE'
            for column, target in links
        ]

    def _links(self, model: type[models.Model]) -> list[tuple[str, str]]:
        """Column and target table of the model's relations inside the cluster."""
        return [
            (field.column, (model if field.remote_field.model == "self" else field.related_model)._meta.db_table)
            for field in model._meta.local_fields
            if isinstance(field, TenantForeignKey)
        ]


def _is_bulk(model: type[models.Model]) -> bool:
    """Whether it is a BulkTenantModel: in a migration's state only that one's fields are left to tell."""
    return not getattr(model._meta.get_field("cluster"), "db_constraint", True)


def tenant_models() -> list[type[TenantModel]]:
    """All models whose rows belong to a cluster."""
    return [model for model in apps.get_models() if issubclass(model, TenantModel)]


def _rights(model: type[models.Model]) -> str:
    if getattr(model, "written_by_triggers", False):
        return "SELECT"
    return "SELECT, INSERT" if getattr(model, "append_only", False) else "SELECT, INSERT, UPDATE, DELETE"


def grant_application_role(connection: Any, role: str) -> None:
    """Give the application's role what it needs and nothing else; run by the owner after every migration.

    Append-only tables get no UPDATE and DELETE; partitions get no grant, so they are reached through their parent only.
    """
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {quote(role)}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quote(role)}")
        present = set(connection.introspection.table_names(cursor))
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            if table not in present:
                continue
            rights = _rights(model)
            cursor.execute(f"REVOKE ALL ON TABLE {quote(table)} FROM {quote(role)}")
            cursor.execute(f"GRANT {rights} ON TABLE {quote(table)} TO {quote(role)}")
        if "django_migrations" in present:
            cursor.execute(f"GRANT SELECT ON TABLE django_migrations TO {quote(role)}")
