"""The queue of implausible readings, for the coordinator and for the distributor, as they see it."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from metering.models import DsoArea, Finding, GridNode, ReadingAccess
from participants.models import DsoUser
from participants.tenancy.scope import scope
from tests.cast import DAY, NOON, Cast, make_cast, make_dso_user, make_user
from tests.pages.scenes import add_members, signed_in, text_of

pytestmark = pytest.mark.django_db
QUEUE = "/admin/metering/finding/"
THEIRS = "/dso/findings/"
LATER = NOON + dt.timedelta(minutes=15)


def add_finding(cast: Cast, **fields: object) -> Finding:
    values = {
        "rule": "over_capacity", "metering_point": cast.seller_point, "day": NOON.date(), "starts": NOON,
        "ends": LATER, "quarter_hours": 1, "value_wh": 3000, "limit_wh": 2750, "severity": "error", "owner": "dso",
        "found_at": LATER,
    }  # fmt: skip
    with scope(cast.cluster.pk):
        return Finding.objects.create(cluster=cast.cluster, **values | fields)


def again(finding: Finding) -> Finding:
    with scope(finding.cluster_id):
        return Finding.objects.get(pk=finding.pk)


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


@pytest.fixture
def desk(cast: Cast) -> Client:
    return signed_in(cast.coordinator)


def test_the_desk_leads_to_the_queue(cast: Cast, desk: Client) -> None:
    add_finding(cast)
    add_finding(cast, rule="spike", state="gone")
    response = desk.get("/admin/")
    assert "Implausible readings 1 open" in text_of(response)
    assert f'href="{QUEUE}"' in response.content.decode()


def test_the_queue_shows_what_is_open_with_its_figures(cast: Cast, desk: Client) -> None:
    add_finding(cast)
    add_finding(cast, rule="frozen", value_wh=77, limit_wh=0, quarter_hours=24, severity="warning")
    add_finding(cast, rule="spike", state="gone")
    text = text_of(desk.get(QUEUE))
    assert "590000000000000013 feeds in more than it can generate" in text
    assert "up to 12.0 kW where 11.0 kW is the limit, in 1 quarter-hour cannot be distributor" in text
    assert "repeats the same value 77 Wh, 24 times in a row" in text
    assert "far above its own recent high 12" not in text and "2 findings" in text
    assert "1 finding " in text_of(desk.get(QUEUE, {"state": "gone"}))
    assert "3 findings" in text_of(desk.get(QUEUE, {"state": "all"}))
    assert "1 finding " in text_of(desk.get(QUEUE, {"severity": "warning"}))
    assert "0 findings" in text_of(desk.get(QUEUE, {"owner": "coordinator"}))


def test_a_station_is_told_in_words(cast: Cast, desk: Client) -> None:
    with scope(cast.cluster.pk):
        node = GridNode.objects.get(code="ST-1")
    add_finding(cast, rule="station_sum", metering_point=None, grid_node=node, value_wh=-5200, limit_wh=1000)
    assert "5.200 kWh less came in than the members drew; up to 1.000 kWh is ordinary" in text_of(desk.get(QUEUE))


def test_the_coordinator_explains_with_a_reason(cast: Cast, desk: Client) -> None:
    finding = add_finding(cast)
    page = text_of(desk.get(f"{QUEUE}{finding.pk}/change/"))
    assert "Explain it below, or have the readings corrected" in page
    refused = desk.post(f"{QUEUE}{finding.pk}/change/", {"reason": " "})
    assert "This field is required" in text_of(refused) and again(finding).state == "open"
    desk.post(f"{QUEUE}{finding.pk}/change/", {"reason": "Second installation"})
    explained = again(finding)
    assert (explained.state, explained.reason, explained.explained_by) == (
        "explained", "Second installation", cast.coordinator,
    )  # fmt: skip
    assert "0 findings" in text_of(desk.get(QUEUE))
    with scope(cast.cluster.pk):
        assert ReadingAccess.objects.filter(metering_point=cast.seller_point, purpose="point").exists()


def test_several_are_explained_at_once(cast: Cast, desk: Client) -> None:
    both = [add_finding(cast), add_finding(cast, rule="spike")]
    data = {"action": "explain_selected", "_selected_action": [str(row.pk) for row in both]}
    asked = text_of(desk.post(QUEUE, data))
    assert "Explain findings" in asked and "up to 12.0 kW" in asked
    assert {again(row).state for row in both} == {"open"}
    done = desk.post(QUEUE, data | {"apply": "yes", "reason": "Known"}, follow=True)
    assert "2 findings explained." in text_of(done)
    assert {again(row).state for row in both} == {"explained"}


def test_what_is_gone_can_not_be_explained(cast: Cast, desk: Client) -> None:
    finding = add_finding(cast, state="gone")
    assert desk.post(f"{QUEUE}{finding.pk}/change/", {"reason": "x"}).status_code == 403
    assert again(finding).state == "gone"


def test_who_may_only_look_explains_nothing(cast: Cast) -> None:
    finding = add_finding(cast)
    other = make_cast("bravo")
    for user in (cast.owner, other.coordinator, make_user("nobody@example.org")):
        response = signed_in(user).post(f"{QUEUE}{finding.pk}/change/", {"reason": "x"})
        assert response.status_code == 302, user
        assert "590000000000000013" not in response.content.decode()
    assert again(finding).state == "open"


def test_the_distributor_sees_its_own_in_all_its_clusters(cast: Cast) -> None:
    other, foreign = make_cast("bravo"), make_cast("charlie", dso_name="Other Distribution")
    mine = add_finding(cast)
    add_finding(other, rule="spike")
    add_finding(cast, rule="over_power", owner="coordinator")
    add_finding(foreign, rule="frozen")
    client = signed_in(make_dso_user(cast.cluster.dso))
    text = text_of(client.get(THEIRS))
    assert "2 findings wait for you" in text and "Cluster alfa" in text and "Cluster bravo" in text
    assert "feeds in more than it can generate up to 12.0 kW" in text
    assert "contracted power" not in text and "repeats" not in text
    page = f"{THEIRS}alfa/{mine.pk}/"
    assert "between 12:00 and 12:15" in text_of(client.get(page))
    assert text_of(client.post(page, {"reason": ""})).count("This field is required") == 1
    assert "Explained." in text_of(client.post(page, {"reason": "Meter changed"}, follow=True))
    assert again(mine).state == "explained"
    assert "1 explained" in text_of(client.get(THEIRS, {"state": "explained"}))


def test_the_distributor_of_a_part_sees_its_part(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        far = GridNode.objects.create(
            cluster=cast.cluster, code="ST-2", level="station", parent=GridNode.objects.get(level="cluster")
        )
        near = GridNode.objects.get(code="ST-1")
    mine, station = add_finding(cast), add_finding(cast, rule="station_sum", metering_point=None, grid_node=near)
    user = make_dso_user(cast.cluster.dso)
    DsoUser.objects.filter(user=user).update(whole_grid=False)
    with scope(cast.cluster.pk):
        area = DsoArea.objects.create(cluster=cast.cluster, user=user, grid_node=far)
    client = signed_in(user)
    assert "Nothing waits for you" in text_of(client.get(THEIRS))
    for finding in (mine, station):
        assert client.post(f"{THEIRS}alfa/{finding.pk}/", {"reason": "x"}).status_code == 404
    with scope(cast.cluster.pk):
        DsoArea.objects.filter(pk=area.pk).update(grid_node=near)
    assert "2 findings wait for you" in text_of(client.get(THEIRS))


def test_the_distributor_s_pages_are_its_own(cast: Cast) -> None:
    finding = add_finding(cast)
    foreign = make_cast("charlie", dso_name="Other Distribution")
    for user in (cast.owner, cast.coordinator, foreign.coordinator):
        assert signed_in(user).get(THEIRS).status_code == 403
        assert signed_in(user).post(f"{THEIRS}alfa/{finding.pk}/", {"reason": "x"}).status_code == 403
    outsider = signed_in(make_dso_user(foreign.cluster.dso, "other@example.org"))
    assert outsider.post(f"{THEIRS}alfa/{finding.pk}/", {"reason": "x"}).status_code == 404
    own = signed_in(make_dso_user(cast.cluster.dso))
    coordinators = add_finding(cast, rule="over_power", owner="coordinator")
    assert own.post(f"{THEIRS}alfa/{coordinators.pk}/", {"reason": "x"}).status_code == 404
    assert {again(row).state for row in (finding, coordinators)} == {"open"}


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("address", [QUEUE, THEIRS])
def test_the_number_of_queries_does_not_grow_with_the_findings(cast: Cast, address: str) -> None:
    client = signed_in(cast.coordinator if address == QUEUE else make_dso_user(cast.cluster.dso))
    add_finding(cast)
    queries(client, address)
    before = queries(client, address)
    for point in add_members(cast, 12):
        add_finding(cast, metering_point=point, day=DAY)
    assert queries(client, address) == before
