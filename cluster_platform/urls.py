"""All addresses of the platform."""

from django.contrib import admin
from django.urls import include, path

from cluster_platform import views
from metering.api import ReadingsView

urlpatterns = [
    path("", views.home, name="home"),
    path("now/", views.now, name="now"),
    path("energy/", views.member_energy, name="energy"),
    path("trades/", views.member_trades, name="trades"),
    path("money/", views.member_money, name="money"),
    path("money/<str:period>.csv", views.statement_csv, name="statement_csv"),
    path("cluster/", views.member_cluster, name="cluster"),
    path("dso/", views.dso, name="dso"),
    path("access/", views.choose_access, name="choose_access"),
    path("api/v1/readings", ReadingsView.as_view(), name="api-readings"),
    path("accounts/sessions/<int:session_id>/end/", views.end_session, name="end_session"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]
