"""The REST API as the operator of many meters sees it: forms, packing, repeated requests, keys with limits."""

import gzip
import json
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from metering import parsers
from metering.api import KeyThrottle
from metering.models import GridNode, KeyAnswer, KeyScope, MeteringPoint, PointAssignment, Reading
from participants.api_keys import create_api_key
from participants.models import ApiKey
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
START = "2026-06-11T12:00:00Z"
HEADER = "metering_point,interval_start,imported_wh,exported_wh,quality"


@pytest.fixture
def cast() -> Cast:
    cache.clear()
    return make_cast("alfa")


@pytest.fixture
def key(cast: Cast) -> str:
    with scope(cast.cluster.pk):
        return create_api_key(cast.cluster, "meters")[0]


def send(key: str, body: bytes | str, kind: str = "text/csv", query: str = "", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Authorization": f"Bearer {key}", **named}
    data = body.encode() if isinstance(body, str) else body
    return Client().generic("POST", f"/api/v1/readings{query}", data, content_type=kind, headers=sent)


def csv(cast: Cast, *values: int, start: str = START) -> str:
    lines = [f"{cast.buyer_point.code},{start},{value},0,measured" for value in values]
    return "\n".join([HEADER, *lines]) + "\n"


def held(cast: Cast, point: MeteringPoint | None = None) -> list[int]:
    with scope(cast.cluster.pk):
        found = Reading.objects.filter(metering_point=point or cast.buyer_point, interval_start=START)
        return list(found.order_by("version").values_list("imported_wh", flat=True))


def test_csv_ndjson_and_json_say_the_same(cast: Cast, key: str) -> None:
    item = {
        "quality": "measured", "metering_point": cast.buyer_point.code, "interval_start": START, "imported_wh": 120,
        "exported_wh": 0,
    }  # fmt: skip
    assert send(key, csv(cast, 120)).json()["results"] == "a"
    assert send(key, json.dumps(item) + "\n\n", "application/x-ndjson").json()["results"] == "u"
    assert send(key, json.dumps({"readings": [item]}), "application/json; charset=utf-8").json()["results"] == "u"
    assert send(key, "\ufeff" + csv(cast, 120).replace("\n", "\r\n")).json()["results"] == "u"
    assert held(cast) == [120]


def test_a_letter_for_each_reading_and_a_reason_for_each_refused(cast: Cast, key: str) -> None:
    assert send(key, csv(cast, 120)).status_code == 200
    lines = [
        "{" + "}",
        '{"metering_point": "x"',
        json.dumps({"metering_point": cast.buyer_point.code, "interval_start": START, "imported_wh": 130,
                    "exported_wh": 0, "quality": "measured"}),
        json.dumps({"metering_point": "590000000000000099", "interval_start": START, "imported_wh": 1,
                    "exported_wh": 0, "quality": "measured"}),
        json.dumps({"metering_point": cast.seller_point.code, "interval_start": START, "imported_wh": 1,
                    "exported_wh": 0, "quality": "measured"}),
    ]  # fmt: skip
    answer = send(key, "\n".join(lines), "application/x-ndjson").json()
    assert answer["results"] == "xxrxa"
    assert [(row["reading"], row["field"]) for row in answer["refused"]] == [
        (0, "metering_point"), (1, ""), (3, "metering_point"),
    ]  # fmt: skip
    broken = send(key, csv(cast, 130) + "x,y\n" + csv(cast, 140, start="2026-06-11T12:15:00Z").split("\n", 1)[1]).json()
    assert broken["results"] == "uxa"
    assert broken["refused"][0]["reading"] == 1 and broken["refused"][0]["reason"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("", "text/csv", 400),
        (HEADER, "text/csv", 400),
        ("metering_point,interval_start,imported_wh,exported_wh\n", "text/csv", 400),
        (HEADER + ",quality\n1,2,3,4,5,6\n", "text/csv", 400),
        ("", "application/x-ndjson", 400),
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ("<xml/>", "application/xml", 415),
    ],
)
def test_a_body_that_is_no_delivery(key: str, body: str, kind: str, status: int) -> None:
    answer = send(key, body, kind)
    assert answer.status_code == status and answer.json()["detail"]


