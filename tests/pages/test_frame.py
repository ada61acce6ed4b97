"""What holds for every page: languages, security policy, errors, weight, number of queries."""

import datetime as dt
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from billing.numbers import kwh, number, pln, price, signed
from participants.tenancy.scope import scope
from tests.cast import NOON, PASSWORD, Cast, make_cast, make_dso_user
from tests.pages.scenes import add_members, add_point, bill, settle, signed_in, text_of

pytestmark = pytest.mark.django_db
PAGES = ["/", "/energy/", "/trades/", "/money/", "/cluster/", "/now/"]
MOST_SCRIPT_BYTES = 300_000


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


class Inline(HTMLParser):
    """Collects what the security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        # Data for a script is not run.
        if tag == "style" or (tag == "script" and not names.get("src") and names.get("type") != "application/json"):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]
        address = names.get("src") or (names.get("href") if tag == "link" else None)
        if address and not address.startswith("/"):
            self.found.append(address)


def refused(response: HttpResponse) -> list[str]:
    parser = Inline()
    parser.feed(response.content.decode())
    return parser.found


@pytest.mark.parametrize("page", [*PAGES, "/nothing-here/"])
def test_members_pages_keep_to_the_security_policy(cast: Cast, page: str) -> None:
    with scope(cast.cluster.pk):
        bill(cast, cast.seller)
    response = signed_in(cast.owner).get(page)
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert refused(response) == []


@pytest.mark.parametrize(
    "page", ["/accounts/login/", "/accounts/password/reset/", "/accounts/signup/", "/accounts/password/reset/done/"]
)
def test_strangers_pages_keep_to_the_security_policy(page: str) -> None:
    response = Client().get(page)
    assert response.status_code == 200
    assert refused(response) == []


def test_the_desk_and_the_distributors_page_keep_to_the_security_policy(cast: Cast) -> None:
    for user, pages in (
        (cast.coordinator, ["/admin/", "/admin/participants/participant/", "/accounts/password/change/"]),
        (make_dso_user(cast.cluster.dso), ["/dso/"]),
    ):
        for page in pages:
            response = signed_in(user).get(page)
            assert response.status_code == 200
            assert refused(response) == []


def test_the_language_is_switched_and_stays(cast: Cast) -> None:
    client = signed_in(cast.owner, "pl")
    assert "Ostatnie transakcje" in text_of(client.get("/"))
    client.post("/i18n/setlang/", {"language": "en", "next": "/"})
    page = client.get("/")
    assert "Latest trades" in text_of(page)
    assert '<html lang="en">' in page.content.decode()


@pytest.mark.parametrize("language", ["pl", "en"])
def test_every_plot_has_a_table_and_every_table_heads(cast: Cast, language: str) -> None:
    page = signed_in(cast.owner, language).get("/").content.decode()
    assert page.count("data-plot") == page.count("<caption")
    assert all('scope="' in head for head in re.findall(r"<th\b[^>]*>", page))


def test_wrong_password_is_refused_in_words(cast: Cast) -> None:
    client = Client(headers={"Accept-Language": "en"})
    response = client.post("/accounts/login/", {"login": cast.owner.email, "password": "wrong"})
    assert response.status_code == 200
    assert "not correct" in text_of(response)
    response = client.post("/accounts/login/", {"login": cast.owner.email, "password": PASSWORD})
    assert response["Location"] == "/"


def test_errors_have_pages(cast: Cast) -> None:
    response = signed_in(cast.owner).get("/nothing-here/")
    assert response.status_code == 404
    assert "There is no such page" in text_of(response)
    response = signed_in(cast.owner).get("/dso/")
    assert response.status_code == 403
    assert "This page is not for you" in text_of(response)
    with translation.override("en"):
        assert "Something went wrong" in render_to_string("500.html")


def test_an_error_inside_answers_with_its_page(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(cluster_id: int) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr("cluster_platform.views.cluster_now.latest_run", fail)
    client = signed_in(cast.owner)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert "Something went wrong" in text_of(response)
    assert "inside" not in response.content.decode()


def test_scripts_weigh_little() -> None:
    folder = finders.find("portal/theme.js")
    assert folder
    assert sum(file.stat().st_size for file in Path(folder).parent.glob("*.js")) <= MOST_SCRIPT_BYTES / 10


@pytest.mark.parametrize("page", PAGES)
def test_the_number_of_queries_does_not_depend_on_size(cast: Cast, page: str) -> None:
    with scope(cast.cluster.pk):
        bill(cast, cast.seller)
    few = _queries(cast, page)
    others = add_members(cast, 12)
    with scope(cast.cluster.pk):
        own = [add_point(cast, cast.seller, f"5900000000002{number:05d}", 5) for number in range(4)]
        for step in range(1, 6):
            sold = {cast.seller_point: 500, **dict.fromkeys(own, 200), others[0]: 100}
            settle(cast, NOON + step * dt.timedelta(minutes=15), sold, dict.fromkeys(others[1:], 90))
    assert _queries(cast, page) == few


def _queries(cast: Cast, page: str) -> int:
    client = signed_in(cast.owner)
    client.get(page)  # The first page in a language notes it.
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page).status_code == 200
    return len(captured)


def test_numbers_are_written_as_the_reader_writes_them() -> None:
    with translation.override("pl"):
        assert number(Decimal("-1234567.885"), 2) == "−1\xa0234\xa0567,89"
        assert pln(Decimal("1234.5")) == "1\xa0234,50\xa0zł"
        assert price(Decimal("0.402")) == "0,402\xa0zł/kWh"
    with translation.override("en"):
        assert number(Decimal("1234.565"), 2) == "1,234.57"
        assert [signed(Decimal(text), 2) for text in ("0.075", "-0.075", "0.001")] == ["+0.08", "−0.08", "0.00"]
        assert pln(Decimal("1234.5")) == "1,234.50\xa0PLN"
        assert [kwh(wh) for wh in (0, 412, 41_260, 429_400)] == [
            "0\xa0kWh", "0.412\xa0kWh", "41.3\xa0kWh", "429\xa0kWh",
        ]  # fmt: skip
