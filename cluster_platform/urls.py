"""All addresses of the platform."""

from django.contrib import admin
from django.urls import include, path

from cluster_platform import views

urlpatterns = [
    path("", views.home, name="home"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]
