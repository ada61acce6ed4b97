from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _


class ParticipantsConfig(AppConfig):
    name = "participants"
    verbose_name = _("People")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The checks import models, which only exist from here on.
        from participants.tenancy.checks import check_database_role, check_tenant_models

        register(check_tenant_models, Tags.models)
        register(check_database_role, Tags.database)
