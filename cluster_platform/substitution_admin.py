"""The coordinator puts readings in by hand: shown first, then stored."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import formats, timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cluster_platform.fault_words import finding_in_words
from cluster_platform.substitution_forms import SubstitutionForm
from metering.domain.calendar import CalendarError, parse_instant, time_zone
from metering.domain.readings import ReadingsRefused
from metering.models import Reading, ReadingAccess, Substitution
from metering.services.access_log import Reader, note_access
from metering.services.substitution import Plan, SubstitutionRefused, plan, substitute
from participants.tenancy.admin import ReadOnlyTenantAdmin, request_may

SHOWN = 200
COLUMNS = (
    "metering_point", "span", "how", "readings", "imported_wh", "exported_wh", "reason", "issued_by", "issued_at",
)  # fmt: skip
QUALITIES = {
    Reading.Quality.MEASURED: _("measured"),
    Reading.Quality.SPLIT: _("split"),
    Reading.Quality.SUBSTITUTED: _("substituted"),
    Reading.Quality.ESTIMATED: _("estimated"),
}


@admin.register(Substitution)
class SubstitutionAdmin(ReadOnlyTenantAdmin):
    """What was put in by hand, by whom and why; it can't be changed, only put in anew."""

    change_action = "substitute_readings"
    list_display = COLUMNS
    list_filter = ("how", ("issued_at", admin.DateFieldListFilter))
    search_fields = ("metering_point__code", "reason")
    list_select_related = ("metering_point", "issued_by")
    autocomplete_fields = ("metering_point",)
    fields = COLUMNS
    readonly_fields = ("span",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request_may(request, self.change_action)

    def get_queryset(self, request: HttpRequest) -> Any:
        self.zone = time_zone(request.cluster.timezone)  # type: ignore[attr-defined]
        return super().get_queryset(request)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The form, then what it would do, then it is done."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        now = timezone.now()
        zone = time_zone(request.cluster.timezone)  # type: ignore[attr-defined]
        posted = request.method == "POST" and "change" not in request.POST
        data = request.POST if request.method == "POST" else None
        form = SubstitutionForm(data, zone=zone, now=now, initial=self._asked(request, zone))
        planned = self._plan(form) if posted and form.is_valid() else None
        if planned is not None and request.POST.get("shown") == planned.digest:
            try:
                made = substitute(planned, form.cleaned_data["reason"], request.user, now)  # type: ignore[arg-type]
            except ReadingsRefused as refused:
                form.add_error(None, finding_in_words(refused.faults[0].text))
                planned = None
            else:
                text = ngettext("%(n)s reading put in.", "%(n)s readings put in.", made.readings) % {"n": made.readings}
                messages.success(request, text)
                return redirect("admin:metering_substitution_change", made.pk)
        if planned is not None:
            reader = Reader(request.user.pk, request.access.role)  # type: ignore[attr-defined]
            purpose = ReadingAccess.Purpose.POINT
            note_access(planned.point.cluster_id, reader, purpose, [planned.point.pk], planned.starts, planned.ends)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Put readings in by hand"),
            "subtitle": None,
            "opts": self.opts,
            "form": form,
            "planned": planned,
            "rows": self._rows(planned, zone) if planned else [],
            "more": max(0, len(planned.readings) - SHOWN) if planned else 0,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/substitution.html", context)

    def _asked(self, request: HttpRequest, zone: Any) -> dict[str, Any]:
        """What a link to this page fills in."""
        filled: dict[str, Any] = {}
        if request.GET.get("point", "").isdecimal():
            filled["metering_point"] = int(request.GET["point"])
        for name, field in (("from", "starts"), ("to", "ends")):
            try:
                local = parse_instant(request.GET.get(name, "")).astimezone(zone)
            except CalendarError:
                continue
            filled[field] = f"{local:%Y-%m-%d %H:%M}"
        return filled

    def _plan(self, form: SubstitutionForm) -> Plan | None:
        clean = form.cleaned_data
        try:
            return plan(clean["metering_point"], clean["starts"], clean["ends"], form.planned_values())
        except SubstitutionRefused as refused:
            form.add_error("values" if clean["how"] == Substitution.How.VALUES else None, str(refused))
            return None

    def _rows(self, planned: Plan, zone: Any) -> list[tuple[Any, ...]]:
        return [
            (_clock(row.start, zone), row.before, QUALITIES[row.quality] if row.quality else "–", row.after)  # type: ignore[index]
            for row in planned.readings[:SHOWN]
        ]

    @admin.display(description=_("from – to"), ordering="starts")
    def span(self, row: Substitution) -> str:
        ends = (row.starts, row.ends)
        return " – ".join(_clock(at, self.zone) for at in ends)


def _clock(instant: datetime, zone: ZoneInfo) -> str:
    """Day and time of the cluster's clock."""
    return formats.date_format(instant.astimezone(zone), "SHORT_DATETIME_FORMAT")
