"""The e-mail that offers a role."""

from django.core.mail import send_mail
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from participants.models import Cluster, RoleInvitation


def send_role_invitation(request: HttpRequest, cluster: Cluster, invitation: RoleInvitation, token: str) -> None:
    """Send the link, in the language of whoever invites."""
    link = request.build_absolute_uri(reverse("role_invitation", args=[token]))
    context = {"cluster": cluster, "invitation": invitation, "link": link}
    subject = _("Invitation to %(cluster)s") % {"cluster": cluster.name}
    send_mail(subject, render_to_string("mail/role_invitation.txt", context), None, [invitation.email])
