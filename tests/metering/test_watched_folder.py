"""Files that others put into a folder."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from metering.models import ColumnMapping, Delivery, Reading
from metering.services.delivery_work import work_on
from metering.tasks import look_after_deliveries, work_on_delivery
from participants.tenancy.scope import scope
from tests.cast import Cast, make_cast

pytestmark = pytest.mark.django_db(transaction=True)
HEADER = "metering_point,interval_start,imported_wh,exported_wh,quality\n"


@pytest.fixture
def cast() -> Cast:
    return make_cast("alfa")


@pytest.fixture
def inbox(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cluster; the worker works at once."""
    settings.WATCHED_FOLDER = str(tmp_path)

    def work(cluster_id: int, number: int) -> None:
        with scope(cluster_id):
            cluster = Delivery.objects.select_related("cluster").get(pk=number).cluster
        work_on(cluster, number, timezone.now())

    monkeypatch.setattr(work_on_delivery, "delay", work)
    (tmp_path / "alfa").mkdir()
    return tmp_path / "alfa"


def put(path: Path, text: str | bytes, minutes: float = 2) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    then = (timezone.now() - dt.timedelta(minutes=minutes)).timestamp()
    os.utime(path, (then, then))


def line(cast: Cast, hour: int, quality: str = "measured") -> str:
    return f"{cast.buyer_point.code},2026-06-20T{hour:02}:00:00Z,100,0,{quality}\n"


def look(cast: Cast) -> None:
    look_after_deliveries(cast.cluster.pk)


def readings(cast: Cast) -> int:
    with scope(cast.cluster.pk):
        return Reading.objects.filter(interval_start__gte="2026-06-20T00:00Z").count()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_good_file_is_stored_and_moved(cast: Cast, inbox: Path) -> None:
    put(inbox / "a.csv", HEADER + line(cast, 1) + line(cast, 2))
    look(cast)
    look(cast)
    assert readings(cast) == 2 and names(inbox / "done") == ["a.csv"] and names(inbox) == ["a.csv"]
    # Once more: recognised, and said.
    put(inbox / "a.csv", HEADER + line(cast, 1) + line(cast, 2))
    look(cast)
    assert names(inbox / "done") == ["2_a.csv", "2_a.csv.txt", "a.csv"]
    assert "the same file was received" in (inbox / "done" / "2_a.csv.txt").read_text()


def test_what_was_wrong_stands_beside_it(cast: Cast, inbox: Path) -> None:
    put(inbox / "a.csv", HEADER + line(cast, 1) + line(cast, 2, "guessed"))
    put(inbox / "b.csv", "hello\n")
    put(inbox / "c.csv", HEADER + line(cast, 3, "guessed"))
    look(cast)
    look(cast)
    assert readings(cast) == 1
    assert "line 3, quality: 'guessed' is not one of" in (inbox / "done" / "a.csv.txt").read_text()
    assert names(inbox / "refused") == ["b.csv", "b.csv.txt", "c.csv", "c.csv.txt"]
    assert "no known format begins with 'hello'" in (inbox / "refused" / "b.csv.txt").read_text()
    assert "nothing in the file can be stored" in (inbox / "refused" / "c.csv.txt").read_text()


def test_what_is_still_written_or_no_file_is_left_alone(cast: Cast, inbox: Path) -> None:
    put(inbox / "now.csv", HEADER + line(cast, 1), minutes=0)
    put(inbox / "a.csv.part", HEADER + line(cast, 1))
    put(inbox / ".hidden.csv", HEADER + line(cast, 1))
    put(inbox.parent / "outside.csv", HEADER + line(cast, 1))
    (inbox / "link.csv").symlink_to(inbox.parent / "outside.csv")
    look(cast)
    assert readings(cast) == 0
    assert sorted(path.name for path in inbox.iterdir() if not path.is_dir()) == [
        ".hidden.csv", "a.csv.part", "link.csv", "now.csv",
    ]  # fmt: skip


def test_a_folder_is_its_cluster_s_alone(cast: Cast, inbox: Path) -> None:
    other = make_cast("bravo")
    put(inbox / "a.csv", HEADER + line(cast, 1))
    look(other)
    assert (readings(other), readings(cast)) == (0, 0) and names(inbox) == ["a.csv"]


def test_a_spreadsheet_is_read_by_the_mapping_in_its_name(cast: Cast, inbox: Path) -> None:
    with scope(cast.cluster.pk):
        ColumnMapping.objects.create(
            cluster=cast.cluster, name="shop", columns={"time": "Czas (do)", "imported": "Pobór [kWh]", "point": "PPE"}
        )
    put(inbox / "shop_june.xlsx", (Path(__file__).parent / "samples" / "columns.xlsx").read_bytes())
    put(inbox / "june.xlsx", (Path(__file__).parent / "samples" / "own_readings.csv").read_bytes())
    look(cast)
    with scope(cast.cluster.pk):
        mapped = Delivery.objects.get(name="shop_june.xlsx").mapping
        assert mapped is not None and mapped.name == "shop"
