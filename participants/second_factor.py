"""Who runs a cluster, a grid or the platform does so only with a second factor."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

#: Who may not do without it.
ROLES = {"coordinator", "dso", "operator"}
#: All that is open without it, beside the pages that set it up.
OPEN_VIEWS = {"account_logout", "account_reauthenticate", "set_language"}


class SecondFactorMiddleware:
    """Leads users of these roles who have no second factor to the page that sets one up.

    Sets `request.second_factor_missing` for it. Comes after ClusterMiddleware, which finds the roles: one such role
    is enough, whichever the user acts in now.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        request.second_factor_missing = needs_second_factor(request) and not has_second_factor(request)  # type: ignore[attr-defined]
        name = request.resolver_match.view_name if request.resolver_match else ""
        if not request.second_factor_missing or name in OPEN_VIEWS or name.startswith("mfa_"):  # type: ignore[attr-defined]
            return None
        return redirect("mfa_index")


def needs_second_factor(request: HttpRequest) -> bool:
    accesses = request.accesses  # type: ignore[attr-defined]
    return request.user.is_superuser or any(access.role in ROLES for access in accesses)


def has_second_factor(request: HttpRequest) -> bool:
    return bool(is_mfa_enabled(request.user, [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]))
