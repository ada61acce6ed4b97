"""Setting up a second factor."""

from typing import Any

from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView
from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.http import HttpResponse


class SignsOutElsewhere:
    """Who got in elsewhere with the password alone, perhaps a stolen one, has to pass the new factor."""

    request: Any

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        elsewhere = UserSession.objects.filter(user=self.request.user)
        get_adapter().end_sessions(elsewhere.exclude(session_key=self.request.session.session_key))
        return response


class ActivateApp(SignsOutElsewhere, ActivateTOTPView):
    """An authenticator app."""


class AddKey(SignsOutElsewhere, AddWebAuthnView):
    """A passkey or security key."""
