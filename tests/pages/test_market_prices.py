"""Market prices in the coordinator's admin: uploaded by whoever keeps prices, seen by every coordinator."""

import html
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from contracts.models import MarketPrice
from participants.models import Membership, User
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_user
from tests.contracts.market import SAMPLE, as_file, rows_of

pytestmark = pytest.mark.django_db
ADD = "/admin/contracts/marketprice/add/"
LIST = "/admin/contracts/marketprice/"


@pytest.fixture
def cast() -> Cast:
    return make_cast("ours")


def signed_in(user: User, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client


def colleague(cast: Cast, level: str) -> User:
    user = make_user(f"{level}@example.org", with_app=True)
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=user, role="coordinator", level=level)
    return user


def upload(client: Client, data: bytes) -> Any:
    return client.post(ADD, {"file": SimpleUploadedFile("rce.json", data)}, follow=True)


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def test_a_day_is_uploaded_and_uploaded_again(cast: Cast) -> None:
    desk = signed_in(cast.coordinator)
    assert "2026-06-15: 96 new quarter-hours" in text_of(upload(desk, SAMPLE.read_bytes()))
    assert "2026-06-15: 96 unchanged" in text_of(upload(desk, SAMPLE.read_bytes()))
    again = SAMPLE.read_bytes().replace(b"424.41", b"-4.2")
    page = text_of(upload(desk, again))
    assert "2026-06-15: 1 with another price, 95 unchanged" in page
    assert MarketPrice.objects.filter(version=2).get().user == cast.coordinator
    assert "97 market prices" in page


def test_mistakes_are_named_in_the_reader_s_language_and_nothing_is_stored(cast: Cast) -> None:
    data = as_file(rows_of(date(2026, 10, 25))[1:])
    said = text_of(upload(signed_in(cast.coordinator), data))
    assert "1 mistake; nothing was stored." in said
    assert "2026-10-25 has 99 of 100 quarter-hours; the first that lacks ends at 2026-10-24T22:15:00Z" in said
    assert "2026-10-25 ma 99 z 100 kwadransów" in text_of(upload(signed_in(cast.coordinator, "pl"), data))
    assert not MarketPrice.objects.exists()


def test_who_may_upload_and_who_may_look(cast: Cast) -> None:
    assert upload(signed_in(colleague(cast, "accounts")), SAMPLE.read_bytes()).status_code == 200
    assert MarketPrice.objects.count() == 96
    reader = signed_in(colleague(cast, "read"))
    assert reader.get(LIST).status_code == 200
    assert upload(reader, as_file(rows_of(date(2026, 6, 16)))).status_code == 403
    assert upload(signed_in(cast.owner), as_file(rows_of(date(2026, 6, 16)))).status_code == 403
    assert MarketPrice.objects.count() == 96


def test_what_the_operator_brought_stays(cast: Cast) -> None:
    operator = signed_in(make_user("operator@example.org", is_staff=True, is_superuser=True))
    assert "96 new" in text_of(upload(operator, SAMPLE.read_bytes()))
    again = SAMPLE.read_bytes().replace(b"424.41", b"1")
    said = text_of(upload(signed_in(cast.coordinator), again))
    assert "95 unchanged, 1 differs from the market's own source, which holds" in said
    assert MarketPrice.objects.count() == 96
