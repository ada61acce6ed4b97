"""Keys of a distributor's machines: `dso:<secret>`, which no cluster's key can look like; only a hash is stored."""

import secrets
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from participants.api_keys import hash_of
from participants.models import Dso, DsoKey, User

PREFIX = "dso:"


def create_dso_key(dso: Dso, name: str, by: User | None, now: datetime) -> tuple[str, DsoKey]:
    """Store a new key of the distributor; returns its text, which can't be shown again, and the row."""
    secret = secrets.token_urlsafe(32)
    key = DsoKey.objects.create(dso=dso, name=name, secret_sha256=hash_of(secret), created_at=now, created_by=by)
    return f"{PREFIX}{secret}", key


def revoke_dso_key(key: DsoKey, now: datetime) -> bool:
    """The key opens nothing any more; False if it did not before."""
    return bool(DsoKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now))


def note_dso_key_use(key: DsoKey, now: datetime) -> None:
    """Note that the key was used, once a minute."""
    minute = now.replace(second=0, microsecond=0)
    older = Q(last_used_at=None) | Q(last_used_at__lt=minute)
    DsoKey.objects.filter(older, pk=key.pk).update(last_used_at=minute)


class DsoKeyAuthentication(BaseAuthentication):
    """Takes the distributor's key of the request; a wrong one is refused rather than ignored."""

    def authenticate(self, request: Request) -> tuple[Any, DsoKey] | None:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        key = None
        if scheme == "Bearer" and token.strip().startswith(PREFIX):
            sha256 = hash_of(token.strip().removeprefix(PREFIX))
            key = DsoKey.objects.select_related("dso").filter(secret_sha256=sha256, revoked_at=None).first()
        if key is None:
            text = "Unknown or revoked key of a distributor; send `Authorization: Bearer dso:<secret>`."
            raise AuthenticationFailed(text)
        note_dso_key_use(key, timezone.now())
        return DsoMachine(key), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class DsoMachine:
    """Stands where Django expects a user: a machine is no person."""

    is_authenticated = True
    is_anonymous = False

    def __init__(self, key: DsoKey) -> None:
        self.key = key
        self.pk = f"dso-key-{key.pk}"
