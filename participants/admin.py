"""People in the coordinator's admin, and the installation in the operator's."""

from django.contrib import admin

from participants.models import Cluster, Coordinator, Dso, DsoUser
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
