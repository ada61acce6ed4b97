"""Clearing in the coordinator's admin: runs with their positions and trades."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clearing.models import ClearingRun, ExternalRules, Position, Trade
from metering.domain.calendar import INTERVAL
from metering.models import ReadingAccess
from metering.services.access_log import Reader, note_access
from participants.tenancy.admin import ReadOnlyTenantAdmin, TenantAdmin


def _table(headings: list[str], rows: Iterable[tuple[object, ...]]) -> SafeString:
    head = format_html_join("", '<th scope="col">{}</th>', ((heading,) for heading in headings))
    cells = ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
    return format_html(
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, format_html_join("", "<tr>{}</tr>", cells)
    )


@admin.register(ClearingRun)
class ClearingRunAdmin(ReadOnlyTenantAdmin):
    """Runs can be looked at, never changed."""

    list_display = (
        "interval_start", "revision", "state", "surplus_kwh", "shortage_kwh", "matched_kwh", "local_price_pln_kwh",
        "status",
    )  # fmt: skip
    list_filter = ("state", "status", "inverted", ("interval_start", admin.DateFieldListFilter))
    date_hierarchy = "interval_start"
    fields = (
        "number", "interval_start", "revision", "replaces", "status", "state", "surplus_kwh", "shortage_kwh",
        "matched_kwh", "local_price_pln_kwh", "buy_pln_kwh", "sell_pln_kwh", "inverted", "operating_cost_pln",
        "content_digest", "digest", "previous_digest", "solver", "cleared_at", "trades", "positions",
    )  # fmt: skip
    readonly_fields = ("surplus_kwh", "shortage_kwh", "matched_kwh", "trades", "positions")

    def render_change_form(
        self, request: HttpRequest, context: Any, add: bool = False, change: bool = False, form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:  # fmt: skip
        if obj is not None:
            reader = Reader(request.user.pk, request.access.role)  # type: ignore[attr-defined]
            start = obj.interval_start
            note_access(obj.cluster_id, reader, ReadingAccess.Purpose.RUN, [None], start, start + INTERVAL)
        return super().render_change_form(request, context, add, change, form_url, obj)

    @admin.display(description=_("surplus (kWh)"), ordering="surplus_wh")
    def surplus_kwh(self, run: ClearingRun) -> str:
        return kwh(run.surplus_wh)

    @admin.display(description=_("shortage (kWh)"), ordering="shortage_wh")
    def shortage_kwh(self, run: ClearingRun) -> str:
        return kwh(run.shortage_wh)

    @admin.display(description=_("traded inside (kWh)"), ordering="matched_wh")
    def matched_kwh(self, run: ClearingRun) -> str:
        return kwh(run.matched_wh)

    @admin.display(description=_("trades"))
    def trades(self, run: ClearingRun) -> SafeString:
        trades: QuerySet[Trade] = Trade.objects.filter(run=run, interval_start=run.interval_start)
        rows = [
            (t.seller.code, t.buyer.code, t.sharing_level, kwh(t.wh), t.energy_pln_kwh, t.grid_fee_pln_kwh)
            for t in trades.select_related("seller", "buyer").order_by("seller__code", "buyer__code", "sharing_level")
        ]
        headings = [gettext("Seller"), gettext("Buyer"), gettext("Sharing level"), gettext("Energy (kWh)")]
        return _table([*headings, gettext("Price (PLN/kWh)"), gettext("Grid fee (PLN/kWh)")], rows)

    @admin.display(description=_("positions"))
    def positions(self, run: ClearingRun) -> SafeString:
        positions: QuerySet[Position] = Position.objects.filter(run=run, interval_start=run.interval_start)
        rows = [
            (p.metering_point.code, kwh(p.net_wh), kwh(p.local_bought_wh), kwh(p.local_sold_wh),
             kwh(p.external_bought_wh), kwh(p.external_sold_wh), p.equalisation_pln)
            for p in positions.select_related("metering_point").order_by("metering_point__code")
        ]  # fmt: skip
        headings = [
            gettext("Metering point"), gettext("Net (kWh)"), gettext("Bought inside (kWh)"),
            gettext("Sold inside (kWh)"), gettext("Bought outside (kWh)"), gettext("Sold outside (kWh)"),
            gettext("Equalisation (PLN)"),
        ]  # fmt: skip
        return _table(headings, rows)


@admin.register(ExternalRules)
class ExternalRulesAdmin(TenantAdmin):
    """One row a cluster; without it the usual rules hold."""

    list_display = ("four_eyes", "tolerance_wh", "tolerance_pln_mwh", "tolerance_pln", "tolerance_total_pln")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and not ExternalRules.objects.exists()


def kwh(wh: int) -> str:
    """Watt-hours as kWh with three decimals."""
    return f"{wh / 1000:.3f}"
