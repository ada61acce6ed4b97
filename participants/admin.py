"""People in the coordinator's admin, and the installation in the operator's."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.utils.translation import gettext_lazy as _

from participants.models import Cluster, Coordinator, Dso, DsoUser, User
from participants.role_admin import MembershipAdmin, RoleInvitationAdmin
from participants.tenancy.admin import OperatorOnly, TenantAdmin

__all__ = ["MembershipAdmin", "RoleInvitationAdmin"]


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


@admin.register(User)
class PlatformUserAdmin(OperatorOnly, UserAdmin):
    list_display = ("email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email",)
    ordering = ("email",)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Access"), {"fields": ("is_active", "is_superuser")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    add_form = AdminUserCreationForm
    filter_horizontal = ()
