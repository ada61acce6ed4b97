"""Deliveries of readings: stored once, replaced by new versions, refused as a whole."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command

from metering.domain.readings import ReadingRow, ReadingsRefused, Stored
from metering.models import IntervalInput, Reading
from metering.services import store_readings, touch_span
from participants.models import Cluster
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.contracts.small_dataset import POINTS, STARTS, WARSAW, small_dataset, write

pytestmark = pytest.mark.django_db(transaction=True)
ROW = ReadingRow(POINTS[0], STARTS[2], 500, 0, "measured")


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """The small cluster without any readings."""
    files = small_dataset()
    del files["readings-2026-10.csv"]
    call_command("load_cluster", str(write(files, tmp_path)), verbosity=0)
    ensure_month_partitions("metering_reading", STARTS[0], STARTS[-1])
    return Cluster.objects.get(slug="small")


def versions(cluster: Cluster, row: ReadingRow = ROW) -> list[tuple[int, int, int]]:
    with scope(cluster.pk):
        found = Reading.objects.filter(metering_point__code=row.code, interval_start=row.interval_start)
        return [(r.version, r.imported_wh, r.quality) for r in found.order_by("version")]


def changes(cluster: Cluster) -> dict[object, int]:
    with scope(cluster.pk):
        return {row.interval_start: row.changes for row in IntervalInput.objects.all()}


def test_a_delivery_is_stored_once(cluster: Cluster) -> None:
    before = changes(cluster)
    rows = [ROW, replace(ROW, code=POINTS[1]), replace(ROW, interval_start=STARTS[3])]
    assert store_readings(cluster, rows) == Stored(3, 0, 0)
    after = changes(cluster)
    assert {at for at in after if after[at] != before[at]} == {STARTS[2], STARTS[3]}
    assert store_readings(cluster, rows) == Stored(0, 0, 3)
    assert changes(cluster) == after
    assert versions(cluster) == [(1, 500, 1)]


def test_a_changed_value_is_a_new_version(cluster: Cluster) -> None:
    store_readings(cluster, [ROW])
    assert store_readings(cluster, [replace(ROW, imported_wh=501, quality="substituted")]) == Stored(0, 1, 0)
    assert store_readings(cluster, [ROW]) == Stored(0, 1, 0)
    assert versions(cluster) == [(1, 500, 1), (2, 501, 3), (3, 500, 1)]


def test_instants_of_other_offsets_are_the_same_instants(cluster: Cluster) -> None:
    store_readings(cluster, [ROW])
    local = replace(ROW, interval_start=ROW.interval_start.astimezone(WARSAW))
    assert store_readings(cluster, [local]) == Stored(0, 0, 1)
    with pytest.raises(ReadingsRefused, match="a second reading"):
        store_readings(cluster, [ROW, local])


@pytest.mark.parametrize(
    ("spoil", "column", "text"),
    [
        (lambda row: replace(row, code="590000000000000099"), "metering_point", "is unknown in this cluster"),
        (lambda row: replace(row, interval_start=STARTS[2] + timedelta(minutes=1)), "interval_start", "quarter-hour"),
        (lambda row: replace(row, interval_start=STARTS[2].replace(tzinfo=None)), "interval_start", "quarter-hour"),
        (lambda row: replace(row, interval_start=STARTS[2].replace(year=2025)), "interval_start", "not in the cluster"),
        (lambda row: replace(row, imported_wh=-1), "imported_wh", "-1 is not a whole number"),
        (lambda row: replace(row, exported_wh=2**31), "exported_wh", "is not a whole number"),
        (lambda row: replace(row, quality="guessed"), "quality", "'guessed' is not one of measured"),
        (lambda row: ROW, "interval_start", "a second reading"),
    ],
)
def test_one_bad_reading_refuses_the_delivery(
    cluster: Cluster, spoil: Callable[[ReadingRow], ReadingRow], column: str, text: str
) -> None:
    before = changes(cluster)
    with pytest.raises(ReadingsRefused) as error:
        store_readings(cluster, [ROW, spoil(replace(ROW, interval_start=STARTS[4]))])
    [fault] = error.value.faults
    assert (fault.line, fault.column) == (1, column)
    assert text in fault.text
    assert versions(cluster) == []
    assert changes(cluster) == before


def test_another_clusters_meter_is_unknown(cluster: Cluster, tmp_path: Path) -> None:
    files = small_dataset("other")
    del files["readings-2026-10.csv"]
    files["metering_points.csv"] = files["metering_points.csv"].replace(POINTS[3], "590000000000000051")
    call_command("load_cluster", str(write(files, tmp_path / "other")), verbosity=0)
    with pytest.raises(ReadingsRefused, match="is unknown in this cluster"):
        store_readings(Cluster.objects.get(slug="other"), [replace(ROW, code=POINTS[3])])


def test_a_span_touches_what_was_delivered_in_it(cluster: Cluster) -> None:
    before = changes(cluster)
    with scope(cluster.pk):
        assert touch_span(cluster.pk, STARTS[90], None) == 6
        assert touch_span(cluster.pk, STARTS[0], STARTS[2]) == 2
    after = changes(cluster)
    assert {at for at in after if after[at] != before[at]} == {*STARTS[90:], *STARTS[:2]}


def test_nothing_is_nothing(cluster: Cluster) -> None:
    assert store_readings(cluster, []) == Stored(0, 0, 0)
