"""The history of all changes in the coordinator's admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import formats
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cluster_platform.history_search import audited_models, found_by, people_who_changed
from metering.domain.calendar import time_zone
from participants.models import Change
from participants.selectors.history import Entry, entries, without_drafts
from participants.tenancy.admin import ReadOnlyTenantAdmin
from participants.tenancy.paging import BoundedPaginator

PLATFORM = "platform"
SHOWN = 3


class TableFilter(admin.SimpleListFilter):
    """By the kind of row."""

    title = _("what was changed")
    parameter_name = "table"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        tables = ((model._meta.db_table, str(model._meta.verbose_name)) for model in audited_models())
        return sorted(tables, key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(table_name=self.value()) if self.value() else queryset


class UserFilter(admin.SimpleListFilter):
    """By who did it."""

    title = _("who")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        changes = without_drafts(Change.objects.filter(cluster=request.cluster))  # type: ignore[attr-defined]
        users = people_who_changed(changes).values_list("pk", "email")
        return [(str(pk), email) for pk, email in users] + [(PLATFORM, _("the platform (a command or a task)"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == PLATFORM:
            return queryset.filter(user=None)
        return queryset.filter(user=int(str(self.value()))) if (self.value() or "").isdecimal() else queryset


@admin.register(Change)
class ChangeAdmin(ReadOnlyTenantAdmin):
    """Who changed what, and when; nobody can change that."""

    view_action = "view_audit"
    list_display = ("when", "who", "operation", "row", "difference")
    list_filter = ("operation", TableFilter, UserFilter)
    search_fields = ("user__email",)  # What is found is said in get_search_results.
    search_help_text = _(
        "A day (2026-06-11), the e-mail address of who did it, or the number or name of what was changed. The newest "
        "10,000 are listed."
    )
    paginator = BoundedPaginator
    list_select_related = ("user",)
    sortable_by = ()
    fields = ("in_words",)
    readonly_fields = ("in_words",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Row-level security alone would do; the indexes need the cluster by its number.
        rows = super().get_queryset(request).filter(cluster=request.cluster)  # type: ignore[attr-defined]
        return without_drafts(rows)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        if not search_term.strip():
            return queryset, False
        zone = time_zone(request.cluster.timezone)  # type: ignore[attr-defined]
        return found_by(queryset, search_term.strip(), zone), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        for row, entry in zip(rows, entries(rows), strict=True):
            row.entry, row.zone = entry, request.cluster.timezone  # type: ignore[attr-defined]
        changelist.result_list = rows
        return changelist

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        change = super().get_object(request, object_id, from_field)
        if change is not None:
            (change.entry,) = entries([change])
            change.zone = request.cluster.timezone  # type: ignore[attr-defined]
        return change

    @admin.display(description=_("when"))
    def when(self, change: Any) -> str:
        return formats.date_format(change.at.astimezone(time_zone(change.zone)), "SHORT_DATETIME_FORMAT")

    @admin.display(description=_("who"))
    def who(self, change: Any) -> str:
        return change.user.email if change.user else gettext("the platform (a command or a task)")

    @admin.display(description=_("what was changed"))
    def row(self, change: Any) -> str:
        return f"{capfirst(change.entry.kind)}: {change.entry.row}"

    @admin.display(description=_("difference"))
    def difference(self, change: Any) -> SafeString | str:
        entry: Entry = change.entry
        if entry.operation != Change.Operation.UPDATE:
            return "–"
        lines = ((d.field, d.before, d.after) for d in entry.differences[:SHOWN])
        return format_html_join("", "<div>{}: {} → {}</div>", lines) or "–"

    @admin.display(description=_("change"))
    def in_words(self, change: Any) -> str:
        return render_to_string("parts/change.html", {"entry": change.entry, "zone": change.zone})
