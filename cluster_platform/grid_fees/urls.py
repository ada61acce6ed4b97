"""Addresses of the distributor's grid fees."""

from django.urls import path

from cluster_platform.grid_fees import api, pages

urlpatterns = [
    path("dso/statements/", pages.statements, name="dso_statements"),
    path("dso/statements/<slug:slug>/<int:number>/", pages.document, name="dso_document"),
    path("api/v1/grid-fees", api.GridFeeMonthsView.as_view(), name="api-grid-fee-months"),
    path("api/v1/grid-fees/<slug:slug>/<str:month>", api.GridFeesView.as_view(), name="api-grid-fees"),
]
