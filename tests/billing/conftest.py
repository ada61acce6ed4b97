"""KSeF, as far as it can be had without a network."""

from collections.abc import Iterator
from typing import Any

import pytest

from billing.services import einvoices
from tests.billing.ksef_standin import TOKEN, StandIn


@pytest.fixture
def ksef(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    made = StandIn()
    settings.KSEF_URL, settings.KSEF_TOKENS = made.url, {"ours": TOKEN}
    monkeypatch.setattr(einvoices, "POLL_SECONDS", 0.01)
    yield made
    made.stop()
