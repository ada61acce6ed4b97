"""Who may open which page, and where signing in leads."""

import datetime as dt

import pytest
from django.test import Client

from metering.domain.versions import FIRST_DELIVERED, version_of
from metering.models import MeteringPoint, Reading
from participants.middleware import SESSION_KEY
from participants.models import Dso, Membership
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast, make_cast, make_dso_user, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
MEMBERS_PAGES = ["/now/", "/energy/", "/trades/", "/money/", "/money/2026-06.csv", "/cluster/"]


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


@pytest.mark.parametrize("page", ["/", "/dso/", *MEMBERS_PAGES])
def test_strangers_are_asked_to_sign_in(page: str, cast: Cast) -> None:
    response = Client().get(page)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("page", MEMBERS_PAGES)
def test_only_members_open_members_pages(page: str, cast: Cast) -> None:
    for user in (cast.coordinator, make_dso_user(cast.cluster.dso), make_user("nobody@example.org")):
        assert signed_in(user).get(page).status_code == 403


@pytest.mark.parametrize("page", ["/", "/now/", "/energy/", "/trades/", "/money/", "/cluster/"])
def test_no_browser_keeps_a_members_page_for_whoever_comes_next(page: str, cast: Cast) -> None:
    assert "no-store" in signed_in(cast.owner).get(page)["Cache-Control"]


def test_only_the_distributor_opens_its_page(cast: Cast) -> None:
    for user in (cast.owner, cast.coordinator, make_user("nobody@example.org")):
        assert signed_in(user).get("/dso/").status_code == 403


def test_signing_in_leads_to_the_page_of_the_role(cast: Cast) -> None:
    operator = make_user("operator@example.org", is_staff=True, is_superuser=True)
    assert signed_in(cast.coordinator).get("/")["Location"] == "/admin/"
    assert signed_in(operator).get("/")["Location"] == "/admin/"
    assert signed_in(make_dso_user(cast.cluster.dso)).get("/")["Location"] == "/dso/"
    assert "No cluster yet" in text_of(signed_in(make_user("nobody@example.org")).get("/"))


def test_whoever_has_several_ways_in_can_change_between_them(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=cast.owner, role="member", participant=cast.buyer)
    client = signed_in(cast.owner)
    assert "What you fed in · 0.400 kWh" in text_of(client.get("/"))
    page = client.get("/").content.decode()
    wanted = f"{cast.cluster.pk}:member:{cast.buyer.pk}"
    assert f'value="{wanted}"' in page
    assert client.post("/access/", {"access": wanted}).status_code == 302
    text = text_of(client.get("/"))
    assert "What you drew · 0.300 kWh" in text
    assert "fed in · 0.400" not in text


def test_nobody_can_choose_another_ones_access(cast: Cast) -> None:
    other = make_cast("beta")
    client = signed_in(cast.owner)
    for wanted in (
        f"{cast.cluster.pk}:member:{cast.buyer.pk}",
        f"{cast.cluster.pk}:coordinator:",
        f"{other.cluster.pk}:member:{other.seller.pk}",
        "",
    ):
        assert client.post("/access/", {"access": wanted}).status_code == 403
    assert SESSION_KEY not in client.session
    assert "What you fed in · 0.400 kWh" in text_of(client.get("/"))
    assert client.get("/access/").status_code == 405


def test_the_distributor_sees_which_readings_are_missing(cast: Cast) -> None:
    client = signed_in(make_dso_user(cast.cluster.dso))
    text = text_of(client.get("/dso/?month=2026-06"))
    assert "2 of 2 metering points lack readings" in text
    # One of the 96 quarter-hours of 11 June is there for each of the two points.
    assert "Thu 11 June 2 2 190" in text
    text = text_of(client.get("/dso/?month=2026-06&day=2026-06-11"))
    assert f"{cast.seller_point.code} 95 96" in text


def test_a_complete_day_lacks_nothing(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        start = NOON - dt.timedelta(hours=12)
        ensure_month_partitions("metering_reading", start, NOON)
        starts = {start + number * dt.timedelta(minutes=15) for number in range(96)} - {NOON}
        Reading.objects.bulk_create(
            Reading(
                cluster=cast.cluster, metering_point=point, interval_start=at, version=FIRST_DELIVERED, imported_wh=0,
                exported_wh=0, quality=Reading.Quality.MEASURED,
            )
            for point in MeteringPoint.objects.all()
            for at in starts
        )  # fmt: skip
        # A corrected reading is no second one.
        Reading.objects.create(
            cluster=cast.cluster, metering_point=cast.seller_point, interval_start=NOON,
            version=version_of(NOON + dt.timedelta(days=9)),
            imported_wh=0, exported_wh=390, quality=Reading.Quality.SUBSTITUTED,
        )  # fmt: skip
    text = text_of(signed_in(make_dso_user(cast.cluster.dso)).get("/dso/?month=2026-06"))
    assert "Thu 11 June 2 0 0" in text


def test_points_that_lack_readings_on_different_days_are_all_counted(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        ensure_month_partitions("metering_reading", NOON, NOON + dt.timedelta(days=30))
        fill(cast, cast.seller_point, missing=dt.date(2026, 7, 3))
        fill(cast, cast.buyer_point, missing=dt.date(2026, 7, 9))
    text = text_of(signed_in(make_dso_user(cast.cluster.dso)).get("/dso/?month=2026-07"))
    assert "2 of 2 metering points lack readings" in text
    assert "Fri 3 July 2 1 96" in text
    assert "Thu 9 July 2 1 96" in text
    assert "Sat 4 July 2 0 0" in text


def fill(cast: Cast, point: MeteringPoint, missing: dt.date) -> None:
    """All readings of July 2026 but those of one day."""
    month = dt.datetime(2026, 6, 30, 22, tzinfo=dt.UTC)
    starts = [month + number * dt.timedelta(minutes=15) for number in range(31 * 96)]
    Reading.objects.bulk_create(
        Reading(
            cluster=cast.cluster, metering_point=point, interval_start=at, version=FIRST_DELIVERED, imported_wh=1,
            exported_wh=0, quality=Reading.Quality.MEASURED,
        )
        for at in starts
        if (at + dt.timedelta(hours=2)).date() != missing
    )  # fmt: skip


def test_the_distributor_sees_its_own_clusters_only(cast: Cast) -> None:
    second = make_cast("beta")
    foreign = make_cast("gamma", dso_name="Another Distribution")
    text = text_of(signed_in(make_dso_user(cast.cluster.dso)).get("/dso/?month=2026-06&day=2026-06-11"))
    assert cast.cluster.name in text
    assert second.cluster.name in text
    assert "4 of 4 metering points lack readings" in text
    assert foreign.cluster.name not in text
    assert "Another Distribution" not in text
    assert Dso.objects.count() == 2
