"""A metering point in the coordinator's admin: its readings, and what changes from a day on."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from metering.domain.calendar import INTERVAL
from metering.models import MeteringPoint, Reading, ReadingAccess
from metering.services.access_log import Reader, note_access
from participants.tenancy.admin import TenantAdmin

LATEST = 96
HEADINGS = (_("Quarter-hour (UTC)"), _("Imported"), _("Exported"), _("Quality"), _("Version"))


@admin.register(MeteringPoint)
class MeteringPointAdmin(TenantAdmin):
    change_action = "change_grid"
    list_display = ("code",)
    search_fields = ("code", "assignments__participant__code", "assignments__participant__name")
    fields = ("code", "assignments", "latest_readings")
    readonly_fields = ("assignments", "latest_readings")

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
                    r.version,
                )
                for r in rows
            ),
        )
        head = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in HEADINGS))
        return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)


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
