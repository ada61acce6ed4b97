"""Files of readings on their way: by the API, with preview, faults and resumption."""

import datetime as dt
import io
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from metering.models import (
    ColumnMapping,
    Delivery,
    DeliveryBatch,
    DeliveryChunk,
    DeliveryDay,
    KeyScope,
    MeteringPoint,
    PointAssignment,
    Reading,
)
from metering.services import delivery_work
from metering.services.deliveries import AlreadyReceived, Sender, Told, receive, tell_more
from metering.services.delivery_work import work_on
from metering.tasks import look_after_deliveries, work_on_delivery
from participants.api_keys import create_api_key
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.contracts.small_dataset import POINTS, small_dataset, write
from tests.metering.meter_files import POINT, sample

pytestmark = pytest.mark.django_db(transaction=True)
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
OTHER = "590322400000000027"
MAPPING = {
    "point": "PPE", "time": "Czas (do)", "imported": "Pobór [kWh]", "exported": "Oddanie [kWh]", "label": "end",
    "header_line": 2,
}  # fmt: skip
COUNTS = {
    "canonical_15min_2026-10-25.csv": 100,
    "tauron_elicznik_hourly.csv": 96,
    "tauron_elicznik_hourly_zones.csv": 96,
    "enea_ebok_hourly.csv": 96,
    "energa_mchart_day.json": 96,
    "osd_cooperative_daily.csv": 288,
    "own_readings.csv": 192,
    "columns.xlsx": 192,
}
Stored = list[tuple[Any, ...]]


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """No worker runs here: what was put into the queue."""
    numbers: list[int] = []
    monkeypatch.setattr(work_on_delivery, "delay", lambda cluster_id, number: numbers.append(number))
    return numbers


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """The small cluster, with the points of the samples; that of P0002 has generation."""
    files = small_dataset()
    del files["readings-2026-10.csv"]
    points = files["metering_points.csv"]
    for ours, theirs in zip((1, 0, 2), (POINT, OTHER, "590322400000000034"), strict=True):
        points = points.replace(POINTS[ours], theirs)
    files["metering_points.csv"] = points.replace("11.4", "0.0")
    call_command("load_cluster", str(write(files, tmp_path)), verbosity=0)
    return Cluster.objects.get(slug="small")


@pytest.fixture
def key(cluster: Cluster) -> str:
    with scope(cluster.pk):
        ColumnMapping.objects.create(cluster=cluster, name="shop", columns=MAPPING)
        return create_api_key(cluster, "meters")[0]


def send(key: str, name: str, content: bytes, **more: Any) -> Any:
    file = io.BytesIO(content)
    file.name = name
    return Client().post("/api/v1/files", {"file": file, **more}, headers={"Authorization": f"Bearer {key}"})


def look(key: str, number: int) -> Any:
    return Client().get(f"/api/v1/files/{number}", headers={"Authorization": f"Bearer {key}"}).json()


def decide(key: str, number: int, what: str) -> Any:
    sent = {"do": what}
    headers = {"Authorization": f"Bearer {key}"}
    return Client().post(f"/api/v1/files/{number}", sent, content_type="application/json", headers=headers)


def work(cluster: Cluster, number: int) -> None:
    # A day later, so that everything has been issued.
    while work_on(cluster, number, timezone.now() + dt.timedelta(days=1)):
        pass


def stored(cluster: Cluster) -> Stored:
    with scope(cluster.pk):
        rows = Reading.objects.order_by("metering_point__code", "interval_start", "version")
        return list(rows.values_list("metering_point__code", "interval_start", "imported_wh", "exported_wh", "quality"))


def page(cluster: Cluster, name: str, content: bytes, told: Told | None = None, **sender: Any) -> Delivery:
    return receive(cluster, name, [content], Sender(Delivery.Via.PAGE, **sender), told or Told(), NOW)


def again(delivery: Delivery) -> Delivery:
    with scope(delivery.cluster_id):
        return Delivery.objects.get(pk=delivery.pk)


def lines(count: int, start: dt.datetime = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)) -> bytes:
    """A file of the platform's own format."""
    rows = (
        f"{POINT},{start + dt.timedelta(minutes=15 * n):%Y-%m-%dT%H:%M:%SZ},{n % 997},0,measured" for n in range(count)
    )
    return "\n".join(["metering_point,interval_start,imported_wh,exported_wh,quality", *rows, ""]).encode()


