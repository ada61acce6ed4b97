"""The coordinator's admin: one site, the cluster in scope."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class PlatformAdminSite(AdminSite):
    """Open to coordinators in their cluster and to the operator."""

    site_header = _("Coordinator")
    site_title = _("Cluster Platform")
    index_title = _("Your cluster")

    def has_permission(self, request: HttpRequest) -> bool:
        access = getattr(request, "access", None)
        if not request.user.is_active:
            return False
        return request.user.is_superuser or (access is not None and access.role == "coordinator")


class PlatformAdminConfig(AdminConfig):
    default_site = "cluster_platform.admin_site.PlatformAdminSite"
