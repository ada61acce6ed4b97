"""The pages are read on a fixed day, after all that the tests tell of."""

import datetime as dt
from types import SimpleNamespace

import pytest

from cluster_platform import views

NOW = dt.datetime(2026, 11, 22, 12, 4, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "timezone", SimpleNamespace(now=lambda: NOW))
