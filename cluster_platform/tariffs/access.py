"""Whose tariff books a request may see, and whether it may change them."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from contracts.tariff_models import TariffBook
from participants.models import Dso
from participants.permissions import may


@dataclass(frozen=True)
class BookReader:
    """The distributor's people see drafts; coordinators on its grid what is published."""

    dso: Dso
    may_change: bool
    sees_drafts: bool

    @property
    def books(self) -> QuerySet[TariffBook]:
        """The books that the reader may see, newest first."""
        books = TariffBook.objects.filter(dso=self.dso).select_related("dso", "published_by").order_by("-number")
        return books if self.sees_drafts else books.filter(state=TariffBook.State.PUBLISHED)

    def book(self, number: int) -> TariffBook:
        """One of them; others are not found."""
        return get_object_or_404(self.books, number=number)


def reader_of(request: HttpRequest, *, changes: bool = False) -> BookReader:
    """Refuses who may not see the books, or with `changes` not change them."""
    access = request.access  # type: ignore[attr-defined]
    may_change = may(access, "change_tariff_books")
    if not may(access, "view_tariff_books") or (changes and not may_change):
        raise PermissionDenied
    return BookReader(request.cluster.dso, may_change, access.role == "dso")  # type: ignore[attr-defined]
