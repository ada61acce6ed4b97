"""Pages of issued documents: the list, and one as it was issued."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing.domain.documents import Document as Content
from billing.models import BillingPeriod, Document
from billing.selectors.bills import document_content
from billing.selectors.einvoices import einvoice_of
from cluster_platform.billing_desk.common import cluster_of, month_asked

A_PAGE = 100


@require_safe
def documents(request: HttpRequest) -> TemplateResponse:
    """Of `?month=`, `?kind=`, with `?q=` in number or participant; the latest first."""
    cluster = cluster_of(request)
    asked, month, kind = (request.GET.get(name, "").strip() for name in ("q", "month", "kind"))
    rows = Document.objects.filter(cluster=cluster).select_related("bill__participant", "corrects").order_by("-pk")
    if month:
        rows = rows.filter(bill__period=month_asked(month))
    if kind in Document.Kind.values:
        rows = rows.filter(kind=kind)
    if asked:
        rows = rows.filter(
            Q(number__icontains=asked) | Q(bill__participant__code__iexact=asked) | Q(bill__reference__iexact=asked)
        )
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("p"))
    context = {
        **admin.site.each_context(request),
        "title": gettext("Documents"),
        "page": page,
        "count": page.paginator.count,
        "asked": asked,
        "month": month,
        "kind": kind,
        "kinds": Document.Kind.choices,
        "months": BillingPeriod.objects.filter(cluster=cluster, state=BillingPeriod.State.CLOSED).order_by("-month"),
    }
    return TemplateResponse(request, "admin/documents.html", context)


@require_safe
def document(request: HttpRequest, number: int) -> TemplateResponse:
    """One document, its corrections, and its bill."""
    cluster = cluster_of(request)
    found = Document.objects.filter(cluster=cluster).select_related("bill__participant", "bill__dso", "corrects")
    row = get_object_or_404(found, pk=number)
    context = {**admin.site.each_context(request), "title": row.number, **document_context(row)}
    return TemplateResponse(request, "admin/document.html", context)


def document_context(row: Document) -> dict[str, Any]:
    """What a page of one document shows."""
    content = next(document_content(Document.objects.filter(pk=row.pk)))
    return {
        "row": row,
        "content": content,
        "lines": _lines(content),
        "settlements": [(each.reason, each.amount_pln) for each in content.settlements],
        "corrections": Document.objects.filter(cluster=row.cluster_id, corrects=row.corrects or row).order_by("pk"),
        "einvoice": einvoice_of(row),
        "others": row.bill.documents.exclude(pk=row.pk).order_by("position"),
    }


def _lines(content: Content) -> list[dict[str, Any]]:
    """In a correction what is the same before and after is left out, and each line stands next to its other side."""
    if content.corrects is None:
        return [{"line": line, "changed": False} for line in content.lines]
    before = [line for line in content.lines if line.before]
    after = [line for line in content.lines if not line.before]

    def key(line: Any) -> tuple[Any, ...]:
        return line.metering_point, line.component, line.zone, line.sharing_level, line.first, line.end

    same = {(key(line), line.quantity, line.net_pln, line.vat_rate) for line in before} & {
        (key(line), line.quantity, line.net_pln, line.vat_rate) for line in after
    }
    rows = [line for line in (*before, *after) if (key(line), line.quantity, line.net_pln, line.vat_rate) not in same]
    order = {key(line): number for number, line in enumerate((*after, *before))}
    rows.sort(key=lambda line: (order[key(line)], not line.before))
    return [{"line": line, "changed": True} for line in rows]
