"""Tariff books over REST, as a distributor's machine sees it."""

import datetime as dt
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from contracts.models import TariffBook
from participants.api_keys import create_api_key
from participants.dso_keys import create_dso_key, revoke_dso_key
from participants.models import DsoKey
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast
from tests.pages.test_tariff_books import FIRST, NEXT, ZONES, year

pytestmark = pytest.mark.django_db
BOOKS = "/api/v1/tariff-books"


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


@pytest.fixture
def key(cast: Cast) -> str:
    return create_dso_key(cast.cluster.dso, "tariff desk", None, NOON)[0]


def client(key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {key}"} if key else {})


def upload(key: str, tariff: str = "", **fields: Any) -> Any:
    files = [
        SimpleUploadedFile("tariff.csv", (tariff or year(FIRST)).encode()),
        SimpleUploadedFile("tariff_zones.csv", ZONES.encode()),
    ]
    return client(key).post(BOOKS, {"files": files, **fields})


def publish(key: str, number: int, **fields: Any) -> Any:
    return client(key).post(f"{BOOKS}/{number}/publish", fields, content_type="application/json")


def states() -> dict[int, str]:
    return dict(TariffBook.objects.order_by("number").values_list("number", "state"))


def test_a_book_is_uploaded_looked_at_and_published(key: str) -> None:
    answer = upload(key, name="First")
    assert (answer.status_code, answer["Location"]) == (201, f"{BOOKS}/1")
    body = answer.json()
    assert (body["state"], body["mistakes"], body["questions"]) == ("draft", [], [])
    assert body["valid_from"] == FIRST.isoformat() and body["holds_from"] is None
    done = publish(key, 1, seen=body["seen"], reason="first book")
    assert done.status_code == 200, done.json()
    assert (done.json()["state"], done.json()["holds_from"]) == ("published", FIRST.isoformat())
    listed = client(key).get(BOOKS).json()["books"]
    assert [(book["number"], book["name"], book["state"]) for book in listed] == [(1, "First", "published")]
    whole = client(key).get(f"{BOOKS}/1").json()
    assert (len(whole["rates"]), len(whole["zones"])) == (32, 14)
    assert whole["rates"][0]["rate_net"] == "0.246400" and whole["zones"][0]["from"] == "22:00"
    again = publish(key, 1, seen=body["seen"])
    assert again.status_code == 409 and "published already" in again.json()["mistakes"][0]["reason"]


def test_what_can_not_be_read_stores_nothing(key: str) -> None:
    answer = upload(key, year(FIRST).replace("0.2841", "o.2841"))
    assert answer.status_code == 422
    assert answer.json() == {
        "mistakes": [
            {
                "file": "tariff.csv", "row": 5, "column": "rate_net",
                "reason": "'o.2841' is not a decimal number such as 0.25",
            }
        ]
    }  # fmt: skip
    assert states() == {}
    assert client(key).post(BOOKS, {}).status_code == 400


def test_questions_are_confirmed_by_sending_back_what_was_seen(key: str) -> None:
    first = upload(key).json()
    publish(key, 1, seen=first["seen"])
    answer = upload(key, year(NEXT).replace("0.00730", "7.30")).json()
    assert [fault["row"] for fault in answer["questions"]] == [19]
    change = answer["difference"]["rates"][0]
    assert (change["component"], change["old"], change["new"], change["from"]) == (
        "res", "0.007300", "7.300000", NEXT.isoformat(),
    )  # fmt: skip
    assert answer["difference"]["unchanged"] == 31
    assert publish(key, 2, seen="").status_code == 400
    assert publish(key, 2, seen="something else").status_code == 409
    assert states()[2] == "draft"
    assert publish(key, 2, seen=answer["seen"]).status_code == 200


def test_a_correction_needs_a_reason_and_a_draft_can_be_discarded(key: str) -> None:
    first = upload(key).json()
    publish(key, 1, seen=first["seen"])
    answer = upload(key, year(FIRST).replace("0.2464", "0.2500")).json()
    assert answer["needs_reason"] is True
    refused = publish(key, 2, seen=answer["seen"])
    assert refused.status_code == 422 and refused.json()["mistakes"][0]["column"] == "reason"
    assert client(key).post(f"{BOOKS}/2/discard").status_code == 204
    assert client(key).post(f"{BOOKS}/1/discard").status_code == 409
    assert states() == {1: "published"}


def test_mistakes_stop_a_draft(key: str) -> None:
    lines = [line for line in year(FIRST).splitlines() if ",quality," not in line]
    answer = upload(key, "\n".join(lines))
    assert answer.status_code == 201 and "quality" in answer.json()["mistakes"][0]["reason"]
    assert publish(key, 1, seen=answer.json()["seen"]).status_code == 422
    assert states() == {1: "draft"}


def test_a_key_opens_its_distributors_books_and_nothing_else(cast: Cast, key: str) -> None:
    seen = upload(key).json()["seen"]
    other = make_cast("bravo", dso_name="Other Distribution")
    stranger = create_dso_key(other.cluster.dso, "other desk", None, NOON)[0]
    with scope(cast.cluster.pk):
        meters = create_api_key(cast.cluster, "meters")[0]
    assert client(stranger).get(BOOKS).json() == {"books": []}
    assert client(stranger).get(f"{BOOKS}/1").status_code == 404
    assert publish(stranger, 1, seen=seen).status_code == 404
    assert client(stranger).post(f"{BOOKS}/1/discard").status_code == 404
    for wrong in ("", meters, "dso:wrong", "dso:", "alfa.dso"):
        assert client(wrong).get(BOOKS).status_code == 401
        assert publish(wrong, 1, seen=seen).status_code == 401
    # Nor does a distributor's key deliver readings.
    assert client(key).post("/api/v1/readings", {}, content_type="application/json").status_code == 401
    assert states() == {1: "draft"}


def test_a_key_tells_its_last_use_and_a_revoked_one_opens_nothing(key: str) -> None:
    assert DsoKey.objects.get().last_used_at is None
    client(key).get(BOOKS)
    row = DsoKey.objects.get()
    assert row.last_used_at is not None and timezone.now() - row.last_used_at < dt.timedelta(minutes=2)
    assert revoke_dso_key(row, NOON) and not revoke_dso_key(row, NOON)
    assert client(key).get(BOOKS).status_code == 401


def test_files_too_large_are_refused(key: str) -> None:
    file = SimpleUploadedFile("t.csv", b"x" * (5 * 2**20 + 1))
    assert client(key).post(BOOKS, {"files": [file]}).status_code == 413
    assert states() == {}


def test_the_schema_describes_the_books() -> None:
    text = Client().get("/api/v1/schema").content.decode()
    assert "/api/v1/tariff-books/{number}/publish:" in text and "distributor's key" in text
