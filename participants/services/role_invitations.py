"""Letting somebody in: by a link in an e-mail, for the owner of that address only."""

import hashlib
import secrets
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from participants.access import Access
from participants.models import Cluster, Membership, Participant, RoleInvitation, User
from participants.tenancy.scope import scope


class InvitationRefused(ValueError):
    """The invitation can't be taken up: it is unknown, expired, taken, for somebody else or of no use."""


def invite(
    cluster: Cluster, email: str, level: str, participant: Participant | None, by: User, now: datetime
) -> tuple[RoleInvitation, str]:
    """A new invitation in the cluster in scope, and the text for its link, which can't be had again.

    Without a participant it is one of the coordinator's roles. An open one for the same address is replaced.
    """
    email = email.strip().lower()
    RoleInvitation.objects.filter(cluster=cluster, email=email, participant=participant, taken_at=None).delete()
    secret = secrets.token_urlsafe(32)
    invitation = RoleInvitation.objects.create(
        cluster=cluster, email=email, level=level, participant=participant, secret_sha256=_hash(secret),
        invited_by=by, created_at=now,
    )  # fmt: skip
    return invitation, f"{cluster.slug}.{secret}"


def cluster_of(token: str) -> Cluster:
    """The cluster that an invitation's text names; InvitationRefused without one."""
    cluster = Cluster.objects.filter(slug=token.partition(".")[0]).first()
    if cluster is None:
        raise InvitationRefused("unknown")
    return cluster


def find_invitation(token: str, user: User, now: datetime) -> RoleInvitation:
    """The open invitation with this text in the cluster in scope, locked; InvitationRefused if not for this user."""
    found = RoleInvitation.objects.select_for_update(of=("self",)).select_related("participant")
    invitation = found.filter(secret_sha256=_hash(token.partition(".")[2]), taken_at=None).first()
    if invitation is None or invitation.expires_at <= now:
        raise InvitationRefused("unknown")
    if not EmailAddress.objects.filter(user=user, email__iexact=invitation.email, verified=True).exists():
        raise InvitationRefused("for another address")
    return invitation


@transaction.atomic
def take_up(token: str, user: User, now: datetime) -> Access:
    """Give the user the role that the invitation offers."""
    cluster = cluster_of(token)
    with scope(cluster.pk):
        invitation = find_invitation(token, user, now)
        if Membership.objects.filter(user=user, participant=invitation.participant).exists():
            raise InvitationRefused("has it already")
        membership = Membership.objects.create(
            cluster=cluster, user=user, level=invitation.level, participant=invitation.participant,
            role=Membership.Role.MEMBER if invitation.participant else Membership.Role.COORDINATOR,
        )  # fmt: skip
        invitation.taken_by, invitation.taken_at = user, now
        invitation.save(update_fields=["taken_by", "taken_at"])
    return Access(cluster.pk, membership.role, membership.participant_id, membership.level)  # type: ignore[arg-type]


def _hash(secret: str) -> str:
    # The secret has 256 random bits, so a plain hash can't be guessed back and stays indexable.
    return hashlib.sha256(secret.encode()).hexdigest()
