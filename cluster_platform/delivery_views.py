"""Files of readings among the distributor's pages."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cluster_platform.delivery_forms import UploadForm
from cluster_platform.delivery_pages import act, page_of, take
from metering.models import Delivery
from metering.selectors.areas import nodes_of, points_in
from metering.services.deliveries import Sender
from participants.models import Cluster
from participants.permissions import may
from participants.tenancy.scope import scope

A_PAGE = 50


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def deliveries(request: HttpRequest) -> HttpResponse:
    """Upload a file for one of the clusters on the distributor's grid; those sent so far."""
    clusters = _clusters(request)
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = UploadForm(*sent, clusters=clusters)
    user: Any = request.user
    if request.method == "POST" and form.is_valid():
        cluster = form.cluster()
        with scope(cluster.pk):
            nodes = nodes_of(request.access, user, cluster.pk)  # type: ignore[attr-defined]
            points = None if nodes is None else points_in(cluster.pk, nodes)
            sender = Sender(Delivery.Via.PAGE, user.pk, dso_id=cluster.dso_id, points=points)
            delivery = take(request, cluster, form.cleaned_data["file"], sender, timezone.now())
            if not _theirs(request, cluster).filter(pk=delivery.pk).exists():
                return redirect("dso_deliveries")
        return redirect("dso_delivery", cluster.slug, delivery.pk)
    by_pk = {cluster.pk: cluster for cluster in clusters}
    with scope(*by_pk):
        rows = Delivery.objects.none()
        for cluster in clusters:
            rows = rows | _theirs(request, cluster)
        pages = Paginator(rows.select_related("user").order_by("-received_at", "-pk"), A_PAGE)
        page = pages.get_page(request.GET.get("p"))
        shown = [(row, by_pk[row.cluster_id]) for row in page]
    context = {"form": form, "rows": shown, "pages": page, "page": "dso_deliveries"}
    return render(request, "dso_deliveries.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delivery(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One file: what is in it, and the buttons."""
    cluster = next((cluster for cluster in _clusters(request) if cluster.slug == slug), None)
    if cluster is None:
        raise Http404
    with scope(cluster.pk):
        found = get_object_or_404(_theirs(request, cluster).select_related("mapping", "cluster"), pk=number)
        answered = act(request, found, timezone.now()) if request.method == "POST" else None
        if answered is not None and answered.done:
            return redirect("dso_delivery", cluster.slug, found.pk)
        context = page_of(request, cluster, found, answered)
        context |= {"cluster": cluster, "may_decide": True, "page": "dso_deliveries"}
        return render(request, "parts/delivery.html" if "part" in request.GET else "dso_delivery.html", context)


def _clusters(request: HttpRequest) -> list[Cluster]:
    """The clusters in which the user looks after a part of the distributor's grid; nobody else gets in."""
    user: Any = request.user
    access = request.access  # type: ignore[attr-defined]
    if access is None or access.role != "dso" or not may(access, "deliver_readings"):
        raise PermissionDenied
    clusters = list(Cluster.objects.filter(dso=request.cluster.dso_id).order_by("name"))  # type: ignore[attr-defined]
    with scope(*(cluster.pk for cluster in clusters)):
        return [cluster for cluster in clusters if nodes_of(access, user, cluster.pk) != frozenset()]


def _theirs(request: HttpRequest, cluster: Cluster) -> QuerySet[Delivery]:
    """What the distributor's people sent; of somebody who looks after an area, what they sent themselves."""
    rows = Delivery.objects.filter(cluster=cluster, dso=cluster.dso_id)
    if request.access.level != "full":  # type: ignore[attr-defined]
        rows = rows.filter(user=request.user.pk)
    return rows
