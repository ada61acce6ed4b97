"""Implausible readings that are the distributor's to clear up, among its pages."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cluster_platform.finding_forms import ReasonForm
from cluster_platform.finding_words import figures
from metering.domain.calendar import time_zone
from metering.models import Finding, PointAssignment, ReadingAccess
from metering.selectors.areas import nodes_of
from metering.services.access_log import Reader, note_access
from metering.services.findings import FindingGone, explain
from participants.models import Cluster
from participants.permissions import may
from participants.tenancy.scope import scope

A_PAGE = 50
STATES = (Finding.State.OPEN, Finding.State.EXPLAINED)


@never_cache
@require_safe
@login_required
def findings(request: HttpRequest) -> HttpResponse:
    """What is open, or explained, in all clusters on the distributor's grid, newest first."""
    clusters = {cluster.pk: cluster for cluster in _clusters(request)}
    wanted = request.GET.get("state", "")
    state = wanted if wanted in STATES else Finding.State.OPEN
    with scope(*clusters):
        found = Finding.objects.none()
        for cluster in clusters.values():
            found = found | _theirs(request, cluster)
        rows = found.filter(state=state).select_related("metering_point", "grid_node", "explained_by")
        page = Paginator(rows.order_by("-day", "pk"), A_PAGE).get_page(request.GET.get("p"))
        shown = [(row, clusters[row.cluster_id], figures(row)) for row in page]
    context = {"rows": shown, "pages": page, "state": state, "count": page.paginator.count, "page": "dso_findings"}
    return render(request, "dso_findings.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def finding(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One finding: its figures, and an explanation."""
    cluster = next((cluster for cluster in _clusters(request) if cluster.slug == slug), None)
    if cluster is None:
        raise Http404
    user: Any = request.user
    with scope(cluster.pk):
        rows = _theirs(request, cluster).select_related("metering_point", "grid_node", "explained_by")
        found = get_object_or_404(rows, pk=number)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                explain(found, form.cleaned_data["reason"], user, timezone.now())
                messages.success(request, _("Explained."))
            except FindingGone:
                messages.warning(request, _("That was not possible any more: the readings have changed."))
            return redirect("dso_findings")
        if found.metering_point_id:
            reader = Reader(user.pk, request.access.role)  # type: ignore[attr-defined]
            purpose = ReadingAccess.Purpose.POINT
            note_access(cluster.pk, reader, purpose, [found.metering_point_id], found.starts, found.ends)
        context = {
            "finding": found,
            "figures": figures(found),
            "cluster": cluster,
            "tz": time_zone(cluster.timezone),
            "form": form,
            "page": "dso_findings",
        }
        return render(request, "dso_finding.html", context)


def _clusters(request: HttpRequest) -> list[Cluster]:
    access = request.access  # type: ignore[attr-defined]
    if not (may(access, "view_missing") and may(access, "answer_findings")):
        raise PermissionDenied
    return list(Cluster.objects.filter(dso=request.cluster.dso_id).order_by("name"))  # type: ignore[attr-defined]


def _theirs(request: HttpRequest, cluster: Cluster) -> QuerySet[Finding]:
    """The distributor's findings in one cluster in scope, in the part of its grid that the user looks after."""
    user: Any = request.user
    rows = Finding.objects.filter(cluster=cluster, owner=Finding.Owner.DSO)
    nodes = nodes_of(request.access, user, cluster.pk)  # type: ignore[attr-defined]
    if nodes is None:
        return rows
    here = PointAssignment.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=OuterRef("day")), cluster=cluster, grid_node__in=nodes,
        metering_point=OuterRef("metering_point"), valid_from__lte=OuterRef("day"),
    )  # fmt: skip
    return rows.filter(Q(grid_node__in=nodes) | Exists(here))
