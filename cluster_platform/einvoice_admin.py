"""Invoices on their way to KSeF, in the coordinator's admin: numbers, receipts, what was refused and why."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing import numbers
from billing.models import EInvoice
from billing.selectors.einvoices import standing, waited_for
from billing.services.einvoices import keep_outside, send_again
from billing.tasks import start_einvoices
from cluster_platform.fault_words import finding_in_words
from participants.tenancy.admin import ReadOnlyTenantAdmin, request_may

State = EInvoice.State
#: What somebody has to do something about.
TO_DO = (State.REFUSED, State.FAULTY)
FILES = {"xml": "xml", "upo": "receipt"}


@admin.register(EInvoice)
class EInvoiceAdmin(ReadOnlyTenantAdmin):
    """All e-invoices with where they stand; the newest first."""

    change_list_template = "admin/einvoices.html"
    list_display = ("number", "participant", "standing", "ksef_number", "files", "month", "changed_at")
    list_filter = ("state", ("document__bill__period", admin.AllValuesFieldListFilter))
    search_fields = (
        "document__number", "ksef_number", "document__bill__participant__code", "document__bill__participant__name",
    )  # fmt: skip
    list_select_related = ("document__bill__participant",)
    actions = ("send_selected", "keep_selected")
    fields = (
        "number", "participant", "standing", "ksef_number", "files", "session", "reference", "xml_hash",
        "attempts", "not_before", "queued_at", "changed_at", "changed_by",
    )  # fmt: skip
    readonly_fields = ("number", "participant", "standing", "files")

    def get_queryset(self, request: HttpRequest) -> QuerySet[EInvoice]:
        """Without the files themselves: a page of the list would be megabytes."""
        return super().get_queryset(request).defer("xml", "receipt")

    @admin.display(description=_("document"), ordering="document__number")
    def number(self, row: EInvoice) -> str:
        link = reverse("admin:document", args=[row.document_id])
        return format_html('<a href="{}">{}</a>', link, row.document.number)

    @admin.display(description=_("participant"), ordering="document__bill__participant__code")
    def participant(self, row: EInvoice) -> str:
        return str(row.document.bill.participant)

    @admin.display(description=_("month"), ordering="document__bill__period")
    def month(self, row: EInvoice) -> str:
        period = row.document.bill.period
        return f"{period:%Y-%m}" if period else "–"

    @admin.display(description=_("state"), ordering="state")
    def standing(self, row: EInvoice) -> str:
        state = str(row.get_state_display())
        if row.state == State.QUEUED and (original := waited_for([row]).get(row.pk)):
            return gettext("%(state)s: waits for the number of %(original)s") % {"state": state, "original": original}
        return f"{state}: {finding_in_words(row.reason)}" if row.reason else state

    @admin.display(description=_("files"))
    def files(self, row: EInvoice) -> str:
        kinds = [("xml", "XML")] if row.xml_hash else []
        kinds += [("upo", "UPO")] if row.state == State.ACCEPTED else []
        links = [(reverse("admin:billing_einvoice_file", args=[row.pk, kind]), label) for kind, label in kinds]
        return format_html_join(" · ", '<a href="{}">{}</a>', links) or "–"

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(require_safe(self.file_view))
        return [path("<int:pk>.<str:kind>", page, name="billing_einvoice_file"), *super().get_urls()]

    def file_view(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        """The XML as it was sent, or KSeF's receipt for it (UPO, XML, too)."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(EInvoice, pk=pk, cluster=request.cluster)  # type: ignore[attr-defined]
        content = getattr(row, FILES.get(kind, ""), None)
        if not content:
            raise Http404
        name = f"{row.document.number.replace('/', '-')}{'-UPO' if kind == 'upo' else ''}.xml"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(bytes(content), content_type="application/xml", headers=headers)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        cluster: Any = request.cluster  # type: ignore[attr-defined]
        found = standing(cluster)
        counts = found.counts
        context = {
            "ksef": found,
            "accepted": counts.get(State.ACCEPTED, 0),
            "waiting": sum(counts.get(state, 0) for state in (State.QUEUED, State.SENDING, State.SENT)),
            "to_do": [(state.value, state.label, counts[state]) for state in TO_DO if counts.get(state)],
        }
        return super().changelist_view(request, context | (extra_context or {}))

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Asked by the action."""
        return request_may(request, "send_bills")

    @admin.action(description=_("Send again"), permissions=["send"])
    def send_selected(self, request: HttpRequest, queryset: QuerySet[EInvoice]) -> None:
        cluster: Any = request.cluster  # type: ignore[attr-defined]
        rows = EInvoice.objects.filter(pk__in=queryset.values("pk"))
        count = send_again(cluster, rows, request.user, timezone.now())  # type: ignore[arg-type]
        start_einvoices(cluster.pk)
        text = ngettext("%(n)s e-invoice is sent again.", "%(n)s e-invoices are sent again.", count)
        messages.success(request, text % {"n": numbers.number(count)})

    @admin.action(description=_("Keep outside KSeF what it does not have"), permissions=["send"])
    def keep_selected(self, request: HttpRequest, queryset: QuerySet[EInvoice]) -> None:
        cluster: Any = request.cluster  # type: ignore[attr-defined]
        rows = EInvoice.objects.filter(pk__in=queryset.values("pk"))
        count = keep_outside(cluster, rows, request.user, timezone.now())  # type: ignore[arg-type]
        text = ngettext("%(n)s e-invoice stays outside KSeF.", "%(n)s e-invoices stay outside KSeF.", count)
        messages.success(request, text % {"n": numbers.number(count)})
