"""Addresses of onboarding."""

from django.urls import path

from cluster_platform.onboarding import accepting, apply, complaining, dso, own, public, status

_MINE = "c/<slug:slug>/applications/<int:application>/"

urlpatterns = [
    path("c/", public.clusters, name="clusters"),
    path("c/<slug:slug>/", public.cluster, name="cluster_public"),
    path("c/<slug:slug>/now/", public.now, name="cluster_public_now"),
    path("c/<slug:slug>/apply/", apply.begin, name="apply"),
    path("c/<slug:slug>/invitations/<str:token>/", accepting.invitation, name="invitation"),
    path(_MINE, status.status, name="application"),
    path(f"{_MINE}withdraw/", status.withdraw, name="application_withdraw"),
    path(f"{_MINE}data.zip", own.data, name="application_data"),
    path(f"{_MINE}erase/", own.erase, name="application_erase"),
    path(f"{_MINE}who/", apply.part, {"page": "who"}, name="application_who"),
    path(f"{_MINE}address/", apply.part, {"page": "address"}, name="application_address"),
    path(f"{_MINE}points/", apply.points, name="application_points"),
    path(f"{_MINE}documents/", apply.documents, name="application_documents"),
    path(f"{_MINE}check/", apply.check, name="application_check"),
    path(f"{_MINE}points/<int:point>/", apply.points, name="application_point"),
    path(f"{_MINE}points/<int:point>/remove/", apply.remove_point, name="application_point_remove"),
    path(f"{_MINE}documents/<int:document>/", apply.document, name="application_document"),
    path(f"{_MINE}documents/<int:document>/remove/", apply.remove_document, name="application_document_remove"),
    path("complaints/", complaining.complaints, name="complaints"),
    path("dso/applications/", dso.applications, name="dso_applications"),
    path("dso/applications/<slug:slug>/<int:application>/", dso.application, name="dso_application"),
]
