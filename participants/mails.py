"""E-mails of the platform: plain text in the reader's language, sent once what they tell of is stored."""

import logging
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from participants.application_words import STATUS, TO_COORDINATOR
from participants.models import Application, Cluster, Complaint, Invitation, Membership, User

logger = logging.getLogger(__name__)


def address_of(view: str, *args: object) -> str:
    """The full address of a page, as an e-mail needs it."""
    return settings.PUBLIC_URL.rstrip("/") + reverse(view, args=args)


def tell_applicant(application: Application, cluster: Cluster, text: str = "") -> None:
    """Where the application stands now; `text`: what was asked, or the reason."""
    with override(application.language):
        said = STATUS[application.status]
        link = address_of("application", cluster.slug, application.pk)
        parts = [str(said.headline), str(said.meaning), text, link, cluster.name]
        subject = f"{cluster.name}: {said.headline}"
    send([message(subject, parts, application.email or application.user.email)])


def tell_coordinator(application: Application, cluster: Cluster, step: str, text: str = "") -> None:
    """A step of somebody else's, to each who decides; `text`: what was answered or objected."""
    messages = []
    for reader in coordinators(cluster):
        with override(reader.language):
            said = TO_COORDINATOR[step]
            named = f"{said.headline}: {application.name}"
            link = address_of("admin:participants_application_change", application.pk)
            parts = [named, text, str(said.meaning), link, cluster.name]
            messages.append(message(f"{cluster.name}: {named}", parts, reader.email))
    send(messages)


def tell_distributor(application: Application, cluster: Cluster, readers: Iterable[User]) -> None:
    """An application waits for the distributor's confirmation; `readers` may give it."""
    messages = []
    for reader in readers:
        with override(reader.language):
            subject = _("%(cluster)s: an applicant's metering points wait for you") % {"cluster": cluster.name}
            parts = [
                subject,
                _("Confirm the grid node, the tariff group and the first day, or object:"),
                address_of("dso_application", cluster.slug, application.pk),
            ]
            messages.append(message(subject, parts, reader.email))
    send(messages)


def invite(invitations: Iterable[tuple[Invitation, str]], cluster: Cluster) -> None:
    """The links that only their addresses can apply with, each given with its token."""
    messages = []
    for invitation, token in invitations:
        with override(invitation.language):
            subject = _("%(cluster)s invites you to join") % {"cluster": cluster.name}
            day = date_format(invitation.expires_at.astimezone(ZoneInfo(cluster.timezone)), "DATE_FORMAT")
            parts = [
                subject,
                _("Members of an energy cluster trade electricity with their neighbours and pay less for it."),
                _("Open this link and sign in, or create an account, with this e-mail address:"),
                address_of("invitation", cluster.slug, token),
                _("The link is yours alone and works until %(day)s.") % {"day": day},
            ]
        messages.append(message(subject, parts, invitation.email))
    send(messages)


def tell_of_complaint(complaint: Complaint, cluster: Cluster) -> None:
    """A new complaint, to each who may answer it."""
    messages = []
    for reader in coordinators(cluster):
        with override(reader.language):
            subject = _("%(cluster)s: a member complains") % {"cluster": cluster.name}
            due = _("An answer is due by %(day)s.") % {"day": date_format(complaint.due_on, "DATE_FORMAT")}
            link = address_of("admin:participants_complaint_change", complaint.pk)
            parts = [f"{complaint.participant}: {complaint.subject}", complaint.text, due, link]
            messages.append(message(subject, parts, reader.email))
    send(messages)


def tell_complainant(complaint: Complaint, cluster: Cluster) -> None:
    """The answer to a complaint."""
    with override(complaint.language):
        subject = _("%(cluster)s: answer to your complaint") % {"cluster": cluster.name}
        parts = [subject, complaint.subject, complaint.answer, address_of("complaints")]
    send([message(subject, parts, complaint.user.email)])


def coordinators(cluster: Cluster) -> list[User]:
    """The logins that decide for the coordinator; needs the scope."""
    full = Membership.objects.filter(
        cluster=cluster, role=Membership.Role.COORDINATOR, level=Membership.Level.FULL, user__is_active=True
    )
    return [row.user for row in full.select_related("user").order_by("user")]


def tell_of_second_factor_reset(user: User) -> None:
    """An operator has removed it: whoever did not ask for that must know."""
    with override(user.language):
        subject = _("Your second factor was removed")
        parts = [
            _("The platform's operator has removed the second factor of your sign-in, because it was reported lost."),
            _("You are signed out everywhere. Sign in with your password and set up a new second factor at once:"),
            address_of("mfa_index"),
            _("If you did not ask for this, tell the operator now and choose a new password."),
        ]
        letter = message(subject, parts, user.email)
    send([letter])


def message(subject: str, parts: list[str], to: str) -> EmailMessage:
    """Of the paragraphs that say something."""
    body = "\n\n".join(part for part in parts if part) + "\n"
    return EmailMessage(" ".join(subject.split()), body, None, [to])


def send(messages: list[EmailMessage]) -> None:
    """Once the transaction is stored."""

    # A function of its own: Django names what failed, and a partial has no name.
    def deliver() -> None:
        _deliver(messages)

    # What was decided stays decided, also when the mail server is down: the failure is logged.
    transaction.on_commit(deliver, robust=True)


def _deliver(messages: list[EmailMessage]) -> None:
    """All over one connection; an address that the server refuses holds up no other."""
    with get_connection() as connection:
        for message in messages:
            message.connection = connection
            try:
                message.send()
            except OSError:
                logger.exception("An e-mail to %s was not accepted.", ", ".join(message.to))
