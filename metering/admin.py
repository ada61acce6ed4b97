"""The physical layer in the coordinator's admin."""

import datetime as dt
from typing import Any, cast

from django.contrib import admin
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from metering.domain.calendar import local_midnight, time_zone
from metering.models import DsoArea, GridNode, PointAssignment, ReadingAccess
from metering.services import touch_span
from participants.models import Cluster, User
from participants.tenancy.admin import ReadOnlyTenantAdmin, TenantAdmin, TenantForm, request_may


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


@admin.register(PointAssignment)
class PointAssignmentAdmin(DatedAdmin):
    change_action = "change_grid"
    list_display = (
        "metering_point", "participant", "role", "grid_node", "tariff_group", "contracted_power_kw",
        "generation_capacity_kw", "generation_source", "valid_from", "valid_to",
    )  # fmt: skip
    list_filter = ("role", "generation_source", "tariff_group", "grid_node")
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
