"""What members are compared with, and the statutory relief, in the admin. The accountant may change prices."""

from typing import Any

from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest

from contracts.models import (
    ClusterTerms,
    MonthlyMarketPrice,
    OfferAssignment,
    ReliefStep,
    RetailOffer,
    RetailPrice,
    SaleMechanism,
    StandardSalePrice,
)
from participants.tenancy.admin import TenantAdmin, TenantInline, may_operate, request_may


@admin.register(ClusterTerms)
class ClusterTermsAdmin(TenantAdmin):
    list_display = ("vat_rate", "excise_pln_kwh", "netting")


#: Characters of a field that is shown in a row.
SHORT = {"group": 6, "zone": 9, "energy_pln_kwh": 8, "source": 24}


class RetailPriceInline(TenantInline):
    model = RetailPrice
    change_action = "change_prices"
    fields = ("group", "zone", "energy_pln_kwh", "valid_from", "valid_to", "source")
    extra = 1

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Codes and prices are short: the row fits the page."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in SHORT:
            field.widget.attrs |= {"class": "", "size": SHORT[db_field.name]}
        return field


@admin.register(RetailOffer)
class RetailOfferAdmin(TenantAdmin):
    """A price list with its rows; one of them is the default."""

    change_action = "change_prices"
    list_display = ("name", "is_default", "note")
    search_fields = ("name",)
    inlines = (RetailPriceInline,)


@admin.register(OfferAssignment)
class OfferAssignmentAdmin(TenantAdmin):
    change_action = "change_prices"
    list_display = ("participant", "offer", "valid_from", "valid_to")
    list_select_related = ("participant", "offer")
    search_fields = ("participant__code", "participant__name")
    autocomplete_fields = ("participant", "offer")


@admin.register(SaleMechanism)
class SaleMechanismAdmin(TenantAdmin):
    change_action = "change_prices"
    list_display = ("__str__", "factor", "negative_counts_as_zero", "netting", "valid_from", "valid_to")
    list_filter = ("kind",)
    list_select_related = ("participant",)
    search_fields = ("participant__code", "participant__name")
    autocomplete_fields = ("participant",)


@admin.register(ReliefStep)
class ReliefStepAdmin(TenantAdmin):
    change_action = "change_prices"
    list_display = ("component", "self_consumption_from", "waived", "valid_from", "valid_to")
    list_filter = ("component",)


class VersionedAdmin(admin.ModelAdmin):
    """Published figures: a later one for the same month is added and replaces the earlier, which stays."""

    #: What two versions have in common.
    same: tuple[str, ...]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        before = type(obj).objects.filter(**{name: getattr(obj, name) for name in self.same})
        obj.version = (before.aggregate(last=Max("version"))["last"] or 0) + 1
        super().save_model(request, obj, form, change)


@admin.register(StandardSalePrice)
class StandardSalePriceAdmin(VersionedAdmin, TenantAdmin):
    change_action = "change_prices"
    same = ("cluster_id", "legal_form", "month")
    fields = ("legal_form", "month", "pln_mwh", "factor")
    list_display = ("month", "legal_form", "version", "pln_mwh", "factor")
    list_filter = ("legal_form",)


@admin.register(MonthlyMarketPrice)
class MonthlyMarketPriceAdmin(VersionedAdmin):
    """The same for all clusters: everybody who runs one looks at it, the operator adds."""

    same = ("month",)
    fields = ("month", "pln_mwh", "source")
    list_display = ("month", "version", "pln_mwh", "source")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request_may(request, "view_cluster")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request_may(request, "view_cluster")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_operate(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # The row itself, its version and its source are the record.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any: ...
