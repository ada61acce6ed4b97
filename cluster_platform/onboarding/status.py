"""Where an application stands, in plain words, and what the applicant can do about it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from cluster_platform.onboarding.apply import contents
from cluster_platform.onboarding.forms import TextForm
from cluster_platform.onboarding.guards import Applying, for_applicants
from metering.domain.calendar import time_zone
from participants.application_words import STATUS, STEPS
from participants.domain.application_steps import steps_from
from participants.models import Application
from participants.selectors.applications import missing_in
from participants.services.applications import take_step
from participants.services.forgetting import other_ways_in

#: Texts between the distributor and the coordinator are not the applicant's to read.
SHOWN_TEXTS = {"ask", "answer", "refuse"}
#: The way of an application without detours.
STAGES = (
    ("submitted", _("sent in")),
    ("at_dso", _("checked by the distributor")),
    ("confirmed", _("confirmed")),
    ("admitted", _("admitted")),
)
#: How far a status is on that way.
REACHED = {"draft": 0, "submitted": 1, "questions": 1, "objected": 1, "at_dso": 2, "confirmed": 3, "admitted": 4}


@for_applicants
@require_http_methods(["GET", "HEAD", "POST"])
def status(request: HttpRequest, applying: Applying) -> HttpResponse:
    """Status, timeline and contents; an answer to the coordinator's question is sent from here."""
    application = applying.application
    form = TextForm(request.POST if request.method == "POST" else None, label=_("Your answer"))
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["text"]
        take_step(applying.cluster, application.pk, "answer", "applicant", application.user, applying.now, text)
        messages.success(request, _("Your answer is on its way."))
        return redirect("application", applying.cluster.slug, application.pk)
    missing = missing_in(application) if applying.editable else []
    context: dict[str, Any] = {
        "cluster": applying.cluster,
        "application": application,
        "tz": time_zone(applying.cluster.timezone),
        "said": STATUS[application.status],
        "stages": STAGES,
        "reached": REACHED.get(application.status),
        "timeline": timeline(application),
        "missing": missing,
        "editable": applying.editable,
        "may_withdraw": "withdraw" in steps_from(application.status, "applicant"),
        "form": form,
        "may_close": not other_ways_in(application.user, applying.cluster.pk),
    }
    return render(request, "onboarding/status.html", context | contents(application))


@for_applicants
@require_POST
def withdraw(request: HttpRequest, applying: Applying) -> HttpResponse:
    """Take the application back."""
    application = applying.application
    take_step(applying.cluster, application.pk, "withdraw", "applicant", application.user, applying.now)
    return redirect("application", applying.cluster.slug, application.pk)


def timeline(application: Application, everything: bool = False) -> list[tuple[Any, Any, str]]:
    """Time, words and text of each step, newest first; the distributor's texts only for the coordinator."""
    events = application.events.select_related("user").order_by("-at", "-id")
    return [
        (event.at, STEPS.get(event.step, event.step), event.text if everything or event.step in SHOWN_TEXTS else "")
        for event in events
    ]
