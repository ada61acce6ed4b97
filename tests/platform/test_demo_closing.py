"""The demo closes June by itself, once."""

from typing import Any

import pytest
from django.utils import timezone

from billing.models import BillingPeriod, Document
from billing.services.closing import compute, continue_closing
from billing.tasks import go_on_closing
from clearing.models import IntervalState
from cluster_platform.demo.closing import OVERRIDES, close_in_background
from participants.tenancy.scope import scope
from tests.billing.closing import JUNE, closing_cast, settle_the_rest
from tests.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []
    monkeypatch.setattr(go_on_closing, "delay", found.append)
    return found


@pytest.fixture
def cast() -> Cast:
    made = closing_cast()
    settle_the_rest(made)
    compute(made.cluster, JUNE, timezone.now())
    return made


def period(cast: Cast) -> Any:
    with scope(cast.cluster.pk):
        return BillingPeriod.objects.get()


def test_a_worker_is_asked_to_close_june_at_the_first_start_only(cast: Cast, queued: list[int]) -> None:
    assert close_in_background(cast.cluster, JUNE, timezone.now())
    assert (queued, period(cast).state, period(cast).overrides) == ([cast.cluster.pk], "closing", OVERRIDES)
    assert not close_in_background(cast.cluster, JUNE, timezone.now())
    assert continue_closing(cast.cluster, JUNE, timezone.now())
    assert not close_in_background(cast.cluster, JUNE, timezone.now())
    assert queued == [cast.cluster.pk]
    with scope(cast.cluster.pk):
        assert Document.objects.count() == 3


def test_what_somebody_changed_meanwhile_leaves_it_open(cast: Cast, queued: list[int]) -> None:
    with scope(cast.cluster.pk):
        IntervalState.objects.filter(interval_start=cast.run.interval_start).update(inputs_seen=0)
    assert not close_in_background(cast.cluster, JUNE, timezone.now())
    assert (queued, period(cast).state) == ([], "open")
