"""Files of readings on the pages of the coordinator and the distributor."""

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from metering.models import ColumnMapping, Delivery, DsoArea, GridNode, MeteringPoint, Reading, ReadingAccess
from metering.services.delivery_work import work_on
from metering.tasks import work_on_delivery
from participants.models import DsoUser, Membership, User
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast, make_dso_user, make_user
from tests.metering.meter_files import sample

pytestmark = pytest.mark.django_db
ADD = "/admin/metering/delivery/add/"
START = dt.datetime(2026, 6, 20, 22, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_on_delivery, "delay", lambda *arguments: None)


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


def browser(user: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def content(*points: MeteringPoint, count: int = 96) -> bytes:
    rows = [
        f"{point.code},{START + dt.timedelta(minutes=15 * number):%Y-%m-%dT%H:%M:%SZ},100,20,measured"
        for point in points for number in range(count)
    ]  # fmt: skip
    return "\n".join(["metering_point,interval_start,imported_wh,exported_wh,quality", *rows, ""]).encode()


def file(data: bytes, name: str = "june.csv") -> io.BytesIO:
    sent = io.BytesIO(data)
    sent.name = name
    return sent


def latest(cast: Cast) -> Delivery:
    with scope(cast.cluster.pk):
        return Delivery.objects.latest("pk")


def work(cast: Cast) -> Delivery:
    work_on(cast.cluster, latest(cast).pk, timezone.now())
    return latest(cast)


def stored(cast: Cast) -> set[str]:
    with scope(cast.cluster.pk):
        return set(Reading.objects.filter(interval_start__gte=START).values_list("metering_point__code", flat=True))


def dso_address(cast: Cast, delivery: Delivery) -> str:
    return reverse("dso_delivery", args=(cast.cluster.slug, delivery.pk))


def test_the_coordinator_uploads_looks_and_stores(cast: Cast) -> None:
    client = browser(cast.coordinator)
    page = client.post(ADD, {"file": file(content(cast.buyer_point, cast.seller_point))}, follow=True)
    assert "It is being read: 0 %" in page.content.decode()
    delivery = work(cast)
    address = reverse("admin:metering_delivery_change", args=(delivery.pk,))
    text = client.get(address).content.decode()
    assert "192 readings can be stored" in text and "Store the 192 good readings" in text
    assert stored(cast) == set()
    with scope(cast.cluster.pk):
        before = ReadingAccess.objects.count()
    # Who opens the days of a point is noted.
    days = client.get(address, {"point": cast.buyer_point.code}).content.decode()
    assert "96 / 96" in days and "9.600" in days
    with scope(cast.cluster.pk):
        noted = ReadingAccess.objects.latest("pk")
        assert ReadingAccess.objects.count() == before + 1
        assert (noted.metering_point, noted.user) == (cast.buyer_point, cast.coordinator)
    assert "It is being stored" in client.post(address, {"store": "1"}, follow=True).content.decode()
    assert work(cast).state == "stored"
    assert "192 readings hold now" in client.get(address).content.decode()
    assert stored(cast) == {cast.buyer_point.code, cast.seller_point.code}
    again = client.post(ADD, {"file": file(content(cast.buyer_point, cast.seller_point))}, follow=True)
    assert "This file is here already" in again.content.decode()
    assert latest(cast) == delivery
    late = client.post(address, {"cancel": "1"}, follow=True).content.decode()
    assert "the file has moved on" in late


def test_faults_are_shown_by_line_with_what_to_do(cast: Cast) -> None:
    client = browser(cast.coordinator)
    spoiled = content(cast.buyer_point).replace(b",100,20,measured", b",1OO,20,measured", 1)
    spoiled = spoiled.replace(b"2026-06-21T01:00:00Z", b"2019-06-21T01:00:00Z")
    client.post(ADD, {"file": file(spoiled)})
    text = client.get(reverse("admin:metering_delivery_change", args=(work(cast).pk,))).content.decode()
    assert "&#x27;1OO&#x27; is not a whole number of watt-hours" in text
    assert "is not in the cluster; correct its dates" in text
    assert "Store the 94 good readings" in text


def test_a_file_of_no_known_format_is_refused_by_name(cast: Cast) -> None:
    page = browser(cast.coordinator).post(ADD, {"file": file(b"hello world")}, follow=True).content.decode()
    assert "no known format begins with &#x27;hello world&#x27;" in page and "Nothing of it was stored" in page
    assert latest(cast).state == "refused"


def test_the_point_is_asked_for_where_the_file_names_none(cast: Cast) -> None:
    client = browser(cast.coordinator)
    page = client.post(ADD, {"file": file(sample("tauron_elicznik_hourly.csv"))}, follow=True).content.decode()
    assert "Which metering point is it of?" in page and cast.buyer_point.code in page
    address = reverse("admin:metering_delivery_change", args=(latest(cast).pk,))
    unknown = client.post(address, {"tell": "1", "point": "590000000000009999"}).content.decode()
    assert "no such metering point" in unknown
    client.post(address, {"tell": "1", "point": cast.buyer_point.code})
    assert (work(cast).state, latest(cast).accepted) == ("previewed", 96)


def test_a_column_mapping_is_kept_and_used_again(cast: Cast) -> None:
    client = browser(cast.coordinator)
    page = client.post(ADD, {"file": file(sample("columns.xlsx"), "a.xlsx")}, follow=True).content.decode()
    assert "What do its columns mean?" in page
    address = reverse("admin:metering_delivery_change", args=(latest(cast).pk,))
    wrong = {"m-name": "shop", "m-time": "Czas (do)", "m-label": "end", "m-clock": "local", "m-minutes": "15",
             "m-unit": "kWh", "m-header_line": "2", "m-point": "PPE"}  # fmt: skip
    refused = client.post(address, {"map": "1", **wrong}).content.decode()
    assert "name the column that holds the energy" in refused
    right = wrong | {"m-imported": "Pobór [kWh]", "m-exported": "Oddanie [kWh]"}
    client.post(address, {"map": "1", **right})
    # The points of the sample are no points of this cluster: everything is read, and all of it refused.
    assert (work(cast).state, latest(cast).readings, latest(cast).refused) == ("refused", 192, 192)
    with scope(cast.cluster.pk):
        kept = ColumnMapping.objects.get(name="shop")
    client.post(address, {"tell": "1", "mapping": str(kept.pk)})
    assert latest(cast).state == "received"
    assert client.get(reverse("admin:metering_columnmapping_change", args=(kept.pk,))).status_code == 200
    assert "columnmapping" in client.get("/admin/").content.decode()


@pytest.mark.parametrize("who", ["owner", "accountant", "other coordinator"])
def test_nobody_else_uploads_or_decides(cast: Cast, who: str) -> None:
    browser(cast.coordinator).post(ADD, {"file": file(content(cast.buyer_point))})
    delivery = work(cast)
    other = make_cast("bravo")
    accountant = make_user("accountant@example.org", with_app=True)
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=accountant, role="coordinator", level="accounts")
    user = {"owner": cast.owner, "accountant": accountant, "other coordinator": other.coordinator}[who]
    client = browser(user)
    address = reverse("admin:metering_delivery_change", args=(delivery.pk,))
    client.post(address, {"store": "1"})
    assert latest(cast).state == "previewed"
    if who != "other coordinator":
        assert client.post(ADD, {"file": file(content(cast.seller_point))}).status_code in (302, 403)
    assert latest(cast) == delivery
    assert (client.get(address).status_code == 200) == (who == "accountant")
    assert client.get(dso_address(cast, delivery)).status_code == 403


