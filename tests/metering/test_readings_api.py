"""Readings delivered over REST, as a meter operator sees it."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from metering.models import IntervalInput, Reading
from participants.api_keys import create_api_key
from participants.models import ApiKey
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast

pytestmark = pytest.mark.django_db
LATER = "2026-06-11T12:00:00Z"


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


@pytest.fixture
def key(cast: Cast) -> str:
    with scope(cast.cluster.pk):
        return create_api_key(cast.cluster, "meters")[0]


def reading(cast: Cast, **changes: Any) -> dict[str, Any]:
    usual = {"interval_start": LATER, "imported_wh": 120, "exported_wh": 0, "quality": "measured"}
    return {"metering_point": cast.buyer_point.code, **usual, **changes}


def deliver(key: str, *readings: Any, body: Any = None) -> Any:
    sent = {"readings": list(readings)} if body is None else body
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Client().post("/api/v1/readings", sent, content_type="application/json", headers=headers)


def stored(cast: Cast, at: str = LATER) -> list[tuple[int, int]]:
    with scope(cast.cluster.pk):
        found = Reading.objects.filter(metering_point=cast.buyer_point, interval_start=at).order_by("version")
        return list(found.values_list("imported_wh", "exported_wh"))


def test_a_new_a_repeated_and_a_corrected_reading(cast: Cast, key: str) -> None:
    answer = deliver(key, reading(cast))
    assert (answer.status_code, answer.json()) == (
        200,
        {"accepted": 1, "replaced": 0, "unchanged": 0, "superseded": 0, "refused": [], "results": "a"},
    )
    assert deliver(key, reading(cast)).json()["unchanged"] == 1
    assert deliver(key, reading(cast, imported_wh=130)).json()["replaced"] == 1
    assert stored(cast) == [(120, 0), (130, 0)]
    with scope(cast.cluster.pk):
        assert IntervalInput.objects.get(interval_start=LATER).changes == 2


def test_good_readings_are_stored_beside_refused_ones(cast: Cast, key: str) -> None:
    bad = [
        reading(cast, metering_point="590000000000000099"),
        reading(cast, interval_start="2026-06-11T12:05:00Z"),
        reading(cast, interval_start="2026-06-11T14:00:00+02:00"),
        reading(cast, interval_start="2019-06-11T12:00:00Z"),
        reading(cast, imported_wh=-1),
        reading(cast, imported_wh=1.5),
        reading(cast, exported_wh=True),
        reading(cast, imported_wh=2**31),
        reading(cast, quality="guessed"),
        reading(cast, note="hello"),
        {"metering_point": cast.buyer_point.code},
        "reading",
    ]
    bad += [
        reading(cast, exported_wh=1, imported_wh=0, interval_start="2026-06-11T12:15:00Z", quality=quality)
        for quality in ("measured", "split")
    ]
    answer = deliver(key, *bad, reading(cast), reading(cast))
    assert answer.status_code == 200
    assert (answer.json()["accepted"], answer.json()["unchanged"]) == (1, 1)
    refused = answer.json()["refused"]
    assert [entry["reading"] for entry in refused] == [*range(len(bad))]
    assert [entry["field"] for entry in refused] == [
        "metering_point", "interval_start", "interval_start", "interval_start", "imported_wh", "imported_wh",
        "exported_wh", "imported_wh", "quality", "note", "interval_start", "", "interval_start", "interval_start",
    ]  # fmt: skip
    assert all(entry["reason"] for entry in refused)
    assert stored(cast) == [(120, 0)]


def test_nothing_good_is_422_and_stores_nothing(cast: Cast, key: str) -> None:
    answer = deliver(key, reading(cast, imported_wh=-1))
    assert answer.status_code == 422
    assert stored(cast) == []


def test_a_quarter_hour_that_has_not_finished_is_refused(cast: Cast, key: str) -> None:
    now = timezone.now()
    start = now - dt.timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)
    answer = deliver(key, reading(cast, interval_start=f"{start:%Y-%m-%dT%H:%M:%SZ}"))
    assert answer.status_code == 422
    assert "not finished" in answer.json()["refused"][0]["reason"]


@pytest.mark.parametrize("body", [{}, [], {"readings": []}, {"readings": "all"}, {"readings": [{}] * 100_001}])
def test_a_body_that_is_no_delivery(key: str, body: Any) -> None:
    assert deliver(key, body=body).status_code == 400


def test_without_a_valid_key_nothing_is_stored(cast: Cast, key: str) -> None:
    with scope(cast.cluster.pk):
        revoked = create_api_key(cast.cluster, "old meters")[0]
        ApiKey.objects.filter(name="old meters").update(revoked_at=timezone.now())
    for wrong in ("", "alfa.guess", "nowhere.guess", "alfa", key + "x", revoked):
        assert deliver(wrong, reading(cast)).status_code == 401
    assert stored(cast) == []


def test_a_key_reaches_its_own_cluster_only(cast: Cast, key: str) -> None:
    other = make_cast("beta", "Other Distribution")
    with scope(other.cluster.pk):
        foreign = create_api_key(other.cluster, "meters")[0]
    before = stored(cast, NOON.isoformat())
    assert deliver("alfa." + foreign.partition(".")[2], reading(cast)).status_code == 401
    assert deliver(foreign, reading(cast, interval_start="2026-06-11T10:00:00Z", imported_wh=9)).status_code == 200
    assert stored(cast, NOON.isoformat()) == before
