"""The queue of implausible readings in the coordinator's admin."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cluster_platform.finding_forms import ReasonForm
from cluster_platform.finding_words import figures
from metering.domain.calendar import format_instant, time_zone
from metering.models import Finding, ReadingAccess
from metering.services.access_log import Reader, note_access
from metering.services.findings import FindingGone, explain
from participants.tenancy.admin import TenantAdmin, TenantForm, request_may

ALL = "all"


class StateFilter(admin.SimpleListFilter):
    """What is open, unless asked for more."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*Finding.State.choices, (ALL, _("all"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value() or Finding.State.OPEN
        return queryset if wanted == ALL else queryset.filter(state=wanted)

    def choices(self, changelist: Any) -> Any:
        for value, name in self.lookup_choices:
            yield {
                "selected": (self.value() or Finding.State.OPEN) == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": name,
            }


class FindingForm(TenantForm):
    """The explanation, and nothing else."""

    class Meta:
        model = Finding
        fields = ("reason",)
        widgets: ClassVar = {"reason": forms.Textarea({"rows": 4, "cols": 60})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "reason" in self.fields:
            self.fields["reason"].required = True


@admin.register(Finding)
class FindingAdmin(TenantAdmin):
    """What is implausible: open until it is explained or the readings are corrected."""

    form = FindingForm
    change_action = "answer_findings"
    list_display = ("day", "place", "rule", "figures", "severity", "owner")
    list_filter = (StateFilter, "owner", "severity", "rule")
    date_hierarchy = "day"
    search_fields = ("metering_point__code", "grid_node__code")
    list_select_related = ("metering_point", "grid_node")
    fields = (
        "rule", "place", "day", "span", "figures", "severity", "owner", "state", "what_to_do", "reason", "explained_by",
        "explained_at",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name != "reason")
    actions = ("explain_selected",)

    def get_list_display(self, request: HttpRequest) -> Any:
        several = request.GET.get(StateFilter.parameter_name) == ALL
        return (*self.list_display, "state") if several else self.list_display

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.state != Finding.State.GONE) and super().has_change_permission(request, obj)

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return request_may(request, "answer_findings")

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        finding = super().get_object(request, object_id, from_field)
        if finding is not None:
            finding.zone = time_zone(request.cluster.timezone)  # type: ignore[attr-defined]
            finding.may_substitute = request_may(request, "substitute_readings")
        return finding

    def render_change_form(
        self, request: HttpRequest, context: Any, add: bool = False, change: bool = False, form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:  # fmt: skip
        if obj is not None and obj.metering_point_id:
            reader = Reader(request.user.pk, request.access.role)  # type: ignore[attr-defined]
            purpose = ReadingAccess.Purpose.POINT
            note_access(obj.cluster_id, reader, purpose, [obj.metering_point_id], obj.starts, obj.ends)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        try:
            explain(obj, form.cleaned_data["reason"], request.user, timezone.now())  # type: ignore[arg-type]
        except FindingGone:
            # Instead of saying that it was stored.
            messages.set_level(request, messages.WARNING)
            messages.warning(request, gettext("That was not possible any more: the readings have changed."))

    @admin.action(description=_("Explain the selected with a reason…"), permissions=["answer"])
    def explain_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        form = ReasonForm(request.POST if "apply" in request.POST else None)
        rows = list(queryset.filter(state=Finding.State.OPEN).select_related("metering_point", "grid_node"))
        if not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "title": gettext("Explain findings"),
                "form": form,
                "rows": [(row, figures(row)) for row in rows],
                "checkbox": ACTION_CHECKBOX_NAME,
                "opts": self.opts,
            }
            return TemplateResponse(request, "admin/finding_explain.html", context)
        explained = 0
        for row in rows:
            try:
                explain(row, form.cleaned_data["reason"], request.user, timezone.now())  # type: ignore[arg-type]
                explained += 1
            except FindingGone:
                messages.warning(request, gettext("%(row)s: the readings have changed.") % {"row": row})
        text = ngettext("%(n)s finding explained.", "%(n)s findings explained.", explained) % {"n": explained}
        messages.success(request, text)
        return None

    @admin.display(description=_("where"), ordering="metering_point__code")
    def place(self, finding: Finding) -> str:
        return str(finding.metering_point or finding.grid_node)

    @admin.display(description=_("figures"))
    def figures(self, finding: Finding) -> str:
        return figures(finding)

    @admin.display(description=_("from – to"))
    def span(self, finding: Any) -> str:
        ends = (finding.starts, finding.ends)
        return " – ".join(formats.date_format(at.astimezone(finding.zone), "SHORT_DATETIME_FORMAT") for at in ends)

    @admin.display(description=_("what you can do"))
    def what_to_do(self, finding: Any) -> SafeString | str:
        if finding.state == Finding.State.GONE:
            return gettext("Nothing: the readings are plausible now.")
        words = gettext("Explain it below, or have the readings corrected: then it goes away by itself.")
        if not (finding.metering_point_id and finding.may_substitute):
            return words
        filled = {"point": finding.metering_point_id, "from": format_instant(finding.starts)}
        filled["to"] = format_instant(finding.ends)
        address = f"{reverse('admin:metering_substitution_add')}?{urlencode(filled)}"
        return format_html('{} <a href="{}">{}</a>', words, address, gettext("Put readings in by hand"))