@pytest.mark.parametrize("name", COUNTS)
def test_every_sample_comes_in_by_the_api(cluster: Cluster, key: str, name: str) -> None:
    answer = send(key, name, sample(name), metering_point=POINT, mapping="shop")
    assert answer.status_code == 202, answer.content
    assert stored(cluster) == []
    work(cluster, answer.json()["id"])
    seen = look(key, answer.json()["id"])
    assert (seen["state"], seen["accepted"], seen["refused"], seen["faults"]) == ("stored", COUNTS[name], 0, [])
    assert len(stored(cluster)) == COUNTS[name]
    repeated = send(key, name, sample(name), metering_point=POINT, mapping="shop")
    assert (repeated.status_code, repeated.json()["already_received"]) == (200, True)
    assert repeated.json()["id"] == answer.json()["id"]


def test_nothing_is_stored_before_somebody_says_so(cluster: Cluster, key: str) -> None:
    spoiled = sample("own_readings.csv").replace(OTHER.encode(), b"590322400000000099")
    spoiled = spoiled.replace(b",measured", b",guessed", 1)
    number = send(key, "own.csv", spoiled, preview="yes").json()["id"]
    work(cluster, number)
    seen = look(key, number)
    assert (seen["state"], seen["readings"], seen["accepted"], seen["refused"]) == ("previewed", 191, 95, 96)
    assert stored(cluster) == []
    by_line = [(fault["line"], fault["column"], fault["lines"]) for fault in seen["faults"]]
    assert by_line == [(2, "quality", 1), (98, "metering_point", 96)]
    assert "guessed" in seen["faults"][0]["reason"] and "590322400000000099" in seen["faults"][1]["reason"]
    with scope(cluster.pk):
        days = DeliveryDay.objects.filter(delivery=number).order_by("point", "day")
        assert {(day.point, day.accepted, day.refused) for day in days} == {
            (POINT, 95, 0),
            ("590322400000000099", 0, 96),
        }
    assert decide(key, number, "store").status_code == 202
    assert decide(key, number, "store").status_code == 409
    work(cluster, number)
    seen = look(key, number)
    assert (seen["state"], seen["accepted"], seen["refused"]) == ("stored", 95, 96)
    assert len(stored(cluster)) == 95


def test_a_file_that_is_too_large_is_not_kept(cluster: Cluster, key: str, settings: Any) -> None:
    settings.FILES_MAX_MB = 0
    assert send(key, "a.csv", lines(96)).status_code == 413
    with scope(cluster.pk):
        assert not Delivery.objects.exists()


def test_what_is_refused_only_while_storing_is_named_too(cluster: Cluster, key: str) -> None:
    content = lines(96).replace(b",7,0,measured", b",7,0,guessed").replace(POINT.encode(), b"590322400000000058", 1)
    number = send(key, "a.csv", content, preview="yes").json()["id"]
    work(cluster, number)
    early = [(2, "metering_point"), (9, "quality")]
    assert [(fault["line"], fault["column"]) for fault in look(key, number)["faults"]] == early
    with scope(cluster.pk):
        # It now belongs to the cluster from the second local day of the file.
        PointAssignment.objects.filter(metering_point__code=POINT).update(valid_from=dt.date(2026, 6, 2))
    decide(key, number, "store")
    work(cluster, number)
    seen = look(key, number)
    assert (seen["state"], seen["accepted"], seen["refused"], seen["unread"]) == ("stored", 8, 87, 1)
    named = [(fault["line"], fault["column"]) for fault in seen["faults"]]
    assert named == [*early, *((line, "interval_start") for line in range(3, 90) if line != 9)]
    assert f"at 2026-06-01T00:15:00Z {POINT} is not in the cluster" in seen["faults"][2]["reason"]


def test_a_file_ends_when_its_last_reading_is_stored(cluster: Cluster) -> None:
    began = timezone.now()
    delivery = page(cluster, "a.csv", lines(96), asks=False)
    work(cluster, delivery.pk)
    ended = again(delivery).ended_at
    assert ended is not None and began < ended < timezone.now()


