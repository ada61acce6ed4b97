"""Bills on their way, in the coordinator's admin: what arrived, what did not, what is to be printed; sent again."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing import numbers
from billing.models import Bill, BillDelivery
from billing.selectors.papers import progress
from billing.services.deliveries import mark_bounced, send_again
from billing.tasks import start_bills
from cluster_platform.bill_views import pdf_response
from participants.tenancy.admin import ReadOnlyTenantAdmin, request_may

State = BillDelivery.State
#: What somebody has to do something about.
TO_DO = (State.REFUSED, State.BOUNCED, State.UNCLEAR, State.NO_ADDRESS)


class LeftToDo(admin.SimpleListFilter):
    """Rows that somebody has to act on: those that were sent again since are done with."""

    title = _("left to do")
    parameter_name = "left"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state.value, state.label) for state in TO_DO]

    def queryset(self, request: HttpRequest, queryset: QuerySet[BillDelivery]) -> QuerySet[BillDelivery]:
        asked = self.value()
        return latest(queryset).filter(state=asked) if asked in TO_DO else queryset


def latest(rows: QuerySet[BillDelivery]) -> QuerySet[BillDelivery]:
    """Of each bill the delivery that holds: what was sent again is not looked back at."""
    later = BillDelivery.objects.filter(bill=OuterRef("bill"), pk__gt=OuterRef("pk"))
    return rows.filter(~Exists(later))


@admin.register(BillDelivery)
class BillDeliveryAdmin(ReadOnlyTenantAdmin):
    """All bills with where they stand; the newest first."""

    change_list_template = "admin/bill_deliveries.html"
    list_display = ("bill", "pdf", "participant", "payable", "address", "standing", "changed")
    list_filter = (LeftToDo, "state", ("bill__period", admin.AllValuesFieldListFilter))
    search_fields = ("bill__reference", "bill__participant__code", "bill__participant__name", "address")
    list_select_related = ("bill__participant",)
    actions = ("send_selected", "mark_selected")
    fields = (
        "bill", "participant", "address", "language", "state", "reason", "attempts", "queued_at", "changed_at",
        "requested_by", "changed_by",
    )  # fmt: skip

    @admin.display(description=_("participant"), ordering="bill__participant__code")
    def participant(self, row: BillDelivery) -> str:
        return str(row.bill.participant)

    @admin.display(description=_("payable (PLN)"), ordering="bill__payable_pln")
    def payable(self, row: BillDelivery) -> str:
        return numbers.number(row.bill.payable_pln, 2)

    @admin.display(description=_("state"), ordering="state")
    def standing(self, row: BillDelivery) -> str:
        return f"{row.get_state_display()}: {row.reason}" if row.reason else str(row.get_state_display())

    @admin.display(description=_("changed"), ordering="changed_at")
    def changed(self, row: BillDelivery) -> str:
        return date_format(localtime(row.changed_at), "SHORT_DATETIME_FORMAT")

    @admin.display(description="PDF")
    def pdf(self, row: BillDelivery) -> str:
        return format_html('<a href="{}">PDF</a>', reverse("admin:billing_bill_pdf", args=[row.bill_id]))

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(require_safe(self.pdf_view))
        return [path("bill/<int:number>.pdf", page, name="billing_bill_pdf"), *super().get_urls()]

    def pdf_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """The PDF of one bill of the cluster."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return pdf_response(get_object_or_404(Bill, pk=number, cluster=request.cluster))  # type: ignore[attr-defined]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        cluster: Any = request.cluster  # type: ignore[attr-defined]
        rows = latest(BillDelivery.objects.filter(cluster=cluster))
        counts = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
        standing = {
            "made": progress(cluster.pk),
            "waiting": counts.get(State.QUEUED, 0) + counts.get(State.SENDING, 0),
            "sent": counts.get(State.SENT, 0),
            "to_do": [(state.value, state.label, counts[state]) for state in TO_DO if counts.get(state)],
        }
        return super().changelist_view(request, standing | (extra_context or {}))

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Asked by the actions."""
        return request_may(request, "send_bills")

    @admin.action(description=_("Send again, to the participants' addresses of today"), permissions=["send"])
    def send_selected(self, request: HttpRequest, queryset: QuerySet[BillDelivery]) -> None:
        cluster: Any = request.cluster  # type: ignore[attr-defined]
        bills = Bill.objects.filter(pk__in=queryset.values("bill")).select_related("participant").order_by("pk")
        queued = send_again(cluster, bills, request.user, timezone.now())  # type: ignore[arg-type]
        start_bills(cluster.pk)
        lost = sum(row.state == State.NO_ADDRESS for row in queued)
        count = len(queued) - lost
        text = ngettext("%(n)s bill is sent again.", "%(n)s bills are sent again.", count)
        messages.success(request, text % {"n": numbers.number(count)})
        if lost:
            text = ngettext("%(n)s has no address: print it.", "%(n)s have no address: print them.", lost)
            messages.warning(request, text % {"n": numbers.number(lost)})

    @admin.action(description=_("Mark as come back"), permissions=["send"])
    def mark_selected(self, request: HttpRequest, queryset: QuerySet[BillDelivery]) -> None:
        reason = gettext("marked by the coordinator")
        count = mark_bounced(queryset.order_by(), reason, request.user, timezone.now())  # type: ignore[arg-type]
        text = ngettext("%(n)s is marked as come back.", "%(n)s are marked as come back.", count)
        messages.success(request, text % {"n": numbers.number(count)})
