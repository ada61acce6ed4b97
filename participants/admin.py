"""People in the coordinator's admin, and the installation in the operator's."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from participants.dso_keys import revoke_dso_key
from participants.models import Cluster, Coordinator, Dso, DsoKey, DsoUser
from participants.role_admin import MembershipAdmin, RoleInvitationAdmin
from participants.tenancy.admin import OperatorOnly, TenantAdmin
from participants.user_admin import PlatformUserAdmin

__all__ = ["MembershipAdmin", "PlatformUserAdmin", "RoleInvitationAdmin"]


@admin.register(Coordinator)
class CoordinatorAdmin(TenantAdmin):
    list_display = ("name", "nip", "city", "iban")


@admin.register(Cluster)
class ClusterAdmin(OperatorOnly, admin.ModelAdmin):
    list_display = ("name", "slug", "dso", "timezone")


@admin.register(Dso)
class DsoAdmin(OperatorOnly, admin.ModelAdmin):
    list_display = ("name", "nip")


@admin.register(DsoUser)
class DsoUserAdmin(OperatorOnly, admin.ModelAdmin):
    list_display = ("user", "dso", "whole_grid")


@admin.register(DsoKey)
class DsoKeyAdmin(OperatorOnly, admin.ModelAdmin):
    """The distributor's people make and revoke their keys; the operator revokes one that got out."""

    list_display = ("dso", "name", "created_at", "created_by", "last_used_at", "revoked_at")
    list_filter = ("dso",)
    list_select_related = ("dso", "created_by")
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description=_("Revoke the chosen keys"), permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[DsoKey]) -> None:
        number = sum(revoke_dso_key(key, timezone.now()) for key in queryset)
        text = ngettext("%(n)s key was revoked.", "%(n)s keys were revoked.", number)
        self.message_user(request, text % {"n": number}, messages.SUCCESS)
