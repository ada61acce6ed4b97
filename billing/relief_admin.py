"""The months of the statutory relief in the coordinator's admin."""

from decimal import Decimal

from django.contrib import admin
from django.db.models import Sum
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.models import ReliefMonth, Statement, StatementLine
from billing.numbers import number
from billing.words import COMPONENTS, said
from contracts.domain.tariff import RELIEF_ENDING
from participants.tenancy.admin import ReadOnlyTenantAdmin


@admin.register(ReliefMonth)
class ReliefMonthAdmin(ReadOnlyTenantAdmin):
    """What all members shared in the same hours, and what that waived on the statements in force."""

    list_display = ("period", "revision", "injected", "drawn", "shared", "share", "given", "missing_readings")
    list_filter = ("period",)
    fields = (
        "period", "revision", "injected", "drawn", "shared", "share", "given", "missing_readings", "waived",
        "billed_at",
    )  # fmt: skip
    readonly_fields = ("injected", "drawn", "shared", "share", "given", "waived")

    @admin.display(description=_("injected from renewable sources (kWh)"))
    def injected(self, month: ReliefMonth) -> str:
        return _kwh(month.injected_wh)

    @admin.display(description=_("drawn (kWh)"))
    def drawn(self, month: ReliefMonth) -> str:
        return _kwh(month.drawn_wh)

    @admin.display(description=_("shared in the same hour (kWh)"))
    def shared(self, month: ReliefMonth) -> str:
        return _kwh(month.shared_wh)

    @admin.display(description=_("self-consumption"))
    def share(self, month: ReliefMonth) -> str:
        return f"{number(100 * month.self_consumption, 2)} %"

    @admin.display(description=_("of the shared, to members who trade (kWh)"))
    def given(self, month: ReliefMonth) -> str:
        return _kwh(month.given_wh)

    @admin.display(description=_("waived on the statements (PLN)"))
    def waived(self, month: ReliefMonth) -> SafeString | str:
        """By component, of the newest statements of the month."""
        replaced = Statement.objects.filter(period=month.period).exclude(replaces=None).values("replaces")
        lines = StatementLine.objects.filter(statement__period=month.period, component__endswith=RELIEF_ENDING).exclude(
            statement__in=replaced
        )
        sums = (
            lines.values("component").annotate(kwh=Sum("quantity"), pln=Sum("amount_exact_pln")).order_by("component")
        )
        rows = [
            (
                said(COMPONENTS, row["component"].removesuffix(RELIEF_ENDING)),
                number(row["kwh"], 3),
                number(-row["pln"], 2),
            )
            for row in sums
        ]
        if not rows:
            return gettext("Nothing was waived.")
        heads = (gettext("Component"), gettext("Energy (kWh)"), gettext("Waived (PLN, net)"))
        return format_html(
            '<table class="figures"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
            format_html_join("", '<th scope="col">{}</th>', ((head,) for head in heads)),
            format_html_join("", '<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>', rows),
        )


def _kwh(wh: int) -> str:
    return number(Decimal(wh).scaleb(-3), 3)
