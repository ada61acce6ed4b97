"""An invited person follows the link."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cluster_platform.onboarding.guards import in_cluster
from participants.models import Cluster
from participants.selectors.applications import open_application
from participants.services.invitations import InvitationRefused, accept_invitation, find_invitation, owns_address

REFUSALS = {
    "unknown": _("This link leads nowhere: it may be cut off. Copy it whole from the e-mail."),
    "used": _("This invitation was used already. Your application is waiting for you after signing in."),
    "expired": _("This invitation has expired or was replaced by a newer one. Ask the coordinator for another."),
    "other_address": _("This invitation is for another e-mail address. Sign in with the address that it was sent to."),
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@in_cluster
def invitation(request: HttpRequest, cluster: Cluster, token: str) -> HttpResponse:
    """Says what the link is for; sending the form begins the application."""
    user: Any = request.user
    now = timezone.now()
    try:
        if request.method == "POST":
            application = accept_invitation(cluster, token, user, get_language() or "pl", now)
            return redirect("application_who", cluster.slug, application.pk)
        found = find_invitation(token, now)
        if not owns_address(user, found.email):
            raise InvitationRefused("other_address")
    except InvitationRefused as refused:
        mine = refused.reason == "used" and open_application(user) is not None
        context = {"cluster": cluster, "refusal": REFUSALS[refused.reason], "mine": mine}
        return render(
            request, "onboarding/invitation.html", context, status=410 if refused.reason != "other_address" else 403
        )
    return render(request, "onboarding/invitation.html", {"cluster": cluster})
