"""Pages of a distributor: collective statements of its clusters, and its own documents where it settles directly."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing.models import Document
from cluster_platform.billing_desk.common import closed_period_asked
from cluster_platform.billing_desk.documents import document_context
from cluster_platform.billing_desk.grid_fees import month_context
from participants.models import Cluster
from participants.permissions import may
from participants.tenancy.scope import scope


@never_cache
@require_safe
@login_required
def statements(request: HttpRequest) -> HttpResponse:
    """Of `?cluster=` and `?month=`, or the first cluster's last closed month."""
    clusters = _clusters(request)
    asked = request.GET.get("cluster", "")
    cluster = next((each for each in clusters if each.slug == asked), None) if asked else clusters[0]
    if cluster is None:
        raise Http404
    with scope(cluster.pk):
        period, months = closed_period_asked(request, cluster)
        context: dict[str, Any] = {
            "page": "dso_statements",
            "clusters": clusters,
            "cluster": cluster,
            "slug": cluster.slug,
            "months": months,
            "own_documents": True,
            **(month_context(cluster, period) if period else {"period": None}),
        }
        return render(request, "dso_statements.html", context)


@never_cache
@require_safe
@login_required
def document(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One of the distributor's own documents."""
    cluster = next((each for each in _clusters(request) if each.slug == slug), None)
    if cluster is None:
        raise Http404
    with scope(cluster.pk):
        rows = Document.objects.filter(cluster=cluster, bill__dso=cluster.dso_id)
        row = get_object_or_404(rows.select_related("bill__participant", "bill__dso", "corrects"), pk=number)
        context = {"page": "dso_statements", "title": gettext("Document"), **document_context(row)}
        return render(request, "dso_document.html", context)


def _clusters(request: HttpRequest) -> list[Cluster]:
    """The clusters on the distributor's grid."""
    if not may(request.access, "view_grid_fees"):  # type: ignore[attr-defined]
        raise PermissionDenied
    dso_id = request.cluster.dso_id  # type: ignore[attr-defined]
    return list(Cluster.objects.filter(dso=dso_id).select_related("dso").order_by("name"))
