from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ClusterPlatformConfig(AppConfig):
    name = "cluster_platform"
    default = True


class PlatformAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "cluster_platform.admin_site.PlatformAdminSite"
