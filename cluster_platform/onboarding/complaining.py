"""A member's complaints."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cluster_platform.onboarding.forms import ComplaintForm
from metering.domain.calendar import local_day, time_zone
from participants.models import Complaint, Participant
from participants.permissions import may
from participants.services.complaints import complain


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def complaints(request: HttpRequest) -> HttpResponse:
    """The participant's complaints with their answers, and the form for another."""
    access: Any = request.access  # type: ignore[attr-defined]
    if access is None or access.role != "member":
        raise PermissionDenied
    cluster = request.cluster  # type: ignore[attr-defined]
    participant = Participant.objects.get(pk=access.participant_id)
    may_complain = may(access, "act_for_participant", participant)
    form = ComplaintForm(request.POST if request.method == "POST" else None)
    now = timezone.now()
    tz = time_zone(cluster.timezone)
    due_on = local_day(now, tz) + timedelta(days=settings.COMPLAINT_DAYS)
    if request.method == "POST":
        if not may_complain:
            raise PermissionDenied
        if form.is_valid():
            user: Any = request.user
            written = form.cleaned_data
            text = (written["subject"], written["text"])
            complain(cluster, participant, user, text, now, due_on, get_language() or "pl")
            messages.success(request, _("Your complaint is with the coordinator."))
            return redirect("complaints")
    context = {
        "complaints": Complaint.objects.filter(participant=participant).order_by("-made_at"),
        "form": form if may_complain else None,
        "days": settings.COMPLAINT_DAYS,
        "tz": tz,
        "today": local_day(now, tz),
        "cluster": cluster,
    }
    return render(request, "onboarding/complaints.html", context)
