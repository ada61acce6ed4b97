"""Statements in the coordinator's admin."""

from typing import Any

from django.contrib import admin

from billing.models import (
    BankTransaction,
    BillingTerms,
    InterestRate,
    Promise,
    ReminderTerms,
    Statement,
    StatementLine,
)
from billing.relief_admin import ReliefMonthAdmin
from participants.tenancy.admin import OperatorOnly, ReadOnlyTenantAdmin, ReadOnlyTenantInline, TenantAdmin

__all__ = ["ReliefMonthAdmin"]


class PromiseInline(ReadOnlyTenantInline):
    model = Promise
    fields = ("side", "basis", "p2p_pln", "standard_pln", "difference_pln", "assurance_pln")


class LineInline(ReadOnlyTenantInline):
    model = StatementLine
    fields = (
        "metering_point", "component", "zone", "sharing_level", "rate_from", "rate_to", "quantity", "unit",
        "amount_exact_pln", "net_pln",
    )  # fmt: skip

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).select_related("metering_point")


@admin.register(Statement)
class StatementAdmin(ReadOnlyTenantAdmin):
    """A participant's month: lines by component and the two promises."""

    list_display = ("period", "participant", "revision", "amount_exact_pln", "billed_at")
    list_filter = ("period",)
    search_fields = ("participant__code", "participant__name")
    list_select_related = ("participant",)
    inlines = (PromiseInline, LineInline)


@admin.register(BankTransaction)
class BankTransactionAdmin(ReadOnlyTenantAdmin):
    """All bookings on the coordinator's account."""

    list_display = ("booked_on", "amount_pln", "partner_name", "title")
    list_filter = (("booked_on", admin.DateFieldListFilter),)
    search_fields = ("partner_name", "partner_account", "title", "reference")
    exclude = ("fingerprint",)


@admin.register(BillingTerms)
class BillingTermsAdmin(TenantAdmin):
    """When bills are due and what is corrected, by date."""

    change_action = "close_periods"
    list_display = ("valid_from", "due_days", "correction_threshold_pln", "to_ksef")


@admin.register(ReminderTerms)
class ReminderTermsAdmin(TenantAdmin):
    """When unpaid bills are reminded of, by date."""

    change_action = "book_payments"
    list_display = ("valid_from", "friendly_days", "second_days", "final_days", "demand_days")


@admin.register(InterestRate)
class InterestRateAdmin(OperatorOnly, admin.ModelAdmin):
    """Statutory rates, the same for all clusters."""

    list_display = ("kind", "valid_from", "percent")
    list_filter = ("kind",)
