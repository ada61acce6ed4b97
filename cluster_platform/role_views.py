"""Pages about roles: a member's delegates, and taking up an invitation."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from participants.middleware import SESSION_KEY, access_key
from participants.models import Membership, Participant, RoleInvitation
from participants.permissions import may
from participants.role_mail import send_role_invitation
from participants.services.role_invitations import InvitationRefused, cluster_of, find_invitation, invite, take_up
from participants.tenancy.scope import scope

DELEGATE_LEVELS = ("read", "act")
REFUSALS = {
    "unknown": _("This link is no longer good. Ask for a new invitation."),
    "for another address": _("This invitation is for another e-mail address. Sign in with that one."),
    "has it already": _("You have a role here already."),
}


class DelegateForm(forms.Form):
    """Whom to let in, and how far."""

    email = forms.EmailField(label=_("E-mail address"))
    level = forms.ChoiceField(
        label=_("What they may do"),
        choices=[
            ("read", _("Read only: see energy, trades and money")),
            ("act", _("Read and act: also sign and ask in your name")),
        ],
        widget=forms.RadioSelect,
        initial="read",
    )

    def __init__(self, data: Any, participant: Participant) -> None:
        super().__init__(data)
        self.participant = participant

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].strip().lower()
        if Membership.objects.filter(participant=self.participant, user__email=email).exists():
            raise forms.ValidationError(_("This person sees your pages already."))
        return email


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delegates(request: HttpRequest) -> HttpResponse:
    """Who else sees or acts for the participant, and the form that invites somebody."""
    participant = _own_participant(request)
    form = DelegateForm(request.POST or None, participant)
    if request.method == "POST" and form.is_valid():
        cluster = request.cluster  # type: ignore[attr-defined]
        wanted: dict[str, Any] = form.cleaned_data
        user: Any = request.user
        invitation, token = invite(cluster, wanted["email"], wanted["level"], participant, user, timezone.now())
        send_role_invitation(request, cluster, invitation, token)
        messages.success(request, gettext("Invited: %(email)s") % {"email": invitation.email})
        return redirect("delegates")
    context = {
        "page": "delegates",
        "participant": participant,
        "delegates": _delegates(participant).select_related("user").order_by("user__email"),
        "invitations": _open_invitations(participant),
        "now": timezone.now(),
        "form": form,
    }
    return render(request, "member/delegates.html", context)


@require_POST
@login_required
def remove_delegate(request: HttpRequest, number: int) -> HttpResponse:
    """Take a delegate's role away, from the next click on."""
    delegate = get_object_or_404(_delegates(_own_participant(request)), pk=number)
    delegate.delete()
    messages.success(request, gettext("Removed: %(email)s") % {"email": delegate.user.email})
    return redirect("delegates")


@require_POST
@login_required
def withdraw_invitation(request: HttpRequest, number: int) -> HttpResponse:
    """Make an open invitation worthless."""
    invitation = get_object_or_404(_open_invitations(_own_participant(request)), pk=number)
    invitation.delete()
    messages.success(request, gettext("Withdrawn: %(email)s") % {"email": invitation.email})
    return redirect("delegates")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def role_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """What an invitation offers; taking it up leads to the pages that it opens."""
    user, now = request.user, timezone.now()
    try:
        if request.method == "POST":
            access = take_up(token, user, now)  # type: ignore[arg-type]
            request.session[SESSION_KEY] = access_key(access)
            return redirect("home")
        cluster = cluster_of(token)
        with scope(cluster.pk):
            invitation = find_invitation(token, user, now)  # type: ignore[arg-type]
    except InvitationRefused as refused:
        return render(request, "role_invitation.html", {"refusal": REFUSALS[str(refused)]}, status=404)
    return render(request, "role_invitation.html", {"invitation": invitation, "invited_to": cluster})


def _own_participant(request: HttpRequest) -> Participant:
    access = request.access  # type: ignore[attr-defined]
    if not may(access, "manage_delegates"):
        raise PermissionDenied
    return Participant.objects.get(pk=access.participant_id)


def _delegates(participant: Participant) -> Any:
    return Membership.objects.filter(participant=participant, level__in=DELEGATE_LEVELS)


def _open_invitations(participant: Participant) -> Any:
    return RoleInvitation.objects.filter(participant=participant, taken_at=None)
