"""Pages of the coordinator's admin: the settlement with supplier and buyer, month by month."""

import csv
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from billing import numbers
from billing.services.external import post_settlements
from clearing.domain.supplier_file import SupplierFileRefused
from clearing.models import ExternalDifference, ExternalInvoiceFile, ExternalSettlement
from clearing.selectors.external import rules_of
from clearing.services import external as service
from cluster_platform.external import comparison, differences, is_stale, lines_csv, month_rows
from cluster_platform.external_forms import InvoiceForm
from cluster_platform.fault_words import finding_in_words
from cluster_platform.portal.periods import asked_month, last_settled, month_span, previous_month
from contracts.domain.money import half_up
from contracts.models import ExternalPartner
from metering.domain.calendar import format_instant, local_day, next_month, time_zone
from participants.models import Cluster
from participants.permissions import may

MONTHS_LISTED = 24


def external(request: HttpRequest) -> HttpResponse:
    """The settlements of `?month=`; a POST begins one (direction, partner)."""
    cluster = _cluster(request)
    tz = time_zone(cluster.timezone)
    now = timezone.now()
    month = asked_month(request.GET.get("month")) or _usual_month(cluster, now)
    if request.method == "POST":
        return _begin(request, cluster, month, now)
    rows, lacking = month_rows(cluster, month)
    approved = sum(row.settlement.approved for row in rows)
    months = ExternalSettlement.objects.filter(cluster=cluster).order_by("-period").values_list("period", flat=True)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("External settlement"),
        "month": month_span(month, tz),
        "before": previous_month(month),
        "after": next_month(month),
        "rows": rows,
        "lacking": lacking,
        "approved": approved,
        "all": len(rows) + len(lacking),
        "months": list(months.distinct()[:MONTHS_LISTED]),
        "rules": rules_of(cluster),
        "may_settle": _may(request),
        "may_set": may(request.access, "change_settings"),  # type: ignore[attr-defined]
    }
    return TemplateResponse(request, "admin/external.html", context)


def external_settlement(request: HttpRequest, number: int) -> HttpResponse:
    """One settlement; a POST computes, takes the invoice, explains, approves, corrects or discards (`what`)."""
    cluster = _cluster(request)
    row = _row(cluster, number)
    now = timezone.now()
    form = InvoiceForm.of(row)
    faults: list[Any] = []
    if request.method == "POST":
        _allow(request)
        try:
            if request.POST.get("what") == "invoice":
                form = InvoiceForm(request.POST, request.FILES)
                if form.is_valid():
                    service.take_invoice(
                        row, form.invoice(), form.content(), form.with_lines(), _user(request), now
                    )  # fmt: skip
                    return redirect("admin:external_settlement", row.pk)
            else:
                return _act(request, cluster, row, now)
        except service.SettlementRefused as refused:
            messages.error(request, str(refused))
            return redirect("admin:external_settlement", row.pk)
        except SupplierFileRefused as refused:
            faults = [fault._replace(text=finding_in_words(fault.text)) for fault in refused.faults]
    return _page(request, cluster, row, form, faults, now)


