"""The coordinator searches the history of changes: by people, by names, by days; and only as far as pages are read."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts.models import ExternalPartner
from participants.models import Change, Participant
from participants.tenancy import paging
from participants.tenancy.scope import acting_as, scope
from tests.cast import Cast, make_cast
from tests.pages.scenes import signed_in

pytestmark = pytest.mark.django_db
HISTORY = "/admin/participants/change/"


@pytest.fixture
def cast() -> Cast:
    cast = make_cast("alfa")
    with acting_as(cast.coordinator.pk), scope(cast.cluster.pk):
        Participant.objects.filter(code="P0002").update(name="Zielony Dom")
        ExternalPartner.objects.create(
            cluster=cast.cluster,
            kind="seller",
            name="Trader",
            nip="1000237576",
            street="S",
            postcode="00-001",
            city="C",
        )
    return cast


def rows(cast: Cast, query: str) -> list[str]:
    page = signed_in(cast.coordinator).get(f"{HISTORY}?{query}").content.decode()
    return re.findall(r'<td class="field-row">([^<]*)<', page)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("zielony", {"P0002 Zielony Dom"}),
        ("P0002", {"P0002 Zielony Dom"}),
        ("trader", {"Trader"}),
        ("coordinator@alfa", {"P0002 Zielony Dom", "Trader"}),
        ("590000000000000013", {"590000000000000013"}),
        ("nothing like it", set()),
        ("2020-01-01", set()),
        ("2026-02-31", set()),
    ],
)
def test_changes_are_found(text: str, found: set[str], cast: Cast) -> None:
    assert {row.split(": ", 1)[1] for row in rows(cast, f"q={text}")} == found


def test_changes_of_a_day_are_those_of_the_local_day(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        count = Change.objects.count()
        at = Change.objects.latest("pk").at
    day = at.astimezone(dt.timezone(dt.timedelta(hours=1))).date()
    near = [rows(cast, f"all=&q={day + dt.timedelta(days=shift)}") for shift in (-1, 0, 1)]
    assert sum(map(len, near)) == min(count, 3 * 50)
    assert near[1]


def test_another_clusters_rows_and_people_are_not_found(cast: Cast) -> None:
    theirs = make_cast("beta", "Other Distribution")
    with acting_as(theirs.coordinator.pk), scope(theirs.cluster.pk):
        Participant.objects.filter(code="P0001").update(name="Obcy Dom")
    assert rows(cast, "q=Obcy") == []
    assert rows(cast, "q=coordinator@beta") == []
    page = signed_in(cast.coordinator).get(HISTORY).content.decode()
    assert cast.coordinator.email in page
    assert theirs.coordinator.email not in page


def test_no_more_rows_are_counted_than_can_be_leafed_through(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MOST", 5)
    with CaptureQueriesContext(connection) as queries:
        assert rows(cast, "")
    counted = [query["sql"] for query in queries if "COUNT(" in query["sql"] and "participants_change" in query["sql"]]
    assert counted
    assert all("LIMIT 5" in sql for sql in counted)
