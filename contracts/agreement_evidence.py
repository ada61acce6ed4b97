"""What a request says of the person who signs."""

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest

from contracts.services.agreements import Actor, Evidence


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in user, by the access that the request works with."""
    return Actor(request.user, request.access)  # type: ignore[arg-type, attr-defined]


def evidence_of(request: HttpRequest, declaration: str, digest: str) -> Evidence:
    """The `digest` that was on the page, the words, the address, and how the session signed in, as allauth noted."""
    return Evidence(
        pdf_sha256=digest,
        declaration=declaration,
        ip=get_adapter().get_client_ip(request),
        authentication=list(get_authentication_records(request, request.user)),
    )
