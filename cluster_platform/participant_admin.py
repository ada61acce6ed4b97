"""A participant in the coordinator's admin: contracts, points, role and balance in one view."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.dates import MONTHS
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing import numbers
from billing.models import Statement
from cluster_platform.balances import balances
from cluster_platform.participant_actions import ACTIONS, ParticipantActions
from cluster_platform.portal.energy import Flow
from cluster_platform.portal.periods import asked_month, last_settled, month_span, previous_month
from contracts.agreement_models import AgreementState
from contracts.models import Agreement, Contract
from contracts.selectors.agreements import agreements_on
from metering.domain.calendar import format_period, local_day, time_zone
from metering.models import GridNode, PointAssignment
from participants.models import Membership, Participant
from participants.tenancy.admin import ReadOnlyTenantInline, TenantAdmin

MONTHS_TO_CHOOSE = 12
MONTHS_OF_ONE = 6
NONE = "none"


def in_force(day: dt.date) -> Q:
    """Dated rows that hold on this local day."""
    return Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day))


def _zone(request: HttpRequest) -> ZoneInfo:
    return time_zone(request.cluster.timezone)  # type: ignore[attr-defined]


def _today(request: HttpRequest) -> dt.date:
    return local_day(timezone.now(), _zone(request))


def _last_month(request: HttpRequest) -> dt.date:
    """First day of the latest month with anything settled, else of this month."""
    last = last_settled(request.cluster.pk)  # type: ignore[attr-defined]
    return (local_day(last, _zone(request)) if last else _today(request)).replace(day=1)


def _months_up_to(month: dt.date, count: int) -> list[dt.date]:
    found = [month]
    while len(found) < count:
        found.append(previous_month(found[-1]))
    return found


def _month_name(month: dt.date) -> str:
    return f"{MONTHS[month.month]} {month.year}"


class MonthFilter(admin.SimpleListFilter):
    """Chooses the month of the balance; it hides nobody."""

    title = _("balance of the month")
    parameter_name = "month"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.last = _last_month(request)
        return [(format_period(m), _month_name(m)) for m in _months_up_to(self.last, MONTHS_TO_CHOOSE)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def choices(self, changelist: Any) -> Any:
        chosen = self.value() or format_period(self.last)
        for period, name in self.lookup_choices:
            yield {
                "selected": chosen == period,
                "query_string": changelist.get_query_string({self.parameter_name: period}),
                "display": name,
            }


class SchemeFilter(admin.SimpleListFilter):
    """By the contract in force today."""

    title = _("contract today")
    parameter_name = "contract"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*Contract.Scheme.choices, (NONE, _("none"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        contracts = Contract.objects.filter(in_force(_today(request)), participant=OuterRef("pk"))
        if self.value() == NONE:
            return queryset.filter(~Exists(contracts))
        return queryset.filter(Exists(contracts.filter(scheme=self.value()))) if self.value() else queryset


class NodeFilter(admin.SimpleListFilter):
    """By the grid node of a point that is theirs today."""

    title = _("grid node")
    parameter_name = "node"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), code) for pk, code in GridNode.objects.order_by("code").values_list("pk", "code")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (self.value() or "").isdecimal():
            return queryset
        points = PointAssignment.objects.filter(in_force(_today(request)), participant=OuterRef("pk"))
        return queryset.filter(Exists(points.filter(grid_node=int(str(self.value())))))


class AgreementInline(ReadOnlyTenantInline):
    """Where each agreement stands today; its own page has the text and what can be done."""

    model = Agreement
    fields = readonly_fields = ("number", "state_now", "since")
    fk_name = "participant"
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return agreements_on(request.cluster, timezone.now())  # type: ignore[attr-defined]

    @admin.display(description=_("state"))
    def state_now(self, agreement: Any) -> str:
        return str(AgreementState(agreement.state).label)

    @admin.display(description=_("from"))
    def since(self, agreement: Any) -> str:
        return str(formats.date_format(agreement.day, "DATE_FORMAT"))


class ContractInline(ReadOnlyTenantInline):
    model = Contract
    fields = ("scheme", "valid_from", "valid_to")
    ordering = ("-valid_from",)
    show_change_link = True


class AssignmentInline(ReadOnlyTenantInline):
    model = PointAssignment
    fields = (
        "metering_point", "grid_node", "tariff_group", "contracted_power_kw", "generation_capacity_kw",
        "generation_source", "yearly_use_kwh", "valid_from", "valid_to",
    )  # fmt: skip
    ordering = ("-valid_from",)
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("metering_point", "grid_node")


class LoginInline(ReadOnlyTenantInline):
    model = Membership
    fields = ("user", "level")
    verbose_name_plural = _("logins")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user")


class StatementInline(ReadOnlyTenantInline):
    model = Statement
    fields = ("period", "revision", "amount_exact_pln", "billed_at")
    show_change_link = True


@admin.register(Participant)
class ParticipantAdmin(ParticipantActions, TenantAdmin):
    """Everybody in the cluster, with what they drew and fed in during one month."""

    change_action = "change_people"
    list_display = ("code", "name", "kind", "contract_today", "points_today", "drawn_kwh", "fed_in_kwh")
    list_display_links = ("code", "name")
    list_filter = (MonthFilter, SchemeFilter, "kind", "legal_form", "vat_payer", NodeFilter)
    search_fields = ("code", "name", "email", "nip", "city", "assignments__metering_point__code")
    search_help_text = _("Number, name, e-mail address, tax number, city or metering point")
    readonly_fields = ("month_balances",)
    inlines = (AgreementInline, ContractInline, AssignmentInline, LoginInline, StatementInline)
    actions = ACTIONS
    change_list_template = "admin/participants/participant/change_list.html"
    change_form_template = "admin/participants/participant/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        today = _today(request)
        return (
            super()
            .get_queryset(request)
            .prefetch_related(
                Prefetch("contracts", Contract.objects.filter(in_force(today)), to_attr="contracts_today"),
                Prefetch("assignments", PointAssignment.objects.filter(in_force(today)), to_attr="points_now"),
            )
        )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        month = asked_month(request.GET.get(MonthFilter.parameter_name)) or _last_month(request)
        span = month_span(month, _zone(request))
        rows = list(changelist.result_list)
        found = balances(
            request.cluster.pk,  # type: ignore[attr-defined]
            [row.pk for row in rows],
            span.start,
            span.end,
            _zone(request),
        )
        for row in rows:
            row.balance = found.get(row.pk, {}).get(span.first)
        changelist.result_list = rows
        return changelist

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """They are only looked at: nothing that a form sends reaches them."""
        return () if obj is None or request.method == "POST" else super().get_inlines(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        balance = [(_("Balance"), {"fields": ("month_balances",)})] if obj else []
        person = ("code", "name", "kind", "legal_form", "vat_payer", "nip", "iban")
        return [
            *balance,
            (None, {"fields": person}),
            (_("Address"), {"fields": ("email", "street", "postcode", "city", "country")}),
        ]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        participant = super().get_object(request, object_id, from_field)
        if participant is not None:
            participant.months = self._months(request, participant)
        return participant

    def _months(self, request: HttpRequest, participant: Participant) -> dict[dt.date, Flow]:
        zone = _zone(request)
        months = _months_up_to(_last_month(request), MONTHS_OF_ONE)
        start, end = month_span(months[-1], zone).start, month_span(months[0], zone).end
        return balances(participant.cluster_id, [participant.pk], start, end, zone).get(participant.pk, {})

    @admin.display(description=_("contract"))
    def contract_today(self, participant: Any) -> str:
        return ", ".join(contract.get_scheme_display() for contract in participant.contracts_today) or "–"

    @admin.display(description=_("points"))
    def points_today(self, participant: Any) -> int:
        return len(participant.points_now)

    @admin.display(description=_("drew, of it from neighbours (kWh)"))
    def drawn_kwh(self, participant: Any) -> SafeString | str:
        return _two_kwh(participant.balance, "drawn_wh", "drawn_local_wh")

    @admin.display(description=_("fed in, of it to neighbours (kWh)"))
    def fed_in_kwh(self, participant: Any) -> SafeString | str:
        return _two_kwh(participant.balance, "fed_wh", "fed_local_wh")

    @admin.display(description=_("settled energy"))
    def month_balances(self, participant: Any) -> SafeString | str:
        if not participant.months:
            return gettext("Nothing of theirs was settled in the last months.")
        names = ("drawn_wh", "drawn_local_wh", "fed_wh", "fed_local_wh")
        rows = (
            (_month_name(month), *(_kwh(flow, name) for name in names))
            for month, flow in sorted(participant.months.items(), reverse=True)
        )
        heads = (
            gettext("Month"),
            gettext("drew (kWh)"),
            gettext("from neighbours (kWh)"),
            gettext("fed in (kWh)"),
            gettext("to neighbours (kWh)"),
        )
        return format_html(
            '<div class="wide-table"><table class="figures"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
            format_html_join("", '<th scope="col">{}</th>', ((head,) for head in heads)),
            format_html_join("", '<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>', rows),
        )


def _kwh(flow: Flow | None, name: str) -> str:
    return "–" if flow is None else numbers.kwh_number(getattr(flow, name))


def _two_kwh(flow: Flow | None, whole: str, local: str) -> SafeString | str:
    if flow is None:
        return "–"
    return format_html('{} <span class="of-it">{}</span>', _kwh(flow, whole), _kwh(flow, local))
