"""Invitations by link, one by one or a whole list."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from participants.mails import invite
from participants.models import Application, Cluster, Invitation, User
from participants.services.applications import start_application


class InvitationRefused(ValueError):
    """`reason` is one of: unknown, used, expired, other_address."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Invited:
    """Whom to invite, and what is known of them."""

    email: str
    name: str = ""
    kind: str = ""
    legal_form: str = ""
    language: str = ""


@transaction.atomic
def send_invitations(
    cluster: Cluster, people: Iterable[Invited], user: User, now: datetime, language: str
) -> list[Invitation]:
    """Store and send an invitation to each, all or none; a newer one replaces an unused one to the same address.

    Who has no language of their own is written to in `language`.
    """
    sent = []
    for person in people:
        email = person.email.strip().lower()
        Invitation.objects.filter(email=email, used_at=None, expires_at__gt=now).update(expires_at=now)
        token = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            cluster=cluster, email=email, name=person.name, kind=person.kind, legal_form=person.legal_form,
            token_sha256=_hash(token), created_at=now, expires_at=now + timedelta(days=settings.INVITATION_DAYS),
            invited_by=user, language=person.language or language,
        )  # fmt: skip
        sent.append((invitation, token))
    invite(sent, cluster)
    return [invitation for invitation, _token in sent]


def find_invitation(token: str, now: datetime) -> Invitation:
    """The usable invitation with this token in the cluster in scope; InvitationRefused otherwise."""
    invitation = Invitation.objects.filter(token_sha256=_hash(token)).first()
    if invitation is None:
        raise InvitationRefused("unknown")
    if invitation.used_at is not None:
        raise InvitationRefused("used")
    if invitation.expires_at <= now:
        raise InvitationRefused("expired")
    return invitation


@transaction.atomic
def accept_invitation(cluster: Cluster, token: str, user: User, language: str, now: datetime) -> Application:
    """Begin the application that the invitation is for; only with its own, verified address, and once."""
    invitation = Invitation.objects.select_for_update().get(pk=find_invitation(token, now).pk)
    if invitation.used_at is not None:
        raise InvitationRefused("used")
    if not owns_address(user, invitation.email):
        raise InvitationRefused("other_address")
    invitation.used_at = now
    invitation.save(update_fields=["used_at"])
    return start_application(cluster, user, language, now, invitation)


def owns_address(user: User, email: str) -> bool:
    """The user has shown that mail to this address reaches them."""
    return EmailAddress.objects.filter(user=user, email__iexact=email, verified=True).exists()


def _hash(token: str) -> str:
    # The token has 256 random bits, so a plain hash can't be guessed back and stays indexable.
    return hashlib.sha256(token.encode()).hexdigest()