def test_a_distributor_uploads_for_its_area_only(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        root = GridNode.objects.get(code="CLUSTER")
        away = GridNode.objects.create(cluster=cast.cluster, code="ST-2", level="station", parent=root)
        far = MeteringPoint.objects.create(cluster=cast.cluster, code="590000000000000044")
        station = GridNode.objects.get(code="ST-1")
        source = cast.buyer_point.assignments.get()
        source.pk, source.metering_point, source.grid_node = None, far, away
        source.save()
    area, whole = make_dso_user(cast.cluster.dso, "area@example.org"), make_dso_user(cast.cluster.dso)
    DsoUser.objects.filter(user=area).update(whole_grid=False)
    with scope(cast.cluster.pk):
        DsoArea.objects.create(cluster=cast.cluster, user=area, grid_node=station)
    client, send = browser(area), reverse("dso_deliveries")
    client.post(send, {"file": file(content(cast.buyer_point, far))})
    delivery = work(cast)
    text = client.get(dso_address(cast, delivery)).content.decode()
    assert "Store the 96 good readings" in text and "590000000000000044&#x27; is unknown" in text
    client.post(dso_address(cast, delivery), {"store": "1"})
    assert work(cast).state == "stored"
    assert stored(cast) == {cast.buyer_point.code}
    # The whole grid's people see it too; what they send the area's people don't.
    everywhere = browser(whole)
    assert everywhere.get(dso_address(cast, delivery)).status_code == 200
    everywhere.post(send, {"file": file(content(far))})
    theirs = work(cast)
    assert theirs.good == 96
    assert client.get(dso_address(cast, theirs)).status_code == 404
    assert client.post(dso_address(cast, theirs), {"store": "1"}).status_code == 404
    assert latest(cast).state == "previewed"
    stranger = make_cast("bravo", dso_name="Other Distribution")
    other = browser(make_dso_user(stranger.cluster.dso, "other@example.org"))
    assert other.get(dso_address(cast, delivery)).status_code == 404


def test_pages_ask_the_database_as_often_for_many_points(
    cast: Cast, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    client = browser(cast.coordinator)
    client.post(ADD, {"file": file(content(cast.buyer_point, cast.seller_point))})
    address = reverse("admin:metering_delivery_change", args=(work(cast).pk,))
    with django_assert_max_num_queries(40):
        client.get(address)
