"""The physical layer in the coordinator's admin."""

import datetime as dt
from typing import Any, cast

from django.contrib import admin
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from metering.domain.calendar import local_midnight, time_zone
from metering.models import DsoArea, GridNode, MeteringPoint, PointAssignment, Reading
from metering.services import touch_span
from participants.models import Cluster, User
from participants.tenancy.admin import TenantAdmin, TenantForm, request_may

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
        readings = Reading.objects.filter(cluster=point.cluster_id, metering_point=point)
        rows = readings.order_by("-interval_start", "-version")[:LATEST]
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
