"""django-allauth's adapters."""

import base64
import hashlib
import logging
from contextlib import suppress
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import transaction
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

logger = logging.getLogger(__name__)


class AccountsAdapter(DefaultAccountAdapter):
    """Says what to do when an account's e-mail can't be sent, and how long who tried too often has to wait."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": _("Too many failed login attempts. Try again in five minutes.")
    }

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Without its e-mail a sign-up or a new password leads nowhere: the page says so, and nothing is stored."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:
            logger.exception("The e-mail %s could not be sent", template_prefix)
            transaction.set_rollback(True)
            raise ImmediateHttpResponse(render(self.request, "mail_down.html", status=503)) from error

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """What it tells of has happened, and stays so when the mail server is down."""
        with suppress(ImmediateHttpResponse), transaction.atomic():
            super().send_notification_mail(*args, **kwargs)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps the secrets of second factors encrypted: a copy of the database alone lets nobody in."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(f"second factor {key}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
