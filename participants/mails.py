"""E-mails of the platform: plain text in the reader's language, sent once what they tell of is stored."""

from functools import partial

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from participants.application_words import STATUS
from participants.models import Application, Cluster, Complaint, Invitation


def address_of(view: str, *args: object) -> str:
    """The full address of a page, as an e-mail needs it."""
    return settings.PUBLIC_URL.rstrip("/") + reverse(view, args=args)


def tell_applicant(application: Application, cluster: Cluster, text: str = "") -> None:
    """Where the application stands now; `text`: what was asked, or the reason."""
    with override(application.language):
        said = STATUS[application.status]
        link = address_of("application", cluster.slug, application.pk)
        parts = [str(said.headline), text, str(said.meaning), link, cluster.name]
        subject = f"{cluster.name}: {said.headline}"
    _send(subject, parts, application.email or application.user.email)


def invite(invitation: Invitation, cluster: Cluster, token: str, language: str) -> None:
    """The link that only this address can apply with."""
    with override(language):
        subject = _("%(cluster)s invites you to join") % {"cluster": cluster.name}
        parts = [
            subject,
            _("Members of an energy cluster trade electricity with their neighbours and pay less for it."),
            _("Open this link and sign in, or create an account, with this e-mail address:"),
            address_of("invitation", cluster.slug, token),
            _("The link is yours alone and works until %(day)s.") % {"day": f"{invitation.expires_at:%Y-%m-%d}"},
        ]
    _send(subject, parts, invitation.email)


def tell_complainant(complaint: Complaint, cluster: Cluster) -> None:
    """The answer to a complaint."""
    with override(complaint.language):
        subject = _("%(cluster)s: answer to your complaint") % {"cluster": cluster.name}
        parts = [subject, complaint.subject, complaint.answer, address_of("complaints")]
    _send(subject, parts, complaint.user.email)


def _send(subject: str, parts: list[str], to: str) -> None:
    body = "\n\n".join(part for part in parts if part) + "\n"
    send = partial(send_mail, " ".join(subject.split()), body, None, [to])
    # What was decided stays decided, also when the mail server is down: the failure is logged.
    transaction.on_commit(send, robust=True)
