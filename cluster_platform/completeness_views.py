"""The distributor's page of readings that it owes, metering point by metering point."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cluster_platform.completeness import context, page
from metering.models import MeteringPoint
from metering.selectors.areas import nodes_of
from participants.models import Cluster
from participants.permissions import may
from participants.tenancy.scope import scope


@never_cache
@require_safe
@login_required
def completeness(request: HttpRequest) -> HttpResponse:
    """One of the clusters on the distributor's grid (`?cluster=`), in the part that the user looks after."""
    access = request.access  # type: ignore[attr-defined]
    if not may(access, "view_missing"):
        raise PermissionDenied
    distributor = request.cluster.dso  # type: ignore[attr-defined]
    clusters = list(Cluster.objects.filter(dso=distributor).order_by("name"))
    wanted = request.GET.get("cluster", request.cluster.slug)  # type: ignore[attr-defined]
    cluster = next((cluster for cluster in clusters if cluster.slug == wanted), None)
    if cluster is None:
        raise PermissionDenied
    with scope(cluster.pk):
        nodes = nodes_of(access, request.user, cluster.pk)  # type: ignore[arg-type]
        shown = page(request, cluster, timezone.now(), nodes, MeteringPoint.ReadingsFrom.DSO)
    found = {"page": "dso_completeness", "distributor": distributor, "clusters": clusters}
    return render(request, "dso_completeness.html", context(shown) | found)
