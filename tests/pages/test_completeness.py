"""The coordinator's and the distributor's page of what is there and what is missing."""

import datetime as dt

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.test import Client
from django.urls import reverse

from metering import tasks
from metering.models import MeteringPoint, ReadingAccess, ReadingGap, ReminderSetting
from metering.services.completeness import count_gaps
from participants.models import Membership
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_dso_user, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
PAGE = "/admin/completeness/"
NOW = dt.datetime(2026, 6, 14, 9, tzinfo=dt.UTC)


@pytest.fixture
def cast() -> Cast:
    """Of 11 June each point has one reading, of 12 and 13 June none."""
    cast = make_cast("alfa")
    count_gaps(cast.cluster, NOW)
    return cast


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(tasks.estimate_days_of_cluster, "delay", lambda *asked: calls.append(asked))
    return calls


def shown(client: Client, page: str = PAGE, **asked: str) -> str:
    response = client.get(page, {"month": "2026-06", **asked})
    assert response.status_code == 200
    return text_of(response)


def test_signs_are_said_in_words_and_looking_is_noted(cast: Cast) -> None:
    text = shown(signed_in(cast.coordinator))
    assert "2 metering points lack readings, the first since 11/06/2026." in text
    assert "measured 1, missing 95 of 96" in text and "missing 96 of 96" in text
    with scope(cast.cluster.pk):
        assert ReadingAccess.objects.filter(purpose="missing", user=cast.coordinator).count() == 2


def test_search_and_nothing_found(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    found = shown(client, q="P0002")
    assert cast.buyer_point.code in found and cast.seller_point.code not in found
    assert "No metering point." in shown(client, q="nobody")
    assert "No metering point." in shown(client, page_number="x", owner="coordinator", q="\0")


def test_days_of_which_nothing_came_are_estimated_on_demand(
    cast: Cast, queued: list[tuple[object, ...]], django_capture_on_commit_callbacks: object
) -> None:
    client = signed_in(cast.coordinator)
    assert (
        "Days of which nothing came" in shown(client)
        and 'value="2026-06-12"' in client.get(PAGE, {"month": "2026-06"}).content.decode()
    )
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        client.post(PAGE, {"what": "estimate", "day": ["2026-06-12", "nonsense"]})
    assert queued == [(cast.cluster.pk, ["2026-06-12"])]


@pytest.mark.parametrize("level", ["read", "accounts"])
def test_who_only_looks_changes_nothing(cast: Cast, queued: list[tuple[object, ...]], level: str) -> None:
    user = make_user("auditor@alfa.example.org", with_app=True)
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=user, role="coordinator", level=level)
    client = signed_in(user)
    assert "Estimate these days now" not in shown(client)
    for what in ("estimate", "reminders"):
        assert client.post(PAGE, {"what": what, "day": "2026-06-12", "hour": "9"}).status_code == 403
    assert queued == []
    with scope(cast.cluster.pk):
        assert not ReminderSetting.objects.exists()


def test_reminders_are_set(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    assert client.post(PAGE, {"what": "reminders", "hour": "25"}).status_code == 200
    client.post(PAGE, {"what": "reminders", "hour": "6"})
    client.post(PAGE, {"what": "reminders", "hour": "7"})
    with scope(cast.cluster.pk):
        setting = ReminderSetting.objects.get()
    assert (setting.on, setting.hour) == (False, 7)


def test_the_distributor_sees_what_it_owes_in_its_clusters(cast: Cast) -> None:
    client = signed_in(make_dso_user(cast.cluster.dso))
    page = reverse("dso_completeness")
    with scope(cast.cluster.pk):
        MeteringPoint.objects.filter(pk=cast.buyer_point.pk).update(readings_from="member")
    text = shown(client, page)
    assert cast.seller_point.code in text and cast.buyer_point.code not in text
    assert cast.seller.name not in text
    other = make_cast("beta", dso_name="Other Distribution")
    assert client.get(page, {"cluster": other.cluster.slug}).status_code == 403


def test_other_clusters_are_not_shown(cast: Cast) -> None:
    other = make_cast("beta")
    text = shown(signed_in(other.coordinator))
    assert "Household P0001 of beta" in text and "of alfa" not in text and "lack readings" not in text
    with scope(cast.cluster.pk), pytest.raises(ObjectDoesNotExist):
        ReadingGap.objects.get(metering_point=other.seller_point)


def test_the_balance_says_that_there_is_no_boundary_meter(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    text = shown(client, "/admin/balance/")
    assert "This node has no boundary meter" in text and "2 metering points of members" in text
    assert "0.400" in text and "ST-1" in text
    with scope(cast.cluster.pk):
        noted = ReadingAccess.objects.filter(purpose="point", user=cast.coordinator)
        assert set(noted.values_list("metering_point", flat=True)) == {cast.seller_point.pk, cast.buyer_point.pk}
    other = make_cast("beta")
    with scope(other.cluster.pk):
        theirs = other.seller_point.assignments.get().grid_node_id
    for asked in (str(theirs), "x", "9" * 30):
        assert client.get("/admin/balance/", {"node": asked}).status_code == 404
