"""Who is let in to which page of onboarding. The address names the cluster; what is not one's own does not exist."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from participants.domain.application_steps import EDITABLE, StepRefused
from participants.models import Application, Cluster
from participants.tenancy.scope import scope

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Applying:
    """The signed-in user's own application, its cluster, and when it is looked at."""

    cluster: Cluster
    application: Application
    now: datetime

    @property
    def editable(self) -> bool:
        return self.application.status in EDITABLE


def in_cluster(view: View) -> View:
    """Opens the scope of the cluster that the address names, for anybody."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        cluster = get_object_or_404(Cluster.objects.select_related("dso"), slug=slug)
        with scope(cluster.pk):
            return view(request, cluster, *args, **kwargs)

    return guarded


def for_applicants(view: View) -> View:
    """Lets applicants in, each to their own applications; a step that came too late leads back to its page."""

    @wraps(view)
    @never_cache
    @login_required
    @in_cluster
    def guarded(request: HttpRequest, cluster: Cluster, application: int, *args: Any, **kwargs: Any) -> HttpResponse:
        found = Application.objects.filter(pk=application, user=request.user.pk, erased_at=None).first()
        if found is None:
            raise Http404
        try:
            return view(request, Applying(cluster, found, timezone.now()), *args, **kwargs)
        except StepRefused:
            messages.warning(request, _("That was not possible any more: the application has moved on, see below."))
            return redirect("application", cluster.slug, found.pk)

    return guarded
