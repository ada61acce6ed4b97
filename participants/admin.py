"""People in the coordinator's admin, and the installation in the operator's."""

from typing import Any

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext

from participants.api_keys import create_api_key
from participants.models import ApiKey, Cluster, Coordinator, Dso, DsoUser
from participants.role_admin import MembershipAdmin, RoleInvitationAdmin
from participants.tenancy.admin import OperatorOnly, TenantAdmin
from participants.user_admin import PlatformUserAdmin

__all__ = ["MembershipAdmin", "PlatformUserAdmin", "RoleInvitationAdmin"]


@admin.register(Coordinator)
class CoordinatorAdmin(TenantAdmin):
    list_display = ("name", "nip", "city", "iban")


@admin.register(ApiKey)
class ApiKeyAdmin(TenantAdmin):
    list_display = ("name", "created_at", "revoked_at")
    readonly_fields = ("created_at",)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ModelForm, change: bool) -> None:
        if change:
            obj.save()
            return
        token, stored = create_api_key(request.cluster, obj.name)  # type: ignore[attr-defined]
        obj.pk = stored.pk
        text = gettext("The key, shown only now: %(token)s") % {"token": token}
        messages.warning(request, text)

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj else ("revoked_at",)


@admin.register(Cluster)
class ClusterAdmin(OperatorOnly, admin.ModelAdmin):
    list_display = ("name", "slug", "dso", "timezone")


@admin.register(Dso)
class DsoAdmin(OperatorOnly, admin.ModelAdmin):
    list_display = ("name", "nip")


@admin.register(DsoUser)
class DsoUserAdmin(OperatorOnly, admin.ModelAdmin):
    list_display = ("user", "dso", "whole_grid")