@require_safe
def external_file(request: HttpRequest, number: int, file: int) -> HttpResponse:
    """A file of the partner, as it came."""
    row = _row(_cluster(request), number)
    found = get_object_or_404(ExternalInvoiceFile, settlement=row, pk=file)
    response = HttpResponse(bytes(found.content), content_type="application/octet-stream")
    response["Content-Disposition"] = _attachment(found.name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
def external_lines(request: HttpRequest, number: int) -> HttpResponse:
    """Our quarter-hours in the format that suppliers' files have."""
    if not may(request.access, "export_cluster"):  # type: ignore[attr-defined]
        raise PermissionDenied
    row = _row(_cluster(request), number)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = _attachment(f"{row.direction}-{row.period:%Y-%m}-{row.revision}.csv")
    writer = csv.writer(response, lineterminator="\n")
    writer.writerow(["interval_start", "kwh", "price_pln_mwh", "amount_pln"])
    for start, wh, price in lines_csv(row):
        amount = half_up(wh * price / 1000, 2)
        writer.writerow(
            [format_instant(start), f"{Decimal(wh).scaleb(-3):f}", f"{half_up(price.scaleb(3), 3):f}", f"{amount:f}"]
        )
    return response


def _begin(request: HttpRequest, cluster: Cluster, month: date, now: datetime) -> HttpResponse:
    _allow(request)
    direction = request.POST.get("direction", "")
    asked = request.POST.get("partner", "")
    if direction not in ExternalSettlement.Direction.values:
        raise Http404
    partner = get_object_or_404(
        ExternalPartner, cluster=cluster, pk=int(asked) if asked.isdecimal() and len(asked) < 19 else 0
    )
    try:
        made = service.prepare(cluster, direction, partner, month, _user(request), now)
    except service.SettlementRefused as refused:
        messages.error(request, str(refused))
        return redirect(request.get_full_path())
    return redirect("admin:external_settlement", made.pk)


def _act(request: HttpRequest, cluster: Cluster, row: ExternalSettlement, now: datetime) -> HttpResponse:
    what, user_id = request.POST.get("what", ""), _user(request)
    if what == "recompute":
        service.recompute(row, user_id, now)
        messages.success(request, gettext("Computed from the runs in force."))
    elif what == "explain":
        count = service.explain(row, _chosen(request, row), request.POST.get("explanation", ""), user_id, now)
        text = ngettext("%(n)s difference is explained.", "%(n)s differences are explained.", count)
        messages.success(request, text % {"n": numbers.number(count)})
    elif what == "approve":
        service.approve(row, user_id, now)
        post_settlements(cluster, now, user_id)
        messages.success(request, gettext("Approved and posted: from now on nothing of it can be changed."))
    elif what == "correct":
        made = service.correct(row, request.POST.get("reason", ""), user_id, now)
        return redirect("admin:external_settlement", made.pk)
    elif what == "discard":
        service.discard(row)
        messages.success(request, gettext("The draft is gone."))
        return redirect("admin:external")
    else:
        raise Http404
    return redirect("admin:external_settlement", row.pk)


def _chosen(request: HttpRequest, row: ExternalSettlement) -> list[int]:
    """Differences that were ticked, and all open ones of the kinds that were."""
    ticked = [int(each) for each in request.POST.getlist("difference") if each.isdecimal() and len(each) < 19]
    kinds = request.POST.getlist("kind")
    of_kinds = ExternalDifference.objects.filter(settlement=row, kind__in=kinds, explanation="")
    return [*ticked, *of_kinds.values_list("pk", flat=True)]


def _page(
    request: HttpRequest, cluster: Cluster, row: ExternalSettlement, form: InvoiceForm, faults: list[Any], now: datetime
) -> TemplateResponse:
    tz = time_zone(cluster.timezone)
    shown, left = differences(row)
    kinds = ExternalDifference.Kind
    live = is_stale(cluster, row)
    later = ExternalSettlement.objects.filter(cluster=cluster, replaces=row).first()
    points = [] if row.approved else service.checklist(row, now, _user(request))
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"{capfirst(row.get_direction_display())}: {row.partner}",
        "row": row,
        "month": month_span(row.period, tz),
        "tz": tz,
        "points": points,
        "ready": bool(points) and not any(point.blocks for point in points),
        "compared": comparison(row, tz),
        "differences": shown,
        "left": [(kind, kinds(kind).label, count) for kind, count in left.items()],
        "left_count": sum(left.values()),
        "files": list(row.files.defer("content").select_related("uploaded_by")),
        "live": live,
        "later": later,
        "form": form,
        "faults": faults,
        "columns": InvoiceForm.columns(),
        "may_settle": _may(request),
        "may_export": may(request.access, "export_cluster"),  # type: ignore[attr-defined]
    }
    return TemplateResponse(request, "admin/external_settlement.html", context)


def _cluster(request: HttpRequest) -> Cluster:
    cluster = request.cluster  # type: ignore[attr-defined]
    if cluster is None:
        raise Http404
    found: Cluster = cluster
    return found


def _row(cluster: Cluster, number: int) -> ExternalSettlement:
    rows = ExternalSettlement.objects.filter(cluster=cluster)
    return get_object_or_404(
        rows.select_related("cluster", "partner", "prepared_by", "approved_by", "replaces"), pk=number
    )


def _usual_month(cluster: Cluster, now: datetime) -> date:
    """The month before this one, or the last one with anything settled."""
    tz = time_zone(cluster.timezone)
    last = last_settled(cluster.pk)
    before = previous_month(local_day(now, tz).replace(day=1))
    return min(before, local_day(last, tz).replace(day=1)) if last else before


def _user(request: HttpRequest) -> int:
    return int(request.user.pk or 0)


def _may(request: HttpRequest) -> bool:
    return may(request.access, "settle_externally")  # type: ignore[attr-defined]


def _allow(request: HttpRequest) -> None:
    if not _may(request):
        raise PermissionDenied


def _attachment(name: str) -> str:
    safe = "".join(char if char.isalnum() or char in " ._-()" else "_" for char in name)
    return f'attachment; filename="{safe.encode("ascii", "replace").decode()}"'
