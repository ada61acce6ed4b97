from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps

# Pages and the API queue tasks too, and must find the queue of the settings.
from cluster_platform.celery import app as celery_app

__all__ = ["ClusterPlatformConfig", "PlatformAdminConfig", "celery_app"]


class ClusterPlatformConfig(AppConfig):
    name = "cluster_platform"
    default = True


class PlatformAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "cluster_platform.admin_site.PlatformAdminSite"
