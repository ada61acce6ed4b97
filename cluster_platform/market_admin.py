"""The market's prices in the coordinator's admin: looked at, and taken in from files of the publisher."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from billing import numbers
from cluster_platform.fault_words import finding_in_words
from contracts.domain.market_prices import MarketPricesRefused, PriceFault, days_of, read_prices
from contracts.models import MarketPrice
from contracts.services.market import Stored, store_market_prices
from contracts.tasks import price_cluster
from participants.tenancy.admin import ViewOnly, may_operate, request_may
from participants.tenancy.tasks import for_every_cluster

#: A year of quarter-hours has about 12 MB.
LARGEST_FILE = 16 * 2**20
LISTED_DAYS = 10


class MarketFileForm(forms.Form):
    """A file of the publisher."""

    file = forms.FileField(label=_("File of market prices (JSON)"), allow_empty_file=True)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            values = {"n": LARGEST_FILE >> 20}
            raise forms.ValidationError(_("The file is larger than %(n)s MB; send it in parts.") % values)
        return file


@admin.register(MarketPrice)
class MarketPriceAdmin(ViewOnly, admin.ModelAdmin):
    """One list for all clusters: looked at by every coordinator, added to by those who keep prices."""

    list_display = ("interval_start", "version", "pln_mwh", "published_at", "received_at", "via", "source")
    list_filter = ("via", ("interval_start", admin.DateFieldListFilter))
    date_hierarchy = "interval_start"
    exclude = ("user",)
    list_per_page = 100
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request_may(request, "view_cluster")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request_may(request, "view_cluster")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request_may(request, "change_prices")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Upload a file."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = MarketFileForm(*sent)
        faults: list[PriceFault] = []
        if request.method == "POST" and form.is_valid():
            try:
                told = self._take(request, form.cleaned_data["file"])
            except MarketPricesRefused as error:
                faults = [PriceFault(each.row, each.field, finding_in_words(each.text)) for each in error.faults]
            else:
                messages.success(request, told)
                return redirect("admin:contracts_marketprice_changelist")
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": gettext("Upload market prices"),
            "subtitle": None,
            "opts": self.opts,
            "form": form,
            "faults": faults,
        }
        return TemplateResponse(request, "admin/market_upload.html", context)

    def _take(self, request: HttpRequest, file: Any) -> str:
        prices = read_prices(file.read())
        via = MarketPrice.Via.OPERATOR if may_operate(request) else MarketPrice.Via.COORDINATOR
        stored = store_market_prices(prices, via, file.name, timezone.now(), request.user.pk)
        if stored.changed:
            transaction.on_commit(partial(for_every_cluster, price_cluster), robust=True)
        return f"{_days_in_words(days_of(prices))}: {stored_in_words(stored)}"


def stored_in_words(stored: Stored) -> str:
    """What became of the quarter-hours of a file."""
    texts = (
        (stored.new, ngettext("%(n)s new quarter-hour", "%(n)s new quarter-hours", stored.new)),
        (stored.replaced, ngettext("%(n)s with another price", "%(n)s with another price", stored.replaced)),
        (stored.unchanged, ngettext("%(n)s unchanged", "%(n)s unchanged", stored.unchanged)),
        (stored.older, ngettext("%(n)s older than what holds", "%(n)s older than what holds", stored.older)),
        (stored.kept, ngettext("%(n)s differs from the market's own source, which holds",
                               "%(n)s differ from the market's own source, which holds", stored.kept)),
    )  # fmt: skip
    return ", ".join(text % {"n": numbers.number(count)} for count, text in texts if count)


def _days_in_words(days: list[Any]) -> str:
    shown = ", ".join(f"{day}" for day in days[:LISTED_DAYS])
    return f"{shown}, …" if len(days) > LISTED_DAYS else shown
