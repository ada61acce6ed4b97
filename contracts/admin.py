"""Contracts, settings, tariffs and prices in the coordinator's admin."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from contracts.agreement_admin import AgreementAdmin, AgreementTemplateAdmin, ExternalPartnerAdmin
from contracts.models import (
    Agreement,
    ClusterSettings,
    Contract,
    ExternalPrice,
    ExternalTerms,
    StaticKey,
    TariffBook,
    TariffRate,
    TariffZone,
)
from contracts.services.external_prices import price_externally
from contracts.settings_form import ClusterSettingsForm
from contracts.standard_admin import (
    ClusterTermsAdmin,
    MonthlyMarketPriceAdmin,
    OfferAssignmentAdmin,
    ReliefStepAdmin,
    RetailOfferAdmin,
    SaleMechanismAdmin,
    StandardSalePriceAdmin,
)
from metering.admin import DatedAdmin
from participants.tenancy.admin import ReadOnlyTenantAdmin, TenantAdmin, ViewOnly, request_may

__all__ = [
    "AgreementAdmin",
    "AgreementTemplateAdmin",
    "ClusterTermsAdmin",
    "ExternalPartnerAdmin",
    "MonthlyMarketPriceAdmin",
    "OfferAssignmentAdmin",
    "ReliefStepAdmin",
    "RetailOfferAdmin",
    "SaleMechanismAdmin",
    "StandardSalePriceAdmin",
]
#: Only the books whose rows may be seen.
BOOKS = ("book", admin.RelatedOnlyFieldListFilter)


@admin.register(Contract)
class ContractAdmin(DatedAdmin):
    change_action = "change_people"
    list_display = ("participant", "scheme", "valid_from", "valid_to")
    list_filter = ("scheme",)
    search_fields = ("participant__code", "participant__name")
    list_select_related = ("participant",)
    autocomplete_fields = ("participant",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever has an agreement is settled by it, not by hand."""
        by_hand = obj is None or not obj.participant.agreements.exists()
        return by_hand and super().has_change_permission(request, obj)


@admin.register(ClusterSettings)
class ClusterSettingsAdmin(DatedAdmin):
    form = ClusterSettingsForm
    list_display = (
        "valid_from",
        "allocation",
        "price_rule",
        "price_share",
        "residual",
        "buyer_fee_pln_kwh",
        "reading_deadline_hours",
    )


@admin.register(StaticKey)
class StaticKeyAdmin(DatedAdmin):
    list_display = ("participant", "share", "valid_from")
    list_select_related = ("participant",)
    autocomplete_fields = ("participant",)


@admin.register(ExternalTerms)
class ExternalTermsAdmin(TenantAdmin):
    """Prices of quarter-hours are made anew as soon as terms are stored."""

    change_action = "change_prices"
    list_display = (
        "partner", "direction", "kind", "price_pln_mwh", "factor", "margin_pln_mwh", "balancing_pln_mwh",
        "balancing_in_price", "valid_from", "valid_to",
    )  # fmt: skip
    list_filter = ("direction", "kind")
    list_select_related = ("partner",)
    readonly_fields = ("direction",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Agreements with members are none of these."""
        if db_field.name == "agreement":
            outside = Agreement.objects.filter(partner__isnull=False).select_related("partner")
            kwargs["queryset"] = outside.filter(cluster=request.cluster)  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ExternalTerms, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        priced = price_externally(obj.cluster, timezone.now())
        text = ngettext("%(n)s quarter-hour has another price.", "%(n)s quarter-hours have another price.", priced)
        messages.success(request, text % {"n": priced})


@admin.register(ExternalPrice)
class ExternalPriceAdmin(ReadOnlyTenantAdmin):
    list_display = ("interval_start", "version", "buy_pln_kwh", "sell_pln_kwh")
    date_hierarchy = "interval_start"


class PublishedAdmin(ViewOnly, admin.ModelAdmin):
    """The published books of the cluster's distributor, which are only looked at."""

    #: The way from the row to its book.
    to_book = "book__"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request_may(request, "view_cluster")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request_may(request, "view_cluster")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        dso = request.cluster.dso_id  # type: ignore[attr-defined]
        return super().get_queryset(request).filter(**{f"{self.to_book}dso": dso, f"{self.to_book}state": "published"})


@admin.register(TariffBook)
class TariffBookAdmin(PublishedAdmin):
    to_book = ""
    list_display = ("number", "name", "valid_from", "published_at", "replaces", "reason")
    list_select_related = ("replaces",)


@admin.register(TariffRate)
class TariffRateAdmin(PublishedAdmin):
    list_filter = (BOOKS, "group")
    list_select_related = ("book",)
    list_display = (
        "book", "group", "component", "zone", "rate_net", "unit", "local_treatment", "use_from_kwh", "use_to_kwh",
        "valid_from", "valid_to",
    )  # fmt: skip


@admin.register(TariffZone)
class TariffZoneAdmin(PublishedAdmin):
    list_filter = (BOOKS, "group")
    list_select_related = ("book",)
    list_display = ("book", "group", "zone", "months", "day_type", "starts", "ends")
