"""The member's privacy: consents, who looked at the readings, all own data, erasure."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from cluster_platform.portal.own_data import Owner, own_data_zip
from cluster_platform.portal.own_readme import readme
from cluster_platform.portal.pseudonyms import pseudonyms
from cluster_platform.portal.reading_log import own_accesses
from cluster_platform.views import Member, for_members
from contracts.services.erasure import obstacles
from participants.models import Consent, ErasureRequest, Participant
from participants.permissions import may
from participants.selectors.consents import decisions
from participants.services.consents import decide

ACCESSES_SHOWN = 50
#: What is deleted by itself, as in settings.RETENTION_MONTHS.
KEPT = {
    "members": _("Your name, addresses and bank account, after your contract and metering points have ended"),
    "complaints": _("Texts of your complaints, after the answer"),
    "accesses": _("Who looked at your readings"),
    "changes": _("The history of changes, with your former data"),
}


@dataclass(frozen=True)
class Purpose:
    """A purpose and what the participant last decided about it, if anything."""

    code: str
    label: str
    decision: Consent | None

    @property
    def given(self) -> bool:
        return self.decision is not None and self.decision.given


@for_members
def privacy(request: HttpRequest, member: Member) -> HttpResponse:
    """Who sees what of the member, and what the member may decide about it."""
    decided = decisions(member.participant)
    names = pseudonyms(member.cluster.pk, member.today)
    own_points = [point for point, start, end in member.own.windows if start <= member.now < end]
    context = {
        "page": "privacy",
        "participant": member.participant,
        "node": member.own.node,
        "tz": member.tz,
        "names": sorted(names[point] for point in own_points),
        "purposes": [Purpose(code, str(label), decided.get(code)) for code, label in Consent.Purpose.choices],
        "accesses": own_accesses(member.cluster.pk, member.own, member.tz, ACCESSES_SHOWN),
        "accesses_shown": ACCESSES_SHOWN,
        "erasure": ErasureRequest.objects.filter(participant=member.participant).first(),
        "kept": [(label, settings.RETENTION_MONTHS[kind]) for kind, label in KEPT.items()],
        "obstacles": obstacles(member.participant, member.today),
        "decides": may(request.access, "decide_privacy"),  # type: ignore[attr-defined]
    }
    return render(request, "member/privacy.html", context)


@require_POST
@login_required
def change_consent(request: HttpRequest) -> HttpResponse:
    """Give or withdraw the consent to one purpose, from now on."""
    participant = _deciding(request)
    purpose, given = request.POST.get("purpose"), request.POST.get("given")
    if purpose not in Consent.Purpose.values or given not in ("yes", "no"):
        raise Http404
    decide(participant, purpose, given == "yes", request.user)  # type: ignore[arg-type]
    messages.success(request, gettext("Noted. It holds from now on."))
    return redirect("privacy")


@for_members  # type: ignore[arg-type]
def own_data(request: HttpRequest, member: Member) -> StreamingHttpResponse:
    """All that is stored about the participant, as a ZIP."""
    _deciding(request)
    owner = Owner(member.cluster, member.participant, request.user, member.own, member.tz)  # type: ignore[arg-type]
    response = StreamingHttpResponse(own_data_zip(owner, readme(member.cluster)), content_type="application/zip")
    name = f"{member.cluster.slug}-{member.participant.code}-{member.today}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
@login_required
def request_erasure(request: HttpRequest) -> HttpResponse:
    """Ask the coordinator to be forgotten."""
    participant = _deciding(request)
    if request.POST.get("sure") != "yes":
        messages.error(request, gettext("Tick that you know that it can't be undone."))
        return redirect("privacy")
    ErasureRequest.objects.get_or_create(
        cluster_id=participant.cluster_id,
        participant=participant,
        defaults={"requested_at": timezone.now(), "requested_by": request.user},  # type: ignore[misc]
    )
    messages.success(request, gettext("Your coordinator has your request."))
    return redirect("privacy")


@require_POST
@login_required
def withdraw_erasure(request: HttpRequest) -> HttpResponse:
    """Take the request back while nothing was erased."""
    ErasureRequest.objects.filter(participant=_deciding(request), erased_at=None).delete()
    messages.success(request, gettext("Your request is withdrawn."))
    return redirect("privacy")


def _deciding(request: HttpRequest) -> Participant:
    """The participant whose data the user may decide about."""
    access = request.access  # type: ignore[attr-defined]
    if not may(access, "decide_privacy"):
        raise PermissionDenied
    return Participant.objects.get(pk=access.participant_id)
