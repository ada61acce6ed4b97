"""Participants and metering points as tables: taken in with a preview, and handed out."""

from dataclasses import replace
from typing import Any, Literal, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cluster_platform.fault_words import finding_in_words
from contracts.dataset.faults import DatasetError, Fault
from contracts.dataset.spreadsheet import NotATable, as_csv, to_csv, to_xlsx
from contracts.dataset.tables import COLUMNS
from contracts.services.member_tables import Name, preview_table, store_table, table_lines
from participants.permissions import Action
from participants.tenancy.admin import request_may

LARGEST = 2 * 1024 * 1024
TABLES = (("participants", _("participants")), ("metering_points", _("metering points")))
#: What storing a table needs.
ACTION_OF: dict[str, Action] = {"participants": "change_people", "metering_points": "change_grid"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class UploadForm(forms.Form):
    """A table to look at before it is stored."""

    table = forms.ChoiceField(label=_("Table of"), choices=TABLES)
    file = forms.FileField(label=_("File (XLSX or CSV)"))

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        file = values.get("file")
        if file is not None:
            if file.size > LARGEST:
                raise forms.ValidationError(_("The file is larger than 2 MB."))
            try:
                values["text"] = as_csv(file.read())
            except NotATable:
                raise forms.ValidationError(_("This is neither an XLSX workbook nor a CSV file in UTF-8.")) from None
        return values


class StoreForm(forms.Form):
    """What the preview showed, sent back: it is checked again from the start."""

    table = forms.ChoiceField(choices=TABLES, widget=forms.HiddenInput)
    text = forms.CharField(max_length=LARGEST, strip=False, widget=forms.HiddenInput)
    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)


class MemberTables(admin.ModelAdmin):
    """Adds `tables/` to a list: take in with a preview, hand out."""

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("tables/", wrap(self.tables_view), name="participants_participant_tables"),
            path("tables/<str:table>.<str:kind>", wrap(self.table_view), name="participants_participant_table"),
            *super().get_urls(),
        ]

    def table_view(self, request: HttpRequest, table: str, kind: str) -> HttpResponse:
        """A whole table as a file."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if not request_may(request, "export_cluster"):
            raise PermissionDenied
        if table not in ACTION_OF or kind not in ("csv", "xlsx"):
            raise Http404
        return table_response(request, cast(Any, table), cast(Any, kind))

    def tables_view(self, request: HttpRequest) -> HttpResponse:
        """Upload, preview with the mistakes of each line, store."""
        if not (request_may(request, "change_people") or request_may(request, "export_cluster")):
            raise PermissionDenied
        if request.method in ("GET", "HEAD"):
            return self._page(request, form=UploadForm())
        if request.method != "POST":
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        table = request.POST.get("table", "")
        if table not in ACTION_OF or not request_may(request, ACTION_OF[table]):
            raise PermissionDenied
        return self._store(request) if "digest" in request.POST else self._preview(request)

    def _preview(self, request: HttpRequest) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(request, form=form)
        return self._shown(request, form.cleaned_data["table"], form.cleaned_data["text"])

    def _shown(self, request: HttpRequest, table: str, text: str) -> HttpResponse:
        try:
            changes = preview_table(request.cluster, _file_name(table), text)  # type: ignore[attr-defined]
        except DatasetError as error:
            return self._page(request, form=UploadForm(initial={"table": table}), faults=_in_words(error))
        store = StoreForm(initial={"table": table, "text": text, "digest": changes.digest})
        return self._page(request, changes=changes, store=store, table=dict(TABLES)[table])

    def _store(self, request: HttpRequest) -> HttpResponse:
        form = StoreForm(request.POST)
        if not form.is_valid():
            return self._page(request, form=UploadForm())
        table, text = form.cleaned_data["table"], form.cleaned_data["text"]
        try:
            stored = store_table(request.cluster, _file_name(table), text, form.cleaned_data["digest"])  # type: ignore[attr-defined]
        except DatasetError as error:
            return self._page(request, form=UploadForm(initial={"table": table}), faults=_in_words(error))
        if stored is None:
            messages.warning(request, gettext("Something was changed meanwhile: look at the preview again."))
            return self._shown(request, table, text)
        count = len(stored.rows)
        messages.success(request, ngettext("%(n)s row stored.", "%(n)s rows stored.", count) % {"n": count})
        return redirect("admin:participants_participant_changelist")

    def _page(self, request: HttpRequest, **context: Any) -> HttpResponse:
        may_store = [name for name, action in ACTION_OF.items() if request_may(request, action)]
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Import and export"),
            "opts": self.opts,
            "may_store": may_store,
            "may_export": request_may(request, "export_cluster"),
            "tables": TABLES,
            "columns": [(title, COLUMNS[_file_name(name)]) for name, title in TABLES],
            **context,
        }
        return TemplateResponse(request, "admin/participants/participant/tables.html", context)


def table_response(
    request: HttpRequest,
    table: Literal["participants", "metering_points"],
    kind: Literal["csv", "xlsx"],
    people: QuerySet[Any] | None = None,
) -> HttpResponse:
    """The table as a file that can be taken in again; of these participants only, if given."""
    cluster = request.cluster  # type: ignore[attr-defined]
    chosen = None if people is None else list(people.values_list("pk", flat=True))
    name = _file_name(table)
    lines = table_lines(cluster, name, chosen)
    content: str | bytes = to_xlsx(COLUMNS[name], lines) if kind == "xlsx" else to_csv(COLUMNS[name], lines)
    response = HttpResponse(content, content_type=XLSX if kind == "xlsx" else "text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{cluster.slug}-{table}.{kind}"'
    return response


def _file_name(table: str) -> Name:
    return cast(Name, f"{table}.csv")


def _in_words(error: DatasetError) -> list[Fault]:
    return [replace(fault, text=finding_in_words(fault.text)) for fault in error.faults]
