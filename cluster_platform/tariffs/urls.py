"""Addresses of the tariff books."""

from django.urls import path, re_path

from cluster_platform.tariffs import api, keys, member, pages

urlpatterns = [
    path("tariff/", member.calendar, name="tariff"),
    path("dso/tariffs/", pages.books, name="dso_tariffs"),
    path("dso/tariffs/example.xlsx", pages.example, name="dso_tariff_example"),
    path("dso/tariffs/keys/", keys.keys, name="dso_tariff_keys"),
    path("dso/tariffs/keys/<int:number>/revoke/", keys.revoke, name="dso_tariff_key_revoke"),
    path("dso/tariffs/<int:number>/", pages.book, name="dso_tariff"),
    path("dso/tariffs/<int:number>.xlsx", pages.workbook, name="dso_tariff_xlsx"),
    re_path(
        r"^dso/tariffs/(?P<number>\d{1,9})/(?P<name>tariff|zones|discounts)\.csv$", pages.table, name="dso_tariff_csv"
    ),
    path("dso/tariffs/<int:number>/calendar/<str:group>/", pages.calendar, name="dso_tariff_calendar"),
    path("api/v1/tariff-books", api.BooksView.as_view(), name="api-tariff-books"),
    path("api/v1/tariff-books/<int:number>", api.BookView.as_view(), name="api-tariff-book"),
    path("api/v1/tariff-books/<int:number>/discard", api.DiscardView.as_view(), name="api-tariff-book-discard"),
    path("api/v1/tariff-books/<int:number>/publish", api.PublishView.as_view(), name="api-tariff-book-publish"),
]
