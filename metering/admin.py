"""The physical layer in the coordinator's admin."""

import datetime as dt
from typing import Any, cast

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from metering.domain.calendar import INTERVAL, local_midnight, time_zone
from metering.models import DsoArea, GridNode, MeteringPoint, PointAssignment, Reading, ReadingAccess
from metering.services import touch_span
from metering.services.access_log import Reader, note_access
from participants.models import Cluster, User
from participants.tenancy.admin import ReadOnlyTenantAdmin, TenantAdmin, TenantForm, request_may

LATEST = 96


class DatedForm(TenantForm):
    """Knows from which local day on a change makes a difference."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._before = self._days()

    def first_day(self) -> dt.date:
        """The first day that is not as it was: where only the end moved, the earlier of both ends."""
        days = self._before + self._days()
        if self.instance.pk and self.changed_data == ["valid_to"]:
            return min(end for _, end in days)
        return min(start for start, _ in days)

    def _days(self) -> list[tuple[dt.date, dt.date]]:
        row = self.instance
        return [(row.valid_from, getattr(row, "valid_to", None) or dt.date.max)] if row.valid_from else []


class DatedAdmin(TenantAdmin):
    """Rows in force from a local day on: a change makes what was settled from that day on stale."""

    form = DatedForm

    def save_model(self, request: HttpRequest, obj: Model, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.changed_data:
            cluster: Cluster = request.cluster  # type: ignore[attr-defined]
            first = cast(DatedForm, form).first_day()
            touch_span(cluster.pk, local_midnight(first, time_zone(cluster.timezone)), None)


@admin.register(GridNode)
class GridNodeAdmin(TenantAdmin):
    change_action = "change_grid"
    list_display = ("code", "level", "parent")
    list_filter = ("level",)
    search_fields = ("code",)
    list_select_related = ("parent",)


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


HEADINGS = (_("Quarter-hour (UTC)"), _("Imported"), _("Exported"), _("Quality"), _("Version"))


@admin.register(PointAssignment)
class PointAssignmentAdmin(DatedAdmin):
    change_action = "change_grid"
    list_display = (
        "metering_point", "participant", "role", "grid_node", "tariff_group", "contracted_power_kw",
        "generation_capacity_kw", "valid_from", "valid_to",
    )  # fmt: skip
    list_filter = ("role", "tariff_group", "grid_node")
    search_fields = ("metering_point__code", "participant__code", "participant__name")
    list_select_related = ("metering_point", "participant", "grid_node")
    autocomplete_fields = ("metering_point", "participant", "grid_node")


@admin.register(DsoArea)
class DsoAreaAdmin(TenantAdmin):
    """Which parts of the cluster's grid a distributor's user looks after who has not the whole of it."""

    view_action = "operate"
    change_action = "operate"
    list_display = ("user", "grid_node")
    list_select_related = ("user", "grid_node")
    autocomplete_fields = ("grid_node",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request_may(request, "operate", obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            dso = request.cluster.dso_id  # type: ignore[attr-defined]
            kwargs["queryset"] = User.objects.filter(dso_user__dso=dso, dso_user__whole_grid=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(ReadingAccess)
class ReadingAccessAdmin(ReadOnlyTenantAdmin):
    """Who looked at whose readings."""

    view_action = "view_audit"
    list_display = ("at", "user", "role", "point", "purpose", "readings_from", "readings_to")
    list_filter = ("purpose", "role", ("at", admin.DateFieldListFilter))
    search_fields = ("user__email", "metering_point__code")
    list_select_related = ("user", "metering_point")
    fields = ("at", "user", "role", "metering_point", "purpose", "readings_from", "readings_to")

    @admin.display(description=_("metering point"), ordering="metering_point__code")
    def point(self, row: ReadingAccess) -> str:
        return row.metering_point.code if row.metering_point else gettext("all")
