"""`migrate` runs under the owner's role, then sets up the history of changes and the application role's rights."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections

from participants.tenancy.audit import audit_tenant_tables
from participants.tenancy.ddl import grant_application_role


class Command(migrate.Command):
    """Django's migrate, on the database alias `owner`."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options["database"] == "owner":
            audit_tenant_tables(connections["owner"])
            grant_application_role(connections["owner"], connections["default"].settings_dict["USER"])
