"""All addresses of the platform."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from cluster_platform import (
    agreement_views,
    bill_views,
    completeness_views,
    delivery_views,
    finding_views,
    privacy_views,
    role_views,
    views,
)
from cluster_platform.second_factor_views import ActivateApp, AddKey
from metering.api import ReadingsView
from metering.file_api import FilesView, FileView

urlpatterns = [
    path("", views.home, name="home"),
    path("now/", views.now, name="now"),
    path("energy/", views.member_energy, name="energy"),
    path("trades/", views.member_trades, name="trades"),
    path("money/", views.member_money, name="money"),
    path("money/<str:period>.csv", views.statement_csv, name="statement_csv"),
    path("bills/", bill_views.bills, name="bills"),
    path("bills/account/", bill_views.account, name="bills_account"),
    path("bills/<int:number>/", bill_views.bill, name="bill"),
    path("bills/<int:number>.pdf", bill_views.bill_pdf, name="bill_pdf"),
    path("cluster/", views.member_cluster, name="cluster"),
    path("privacy/", privacy_views.privacy, name="privacy"),
    path("privacy/consents/", privacy_views.change_consent, name="change_consent"),
    path("privacy/data.zip", privacy_views.own_data, name="own_data"),
    path("privacy/erasure/", privacy_views.request_erasure, name="request_erasure"),
    path("privacy/erasure/withdraw/", privacy_views.withdraw_erasure, name="withdraw_erasure"),
    path("contract/", agreement_views.contract, name="contract"),
    path("contract/<int:number>/", agreement_views.contract, name="contract_number"),
    path("contract/<int:number>.pdf", agreement_views.contract_pdf, name="contract_pdf"),
    path("contract/<int:number>/signatures.pdf", agreement_views.contract_confirmation, name="contract_confirmation"),
    path("contract/<int:number>/<slug:act>/", agreement_views.contract_act, name="contract_act"),
    path("dso/", views.dso, name="dso"),
    path("dso/completeness/", completeness_views.completeness, name="dso_completeness"),
    path("dso/findings/", finding_views.findings, name="dso_findings"),
    path("dso/findings/<slug:slug>/<int:number>/", finding_views.finding, name="dso_finding"),
    path("dso/deliveries/", delivery_views.deliveries, name="dso_deliveries"),
    path("dso/deliveries/<slug:slug>/<int:number>/", delivery_views.delivery, name="dso_delivery"),
    path("access/", views.choose_access, name="choose_access"),
    path("delegates/", role_views.delegates, name="delegates"),
    path("delegates/<int:number>/remove/", role_views.remove_delegate, name="remove_delegate"),
    path("delegates/invitations/<int:number>/withdraw/", role_views.withdraw_invitation, name="withdraw_invitation"),
    path("roles/<str:token>/", role_views.role_invitation, name="role_invitation"),
    path("", include("cluster_platform.tariffs.urls")),
    path("", include("cluster_platform.grid_fees.urls")),
    path("", include("cluster_platform.onboarding.urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/v1/readings", ReadingsView.as_view(), name="api-readings"),
    path("api/v1/files", FilesView.as_view(), name="api-files"),
    path("api/v1/files/<int:number>", FileView.as_view(), name="api-file"),
    path("accounts/sessions/<int:session_id>/end/", views.end_session, name="end_session"),
    path("accounts/2fa/totp/activate/", ActivateApp.as_view(), name="mfa_activate_totp"),
    path("accounts/2fa/webauthn/add/", AddKey.as_view(), name="mfa_add_webauthn"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
]
