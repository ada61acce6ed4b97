"""Logins of the demo: a member, the coordinator, the distributor, and the key of the meters."""

import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.utils import decrypt
from django.db import transaction

from participants.api_keys import create_api_key
from participants.models import Cluster, DsoUser, Membership, Participant, User
from participants.tenancy.scope import scope

MEMBER = "P0002"
METERS = "Meters of the demo"
#: These need a second factor.
COORDINATOR = "coordinator@example.org"
DSO = "dso@example.org"
CODE_SECONDS = 30


@dataclass(frozen=True)
class Login:
    role: str
    email: str
    password: str


@dataclass(frozen=True)
class SecondFactor:
    """What an authenticator app would know of a login, and the codes for the day when the phone is lost."""

    email: str
    secret: str
    recovery_codes: list[str]

    def code(self, seconds: float) -> str:
        """The six digits that the app shows at this time (Unix time, s)."""
        return str(format_hotp_value(hotp_value(self.secret, int(seconds) // CODE_SECONDS)))

    def in_words(self) -> list[str]:
        now = time.time()
        left = CODE_SECONDS - int(now) % CODE_SECONDS
        return [
            f"  {self.email:26} code {self.code(now)} for {left} seconds, then {self.code(now + CODE_SECONDS)}",
            f"  {'':26} secret for an authenticator app: {self.secret}",
            f"  {'':26} recovery codes, each good once: {' '.join(self.recovery_codes[:3])}",
        ]


def ensure_logins(cluster: Cluster, path: Path) -> tuple[list[Login], str]:
    """The three logins and the meters' API key, made once; `path` keeps what can't be read back from the database."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    with scope(cluster.pk):
        member = Participant.objects.get(cluster=cluster, code=MEMBER)
        logins = [
            Login(role, email, known.get(email) or secrets.token_urlsafe(9))
            for role, email in (
                ("member", member.email),
                ("coordinator", COORDINATOR),
                ("dso", DSO),
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
def ensure_second_factor(email: str) -> SecondFactor:
    """The authenticator app of a login and its recovery codes, made once and kept in the database."""
    user = User.objects.get(email=email)
    app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if app is None:
        app = TOTP.activate(user, generate_totp_secret()).instance
    return SecondFactor(email, decrypt(app.data["secret"]), RecoveryCodes.activate(user).get_unused_codes())


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
