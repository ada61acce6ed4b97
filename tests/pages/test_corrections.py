"""What the coordinator sees of quarter-hours that were settled again: before, after and why."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clearing.services import clear_due
from cluster_platform.corrections import Difference, by_participant, by_quarter_hour
from contracts.models import Contract, ExternalPrice
from metering.domain.calendar import INTERVAL
from metering.models import ReadingAccess
from participants.models import Membership, Participant
from participants.tenancy.scope import scope
from tests.cast import make_user
from tests.clearing.world import FAR, NEIGHBOUR, NOW, RATES, SELLER, STANDARD, START, World, flat_rate, make_world
from tests.pages.scenes import signed_in, text_of
from tests.tariff import publish

pytestmark = pytest.mark.django_db
WARSAW = ZoneInfo("Europe/Warsaw")
LATER = NOW + dt.timedelta(days=2)
JUNE = (dt.datetime(2026, 5, 31, 22, tzinfo=dt.UTC), dt.datetime(2026, 6, 30, 22, tzinfo=dt.UTC))


@pytest.fixture
def world() -> World:
    world = make_world()
    clear_due(world.cluster, NOW)
    return world


@pytest.fixture
def coordinator(world: World) -> Client:
    user = make_user("coordinator@alfa.example.org", with_app=True)
    with scope(world.cluster.pk):
        Membership.objects.create(cluster=world.cluster, user=user, role="coordinator")
    return signed_in(user)


def correct(world: World, code: str, net_wh: int, version: int = 2, now: dt.datetime = LATER) -> None:
    world.read(START, {code: net_wh}, version)
    clear_due(world.cluster, now)


def differences(world: World, since: dt.datetime | None = None) -> dict[str, Difference]:
    with scope(world.cluster.pk):
        found = by_participant(world.cluster.pk, *JUNE, since, WARSAW)
    return {row.name.split()[-1]: row for row in found}


def page(client: Client, **asked: object) -> str:
    response = client.get(reverse("admin:corrections"), {"month": "2026-06", **asked})
    assert response.status_code == 200
    return text_of(response)


def test_nothing_has_changed(world: World, coordinator: Client) -> None:
    assert differences(world) == {}
    assert "Nothing that was settled has changed." in page(coordinator)


def test_a_corrected_reading_changes_its_own_and_others(world: World, coordinator: Client) -> None:
    correct(world, FAR, -100)
    found = differences(world)
    assert set(found) == {SELLER, NEIGHBOUR, FAR}
    far = found[FAR]
    assert far.quarter_hours == 1 and far.causes == ("reading",)
    assert (far.before.drawn_local_wh, far.before.drawn_outside_wh) == (200, 200)
    assert (far.after.drawn_local_wh, far.after.drawn_outside_wh) == (100, 0)
    assert found[SELLER].causes == found[NEIGHBOUR].causes == ("others",)
    assert (found[SELLER].before.fed_outside_wh, found[SELLER].after.fed_outside_wh) == (0, 100)
    text = page(coordinator)
    assert "3 participants are concerned." in text and "own reading" in text and "0.400 → 0.100" in text


def test_the_costs_of_all_add_up_to_those_of_the_cluster(world: World) -> None:
    """DESIGN 4: what members pay each other cancels out, so that the operating cost remains."""
    correct(world, FAR, -100)
    before, after = world.runs(START)
    found = differences(world).values()
    assert sum(row.before.cost_pln for row in found) == before.operating_cost_pln
    assert sum(row.after.cost_pln for row in found) == after.operating_cost_pln
    assert sum(row.cost_pln for row in found) == after.operating_cost_pln - before.operating_cost_pln != 0


def test_compared_with_a_day_in_between(world: World, coordinator: Client) -> None:
    correct(world, FAR, -100)
    correct(world, FAR, -150, version=3, now=LATER + dt.timedelta(days=2))
    assert differences(world)[FAR].before.drawn_wh == 400
    assert differences(world, LATER + dt.timedelta(days=1))[FAR].before.drawn_wh == 100
    assert differences(world, LATER + dt.timedelta(days=3)) == {}
    assert "0.100 → 0.150" in page(coordinator, since="2026-12-04")
    assert "Nothing that was settled has changed." in page(coordinator, since="2026-12-06")


def test_what_was_corrected_back_is_no_difference(world: World) -> None:
    correct(world, FAR, -100)
    correct(world, FAR, -400, version=3)
    assert differences(world) == {}


def a_price(world: World) -> None:
    price = ExternalPrice.objects.get(interval_start=START)
    price.pk, price.version, price.buy_pln_kwh = None, 2, Decimal("0.5")
    price.save()


def a_tariff(world: World) -> None:
    rates = [flat_rate(*row) for row in (*RATES, ("cogeneration", "0.003", "full"))]
    publish(world.cluster.dso, rates, valid_from=dt.date(2026, 6, 1))


def a_contract(world: World) -> None:
    Contract.objects.filter(scheme="standard").update(scheme="p2p")


@pytest.mark.parametrize(
    ("change", "cause", "whose"),
    [(a_price, "price", FAR), (a_tariff, "grid_fee", FAR), (a_contract, "contract", STANDARD)],
)
def test_why(world: World, change: Callable[[World], None], cause: str, whose: str) -> None:
    with scope(world.cluster.pk):
        change(world)
    world.touch(START)
    clear_due(world.cluster, LATER)
    assert differences(world)[whose].causes == (cause,)


def test_one_participant_by_quarter_hour_and_the_look_is_noted(world: World, coordinator: Client) -> None:
    correct(world, FAR, -100)
    world.read(START + 5 * INTERVAL, {FAR: -50}, version=2)
    clear_due(world.cluster, LATER)
    with scope(world.cluster.pk):
        far = Participant.objects.get(name=FAR)
        rows = by_quarter_hour(world.cluster.pk, *JUNE, None, WARSAW, far.pk, 1)
    assert [row.key for row in rows] == [START, START + 5 * INTERVAL]
    assert sum(row.cost_pln for row in rows) == differences(world)[FAR].cost_pln
    assert "10 June, 23:00" in page(coordinator, participant=far.pk)
    with scope(world.cluster.pk):
        noted = ReadingAccess.objects.select_related("metering_point").get()
    assert noted.metering_point == world.points[FAR] and (noted.readings_from, noted.readings_to) == JUNE


def test_another_clusters_participant_is_not_there(coordinator: Client) -> None:
    other = make_world("beta")
    with scope(other.cluster.pk):
        stranger = Participant.objects.get(name=FAR)
    for asked in (stranger.pk, "x", ""):
        assert coordinator.get(reverse("admin:corrections"), {"participant": asked}).status_code == 404


def test_as_many_queries_whatever_the_number_of_corrections(world: World, coordinator: Client) -> None:
    counts = []
    for number in (1, 6):
        for place in range(number):
            world.read(START + place * INTERVAL, {FAR: -100 - number}, version=1 + number)
        clear_due(world.cluster, LATER)
        page(coordinator)  # The first page in a language notes it.
        with CaptureQueriesContext(connection) as queries:
            page(coordinator)
        counts.append(len(queries))
    assert counts[0] == counts[1]