def test_the_preview_says_what_is_new_changed_and_the_same(cluster: Cluster, key: str) -> None:
    first = send(key, "a.csv", lines(96)).json()["id"]
    work(cluster, first)
    number = send(key, "b.csv", lines(100).replace(b",5,0,", b",6000,0,"), preview="yes").json()["id"]
    work(cluster, number)
    seen = look(key, number)
    assert (seen["accepted"], seen["replaced"], seen["unchanged"]) == (4, 1, 95)
    assert len(stored(cluster)) == 96
    assert decide(key, number, "cancel").json()["state"] == "cancelled"
    assert decide(key, number, "store").status_code == 409
    assert len(stored(cluster)) == 96
    with scope(cluster.pk):
        assert not DeliveryBatch.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "more", "said"),
    [
        ("x.pdf", b"%PDF-1.7 hello", {}, "no known format begins with '%PDF-1.7 hello'"),
        ("x.csv", b"", {}, "the file holds no readings"),
        ("tauron.csv", sample("tauron_elicznik_hourly.csv"), {}, "the file names no metering point"),
        ("x.xlsx", sample("columns.xlsx"), {}, "set the column mapping"),
    ],
)
def test_what_cannot_be_read_is_answered_at_once(
    cluster: Cluster, key: str, name: str, content: bytes, more: dict[str, str], said: str
) -> None:
    answer = send(key, name, content, **more)
    assert (answer.status_code, answer.json()["state"]) == (422, "refused")
    assert said in answer.json()["reason"]
    assert stored(cluster) == []


@pytest.mark.parametrize(
    ("name", "spoil", "line", "said"),
    [
        ("tauron_elicznik_hourly.csv", (b"24:00;", b"25:00;"), 25, "25:00"),
        ("canonical_15min_2026-10-25.csv", (b"CK0031", b"CK9999"), 2, "CK9999"),
        ("energa_mchart_day.json", (b'"tm"', b'"tn"'), 1, ""),
        ("enea_ebok_hourly.csv", (b"00:59", b"00:58"), 2, "00:58"),
        ("osd_cooperative_daily.csv", (b"CP;kWh", b"CP;MWh"), 6, "MWh"),
    ],
)
def test_a_spoiled_line_is_named(
    cluster: Cluster, key: str, name: str, spoil: tuple[bytes, bytes], line: int, said: str
) -> None:
    content = sample(name)
    assert spoil[0] in content
    number = send(key, name, content.replace(*spoil, 1), metering_point=POINT, preview="yes").json()["id"]
    work(cluster, number)
    fault = look(key, number)["faults"][0]
    assert said in fault["reason"] and fault["line"]
    assert stored(cluster) == []


def test_a_broken_workbook_is_refused(cluster: Cluster, key: str) -> None:
    number = send(key, "x.xlsx", sample("columns.xlsx")[:3000], mapping="shop").json()["id"]
    work(cluster, number)
    seen = look(key, number)
    assert seen["state"] == "refused" and "XLSX" in seen["faults"][0]["reason"]


def test_a_key_of_one_point_stores_no_other(cluster: Cluster, key: str) -> None:
    with scope(cluster.pk):
        token, limited = create_api_key(cluster, "one meter")
        KeyScope.objects.create(cluster=cluster, api_key=limited, metering_point=MeteringPoint.objects.get(code=OTHER))
    answer = send(token, "own.csv", sample("own_readings.csv"))
    work(cluster, answer.json()["id"])
    seen = look(token, answer.json()["id"])
    assert (seen["state"], seen["accepted"], seen["refused"]) == ("stored", 96, 96)
    assert {row[0] for row in stored(cluster)} == {OTHER}
    # Another key sees nothing of it, and what it may write more is not taken for a repetition.
    assert look(key, answer.json()["id"]) == {"detail": "No Delivery matches the given query."}
    assert decide(key, answer.json()["id"], "store").status_code == 404
    whole = send(key, "own.csv", sample("own_readings.csv"))
    assert whole.status_code == 202
    work(cluster, whole.json()["id"])
    assert len(stored(cluster)) == 192


def test_a_page_asks_for_the_point_and_the_columns(cluster: Cluster, key: str) -> None:
    delivery = page(cluster, "tauron.csv", sample("tauron_elicznik_hourly.csv"))
    assert delivery.state == "waiting"
    work(cluster, delivery.pk)
    assert again(delivery).state == "waiting"
    with scope(cluster.pk):
        assert tell_more(delivery, Told(point=POINT), NOW)
    work(cluster, delivery.pk)
    assert (again(delivery).state, again(delivery).accepted) == ("previewed", 96)
    book = page(cluster, "x.xlsx", sample("columns.xlsx"))
    assert book.state == "waiting"
    with scope(cluster.pk):
        assert tell_more(book, Told(mapping=ColumnMapping.objects.get(name="shop")), NOW)
    work(cluster, book.pk)
    assert (again(book).state, again(book).accepted) == ("previewed", 192)


