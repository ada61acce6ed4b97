"""Logins of the demo: a member, the coordinator, the distributor, and the key of the meters."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from allauth.account.models import EmailAddress
from django.db import transaction

from participants.api_keys import create_api_key
from participants.models import Cluster, DsoUser, Membership, Participant, User
from participants.tenancy.scope import scope

MEMBER = "P0002"
METERS = "Meters of the demo"


@dataclass(frozen=True)
class Login:
    role: str
    email: str
    password: str


def ensure_logins(cluster: Cluster, path: Path) -> tuple[list[Login], str]:
    """The three logins and the meters' API key, made once; `path` keeps what can't be read back from the database."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    with scope(cluster.pk):
        member = Participant.objects.get(cluster=cluster, code=MEMBER)
        logins = [
            Login(role, email, known.get(email) or secrets.token_urlsafe(9))
            for role, email in (
                ("member", member.email),
                ("coordinator", "coordinator@example.org"),
                ("dso", "dso@example.org"),
            )
        ]
        users = [_ensure_user(login) for login in logins]
        Membership.objects.get_or_create(cluster=cluster, user=users[0], role="member", participant=member)
        Membership.objects.get_or_create(cluster=cluster, user=users[1], role="coordinator", participant=None)
        DsoUser.objects.get_or_create(user=users[2], defaults={"dso": cluster.dso})
        key = known.get(METERS) or create_api_key(cluster, METERS)[0]
    _write_private(path, {**{login.email: login.password for login in logins}, METERS: key})
    return logins, key


@transaction.atomic
def _ensure_user(login: Login) -> User:
    user = User.objects.filter(email=login.email).first()
    if user is None:
        user = User.objects.create_user(login.email, login.password)
    elif not user.check_password(login.password):
        user.set_password(login.password)
        user.save()
    EmailAddress.objects.get_or_create(user=user, email=login.email, defaults={"verified": True, "primary": True})
    return user


def _write_private(path: Path, content: dict[str, str]) -> None:
    with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        json.dump(content, file)