def test_gzip_and_what_only_looks_like_it(cast: Cast, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(csv(cast, 120).encode())
    assert send(key, packed, Content_Encoding="gzip").json()["results"] == "a"
    assert send(key, packed[:-4], Content_Encoding="gzip").status_code == 400
    assert send(key, csv(cast, 120), Content_Encoding="gzip").status_code == 400
    assert send(key, packed, Content_Encoding="br").status_code == 400
    monkeypatch.setattr(parsers, "MAX_BYTES", 1000)
    bomb = gzip.compress(b"0" * 10_000_000)
    for sent, headers in ((bomb, {"Content_Encoding": "gzip"}), (b"0" * 1001, {})):
        answer = send(key, sent, **headers)
        assert answer.status_code == 413 and "parts" in answer.json()["detail"]


def test_the_time_of_issue_decides_which_value_holds(cast: Cast, key: str) -> None:
    corrected = send(key, csv(cast, 130), query="?issued_at=2026-06-13T08:00:00Z")
    first = send(key, csv(cast, 120), query="?issued_at=2026-06-12T08:00:00Z")
    assert (corrected.json()["results"], first.json()["results"]) == ("a", "s")
    assert held(cast) == [120, 130]
    for wrong in ("2026-06-13", "2199-01-01T00:00:00Z", "1999-01-01T00:00:00Z"):
        answer = send(key, csv(cast, 1), query=f"?issued_at={wrong}")
        assert answer.status_code == 400 and "issued_at" in answer.json()["detail"]


def test_the_same_request_again_gets_the_same_answer(cast: Cast, key: str) -> None:
    first = send(key, csv(cast, 120), Idempotency_Key="1")
    send(key, csv(cast, 130))
    again = send(key, csv(cast, 120), Idempotency_Key="1")
    assert again.json() == first.json() and again.json()["results"] == "a"
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert held(cast) == [120, 130]
    other = send(key, csv(cast, 140), Idempotency_Key="1")
    assert other.status_code == 409 and held(cast) == [120, 130]
    assert send(key, csv(cast, 120), Idempotency_Key="1", query="?issued_at=2026-06-12T08:00:00Z").status_code == 409
    assert send(key, csv(cast, 120), Idempotency_Key="x" * 201).status_code == 400
    with scope(cast.cluster.pk):
        second = create_api_key(cast.cluster, "others")[0]
    assert send(second, csv(cast, 150), Idempotency_Key="1").json()["results"] == "r"


def test_a_refused_body_leaves_its_idempotency_key_free(cast: Cast, key: str) -> None:
    assert send(key, csv(cast, 120), Idempotency_Key="1", query="?issued_at=never").status_code == 400
    with scope(cast.cluster.pk):
        assert not KeyAnswer.objects.exists()
    assert send(key, csv(cast, 120), Idempotency_Key="1").status_code == 200


def test_a_key_for_some_points(cast: Cast, key: str) -> None:
    with scope(cast.cluster.pk):
        KeyScope.objects.create(cluster=cast.cluster, api_key=ApiKey.objects.get(), metering_point=cast.seller_point)
    both = csv(cast, 120) + f"{cast.seller_point.code},{START},7,0,measured\n"
    answer = send(key, both).json()
    assert answer["results"] == "xa" and "unknown" in answer["refused"][0]["reason"]
    assert held(cast) == [] and held(cast, cast.seller_point) == [7]


def test_a_key_for_a_part_of_the_grid(cast: Cast, key: str) -> None:
    with scope(cast.cluster.pk):
        other = GridNode.objects.create(
            cluster=cast.cluster, code="ST-2", level="station", parent=GridNode.objects.get(level="cluster")
        )
        area = KeyScope.objects.create(cluster=cast.cluster, api_key=ApiKey.objects.get(), grid_node=other)
    assert send(key, csv(cast, 120)).status_code == 422
    with scope(cast.cluster.pk):
        PointAssignment.objects.filter(metering_point=cast.buyer_point).update(grid_node=other)
    assert send(key, csv(cast, 120)).json()["results"] == "a"
    with scope(cast.cluster.pk):
        area.grid_node = GridNode.objects.get(level="cluster")
        area.save()
    assert send(key, csv(cast, 130)).json()["results"] == "r"


def test_too_many_requests_are_told_when_to_come_back(cast: Cast, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyThrottle, "THROTTLE_RATES", {"readings": "2/min"})
    assert [send(key, csv(cast, 120)).status_code for _ in range(3)] == [200, 200, 429]
    assert int(send(key, csv(cast, 120)).headers["Retry-After"]) > 0
    with scope(cast.cluster.pk):
        second = create_api_key(cast.cluster, "others")[0]
    assert send(second, csv(cast, 120)).status_code == 200


def test_the_coordinator_limits_watches_and_revokes_keys(cast: Cast, key: str) -> None:
    coordinator = signed_in(cast.coordinator)
    keys = reverse("admin:participants_apikey_changelist")
    assert "never" in text_of(coordinator.get(keys))
    send(key, csv(cast, 120))
    assert "never" not in text_of(coordinator.get(keys))
    inline = {"scopes-TOTAL_FORMS": 1, "scopes-INITIAL_FORMS": 0, "scopes-0-metering_point": cast.seller_point.pk}
    made = coordinator.post(reverse("admin:participants_apikey_add"), {"name": "one meter", **inline}, follow=True)
    token = text_of(made).split("shown only now: ")[1].split()[0]
    assert send(token, csv(cast, 130)).status_code == 422
    with scope(cast.cluster.pk):
        chosen = ApiKey.objects.get(name="meters").pk
    coordinator.post(keys, {"action": "revoke", "_selected_action": chosen})
    assert send(key, csv(cast, 140)).status_code == 401
    assert held(cast) == [120]


def test_the_document_of_the_api_is_valid_and_open(cast: Cast) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    answer = Client().get("/api/v1/schema")
    assert answer.status_code == 200 and b"deliver_readings" in answer.content
