"""A metering point in the coordinator's admin: its readings, and what changes from a day on."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.numbers import kwh_number
from cluster_platform.point_forms import FORMS
from cluster_platform.point_life import Outcome, make, timeline
from contracts.services.agreements import Actor
from metering.domain.calendar import INTERVAL, format_period, local_day, time_zone
from metering.domain.versions import issued_at
from metering.models import MeteringPoint, Reading, ReadingAccess, ReadingDay
from metering.selectors.points import spans_of
from metering.services.access_log import Reader, note_access
from metering.services.life import LifeRefused
from participants.tenancy.admin import TenantAdmin

LATEST = 96
SUM_HEADINGS = (_("Month"), _("Days"), _("Imported"), _("Exported"), _("Estimated quarter-hours"))
HEADINGS = (_("Quarter-hour (UTC)"), _("Imported"), _("Exported"), _("Quality"), _("Issued (UTC)"))


@admin.register(MeteringPoint)
class MeteringPointAdmin(TenantAdmin):
    change_action = "change_grid"
    list_display = ("code", "readings_from")
    list_filter = ("readings_from",)
    search_fields = ("code", "assignments__participant__code", "assignments__participant__name")
    fields = ("code", "readings_from", "assignments", "latest_readings", "daily_sums")
    readonly_fields = ("assignments", "latest_readings", "daily_sums")
    change_form_template = "admin/metering/meteringpoint/change_form.html"

    def get_urls(self) -> list[Any]:
        life = path("<path:object_id>/life/", self.admin_site.admin_view(self.life), name="metering_meteringpoint_life")
        return [life, *super().get_urls()]

    def life(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The point's history, and one form for what changes from a day on; shown first, then stored."""
        point = self.get_object(request, unquote(object_id))
        if point is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not self.has_view_permission(request, point):
            raise PermissionDenied
        asked = request.POST if request.method == "POST" else request.GET
        what = asked.get("what", "") if asked.get("what") in FORMS else "terms"
        outcome = None
        form = FORMS[what][0](request.POST if request.method == "POST" else None, point=point)
        if request.method == "POST":
            if not self.has_change_permission(request, point):
                raise PermissionDenied
            shown = request.POST.get("shown", "") if "store" in request.POST else None
            outcome = self._outcome(request, point, form, shown)
            if outcome is not None and shown is not None:
                messages.success(request, gettext("Stored. Quarter-hours to settle anew: %(n)s.") % {"n": outcome.due})
                return redirect("admin:metering_meteringpoint_life", point.pk)
        return TemplateResponse(request, "admin/point_life.html", self._life(request, point, what, form, outcome))

    def _outcome(self, request: HttpRequest, point: MeteringPoint, form: Any, shown: str | None) -> Outcome | None:
        if not form.is_valid():
            return None
        actor = Actor(request.user, request.access)  # type: ignore[arg-type, attr-defined]
        try:
            return make(point, form, actor, timezone.now(), shown)
        except LifeRefused as error:
            form.add_error(None, str(error))
            return None

    def _life(
        self, request: HttpRequest, point: MeteringPoint, what: str, form: Any, outcome: Outcome | None
    ) -> dict[str, Any]:
        today = local_day(timezone.now(), time_zone(point.cluster.timezone))
        spans = spans_of(point)
        return {
            **self.admin_site.each_context(request),
            "title": gettext("Life of metering point %(code)s") % {"code": point.code},
            "subtitle": None,
            "opts": self.opts,
            "point": point,
            "today": today,
            "timeline": timeline(spans, today),
            "meters": point.meters.order_by("valid_from"),
            "may_change": self.has_change_permission(request, point),
            "what": what,
            "kinds": [(name, words) for name, (_form, words) in FORMS.items()],
            "form": form,
            "outcome": outcome,
            "planned": timeline(outcome.plan.after, today, spans) if outcome and outcome.plan else [],
            "media": self.media + form.media,
        }

    def render_change_form(
        self, request: HttpRequest, context: Any, add: bool = False, change: bool = False, form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:  # fmt: skip
        if obj is not None:
            _note_latest(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    @admin.display(description=_("assignments"))
    def assignments(self, point: MeteringPoint) -> SafeString:
        rows = point.assignments.select_related("participant", "grid_node").order_by("valid_from")
        return format_html_join(
            "",
            "<div>{} – {} · {} · {} · {}</div>",
            ((r.valid_from, r.valid_to or "…", r.participant or "–", r.grid_node, r.tariff_group) for r in rows),
        )

    @admin.display(description=_("latest readings"))
    def latest_readings(self, point: MeteringPoint) -> SafeString:
        rows = _latest(point)
        body = format_html_join(
            "",
            "<tr><td>{}</td><td>{} Wh</td><td>{} Wh</td><td>{}</td><td>{}</td></tr>",
            (
                (
                    f"{r.interval_start:%Y-%m-%d %H:%MZ}",
                    r.imported_wh,
                    r.exported_wh,
                    r.get_quality_display(),
                    _issued(r),
                )
                for r in rows
            ),
        )
        head = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in HEADINGS))
        return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)

    @admin.display(description=_("daily sums, by month"))
    def daily_sums(self, point: MeteringPoint) -> SafeString | str:
        """What is kept of the months whose quarter-hours are gone."""
        days = ReadingDay.objects.filter(cluster=point.cluster_id, metering_point=point)
        months = days.annotate(month=TruncMonth("day")).values("month").order_by("-month")
        rows = months.annotate(
            count=Count("day"), drawn=Sum("imported_wh"), fed_in=Sum("exported_wh"), guessed=Sum("estimated")
        )
        body = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{} kWh</td><td>{} kWh</td><td>{}</td></tr>",
            (
                (format_period(r["month"]), r["count"], kwh_number(r["drawn"]), kwh_number(r["fed_in"]), r["guessed"])
                for r in rows
            ),
        )
        head = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in SUM_HEADINGS))
        return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body) if body else "–"


def _issued(reading: Reading) -> str:
    at = issued_at(reading.version)
    return f"{at:%Y-%m-%d %H:%M:%SZ}" if at else "–"


def _latest(point: MeteringPoint) -> QuerySet[Reading]:
    readings: QuerySet[Reading] = Reading.objects.filter(cluster=point.cluster_id, metering_point=point)
    return readings.order_by("-interval_start", "-version")[:LATEST]


def _note_latest(request: HttpRequest, point: MeteringPoint) -> None:
    starts = _latest(point).values_list("interval_start", flat=True)
    if starts:
        reader = Reader(request.user.pk, request.access.role)  # type: ignore[attr-defined]
        note_access(
            point.cluster_id, reader, ReadingAccess.Purpose.POINT, [point.pk], min(starts), max(starts) + INTERVAL
        )
