"""The distributor confirms the metering points of applicants, or objects."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cluster_platform.onboarding.forms import TextForm, group_choices
from metering.domain.calendar import local_day, time_zone
from metering.models import GridNode
from metering.selectors.areas import nodes_of
from participants.access import Access
from participants.domain.application_steps import StepRefused
from participants.models import Application, ApplicationPoint, Cluster
from participants.permissions import may
from participants.services.applications import confirm_points, take_step
from participants.tenancy.scope import scope


class ConfirmForm(forms.Form):
    """Grid node and tariff group of each metering point, and the first day for all of them."""

    start_day = forms.DateField(
        label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), localize=False
    )

    def __init__(
        self, *args: Any, points: list[ApplicationPoint], cluster: Cluster, nodes: list[str], today: date, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.points, self.today = points, today
        self.fields["start_day"].widget.attrs["min"] = f"{today + timedelta(days=1):%Y-%m-%d}"
        for point in points:
            self.fields[f"node_{point.pk}"] = forms.ChoiceField(
                label=_("Grid node"), choices=[("", _("choose")), *((code, code) for code in nodes)],
                initial=point.grid_node,
            )  # fmt: skip
            self.fields[f"group_{point.pk}"] = forms.ChoiceField(
                label=_("Tariff group"), choices=group_choices(cluster), initial=point.tariff_group
            )

    def rows(self) -> list[tuple[ApplicationPoint, Any, Any]]:
        """Each metering point with its two fields."""
        return [(point, self[f"node_{point.pk}"], self[f"group_{point.pk}"]) for point in self.points]

    def clean_start_day(self) -> date:
        day: date = self.cleaned_data["start_day"]
        if day <= self.today:
            raise forms.ValidationError(_("Tomorrow at the earliest."))
        return day

    def confirmed(self) -> dict[int, tuple[str, str]]:
        """Node and group by the metering point's key."""
        clean = self.cleaned_data
        return {point.pk: (clean[f"node_{point.pk}"], clean[f"group_{point.pk}"]) for point in self.points}


@never_cache
@require_safe
@login_required
def applications(request: HttpRequest) -> HttpResponse:
    """What waits for the distributor in all clusters on its grid."""
    by_cluster = _clusters(request)
    waiting = []
    with scope(*(cluster.pk for cluster in by_cluster)):
        for cluster in by_cluster:
            rows = Application.objects.filter(cluster=cluster, status=Application.Status.AT_DSO)
            waiting += [(cluster, row, list(row.points.all())) for row in rows.order_by("submitted_at")]
    return render(request, "onboarding/dso_list.html", {"waiting": waiting, "page": "dso_applications"})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def application(request: HttpRequest, slug: str, application: int) -> HttpResponse:
    """One application: confirm all its points, or object."""
    cluster = next((cluster for cluster in _clusters(request) if cluster.slug == slug), None)
    if cluster is None:
        raise Http404
    with scope(cluster.pk):
        found = get_object_or_404(Application, pk=application, status=Application.Status.AT_DSO)
        return _application(request, cluster, found)


def _application(request: HttpRequest, cluster: Cluster, found: Application) -> HttpResponse:
    user: Any = request.user
    now = timezone.now()
    objecting = request.method == "POST" and "object" in request.POST
    confirming = request.method == "POST" and not objecting
    form = ConfirmForm(
        request.POST if confirming else None,
        points=list(found.points.all()),
        cluster=cluster,
        nodes=_node_codes(request, cluster),
        today=local_day(now, time_zone(cluster.timezone)),
    )
    objection = TextForm(request.POST if objecting else None, label=_("What is wrong?"))
    try:
        if objecting and objection.is_valid():
            take_step(cluster, found.pk, "object", "dso", user, now, objection.cleaned_data["text"])
            messages.success(request, _("Your objection is with the coordinator."))
            return redirect("dso_applications")
        if confirming and form.is_valid():
            confirm_points(cluster, found.pk, form.confirmed(), form.cleaned_data["start_day"], user, now)
            messages.success(request, _("Confirmed. The coordinator can admit the applicant."))
            return redirect("dso_applications")
    except StepRefused:
        messages.warning(request, _("That was not possible any more: the application has moved on."))
        return redirect("dso_applications")
    context = {
        "cluster": cluster,
        "application": found,
        "form": form,
        "objection": objection,
        "objected": found.events.filter(step="object").order_by("-at"),
        "tz": time_zone(cluster.timezone),
    }
    return render(request, "onboarding/dso_application.html", {**context, "page": "dso_applications"})


def _clusters(request: HttpRequest) -> list[Cluster]:
    """The clusters in which the user looks after a part of the distributor's grid; nobody else gets in."""
    access: Access | None = request.access  # type: ignore[attr-defined]
    if not may(access, "confirm_points"):
        raise PermissionDenied
    distributor = request.cluster.dso_id  # type: ignore[attr-defined]
    clusters = list(Cluster.objects.filter(dso=distributor).order_by("name"))
    with scope(*(cluster.pk for cluster in clusters)):
        return [cluster for cluster in clusters if _area(request, cluster) != frozenset()]


def _node_codes(request: HttpRequest, cluster: Cluster) -> list[str]:
    """The nodes that the user may hang a point on: those of their area."""
    area = _area(request, cluster)
    nodes = GridNode.objects.filter(cluster=cluster)
    if area is not None:
        nodes = nodes.filter(pk__in=area)
    return list(nodes.order_by("code").values_list("code", flat=True))


def _area(request: HttpRequest, cluster: Cluster) -> frozenset[int] | None:
    user: Any = request.user
    return nodes_of(request.access, user, cluster.pk)  # type: ignore[attr-defined]
