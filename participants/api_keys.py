"""Keys of machines that deliver readings: `<cluster>.<secret>`; only a hash of the secret is stored."""

import hashlib
import secrets
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from participants.models import ApiKey, Cluster


class ApiKeyRefused(ValueError):
    """No key of the cluster in scope has this secret, or it was revoked."""


def create_api_key(cluster: Cluster, name: str) -> tuple[str, ApiKey]:
    """Store a new key of the cluster in scope; returns its text, which can't be shown again, and the row."""
    secret = secrets.token_urlsafe(32)
    key = ApiKey.objects.create(cluster=cluster, name=name, secret_sha256=hash_of(secret))
    return f"{cluster.slug}.{secret}", key


def find_api_key(token: str) -> ApiKey:
    """The valid key with this text in the cluster in scope; ApiKeyRefused otherwise."""
    secret = token.partition(".")[2]
    key = ApiKey.objects.filter(secret_sha256=hash_of(secret), revoked_at=None).first()
    if key is None:
        raise ApiKeyRefused("unknown or revoked key")
    return key


def hash_of(secret: str) -> str:
    """How the secret of a key is stored."""
    # The secret has 256 random bits, so a plain hash can't be guessed back and stays indexable.
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiKeyAuthentication(BaseAuthentication):
    """Takes the key that the middleware found; a wrong one is refused rather than ignored."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        key: ApiKey | None = request._request.api_key
        if key is not None:
            return ApiClient(key), key
        if request.headers.get("Authorization"):
            raise AuthenticationFailed("Unknown or revoked API key; send `Authorization: Bearer <cluster>.<secret>`.")
        return None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ApiClient:
    """Stands where Django expects a user: a machine is no person."""

    is_authenticated = True
    is_anonymous = False

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.pk = f"api-key-{key.pk}"