def test_a_file_that_was_partly_refused_comes_again(cluster: Cluster) -> None:
    content = sample("own_readings.csv").replace(OTHER.encode(), b"590322400000000058")
    first = page(cluster, "own.csv", content, asks=False)
    work(cluster, first.pk)
    assert (again(first).state, again(first).accepted, again(first).refused) == ("stored", 96, 96)
    # A correction that came meanwhile still holds after the file came again.
    corrected = sample("own_readings.csv").splitlines()
    header, row = corrected[0], corrected[1].split(b",")
    later = receive(
        cluster, "c.csv", [header + b"\n" + b",".join([*row[:2], b"7777", *row[3:]])],
        Sender(Delivery.Via.PAGE, asks=False), Told(), NOW + dt.timedelta(hours=1),
    )  # fmt: skip
    work(cluster, later.pk)
    second = receive(
        cluster, "own.csv", [content], Sender(Delivery.Via.PAGE, asks=False), Told(), NOW + dt.timedelta(hours=2)
    )
    assert second.same_as == first
    work(cluster, second.pk)
    assert (again(second).unchanged, again(second).superseded, again(second).replaced) == (96, 0, 0)


def test_the_same_file_by_two_at_once_is_taken_once(cluster: Cluster) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def deliver() -> None:
        ready.wait()
        try:
            page(cluster, "own.csv", sample("own_readings.csv"))
            outcomes.append("taken")
        except AlreadyReceived:
            outcomes.append("already")
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already", "taken"]


def test_two_files_at_once_and_two_workers_a_file_store_each_reading_once(cluster: Cluster) -> None:
    deliveries = [
        page(cluster, "a.csv", lines(3000), asks=False), page(cluster, "b.csv", lines(3100), asks=False)
    ]  # fmt: skip
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(cluster, number)
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(each.pk,)) for each in deliveries * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [again(each).state for each in deliveries] == ["stored", "stored"]
    rows = stored(cluster)
    assert len(rows) == len({row[:2] for row in rows}) == 3100


def test_a_worker_taken_for_dead_stops(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = page(cluster, "a.csv", lines(96), asks=False)
    held = delivery_work._begin(cluster, delivery.pk, NOW)
    assert held is not None
    assert delivery_work._begin(cluster, delivery.pk, NOW) is None
    with scope(cluster.pk):
        Delivery.objects.update(worked_at=timezone.now() - dt.timedelta(minutes=3))
    work(cluster, delivery.pk)
    with pytest.raises(delivery_work.TakenOver):
        delivery_work._read(delivery_work._Work(cluster, held), NOW)
    assert (again(delivery).state, len(stored(cluster))) == ("stored", 96)


def test_a_file_that_kills_its_workers_is_given_up(cluster: Cluster) -> None:
    delivery = page(cluster, "a.csv", lines(96), asks=False)
    for _ in range(7):
        with scope(cluster.pk):
            Delivery.objects.filter(state="received").update(tries=5, worked_at=None)
        work(cluster, delivery.pk)
    assert again(delivery).state == "refused" and "several attempts" in again(delivery).reason


def test_the_beat_goes_on_with_what_was_left(cluster: Cluster, queued: list[int]) -> None:
    left, fresh = (page(cluster, f"{count}.csv", lines(count)) for count in (96, 97))
    with scope(cluster.pk):
        Delivery.objects.filter(pk=left.pk).update(received_at=timezone.now() - dt.timedelta(minutes=3))
        Delivery.objects.filter(pk=fresh.pk).update(received_at=timezone.now())
    look_after_deliveries(cluster.pk)
    look_after_deliveries(cluster.pk)
    assert queued == [left.pk]


def test_old_files_lose_their_content_and_keep_their_counts(cluster: Cluster) -> None:
    old = page(cluster, "a.csv", lines(96), asks=False)
    work(cluster, old.pk)
    with scope(cluster.pk):
        Delivery.objects.update(received_at=timezone.now() - dt.timedelta(days=91))
    look_after_deliveries(cluster.pk)
    with scope(cluster.pk):
        assert not DeliveryChunk.objects.exists()
        assert not tell_more(old, Told(), NOW)
    assert again(old).accepted == 96
