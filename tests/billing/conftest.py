"""KSeF and a mail server, as far as they can be had without a network."""

from collections.abc import Iterator
from typing import Any

import pytest

from billing.services import einvoices
from tests.billing.ksef_standin import TOKEN, StandIn
from tests.billing.postbox import Post, Postbox


@pytest.fixture
def ksef(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    made = StandIn()
    settings.KSEF_URL, settings.KSEF_TOKENS = made.url, {"ours": TOKEN}
    monkeypatch.setattr(einvoices, "POLL_SECONDS", 0.01)
    yield made
    made.stop()


@pytest.fixture
def post(settings: Any) -> Iterator[Postbox]:
    box = Postbox()
    server = Post(box, hostname="localhost", port=0)
    server.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", server.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.DEFAULT_FROM_EMAIL = "Klaster <rachunki@example.org>"
    yield box
    server.stop()
