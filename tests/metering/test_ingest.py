"""Deliveries of readings: each stored once, whatever the order, beside what is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command

from metering.domain.calendar import format_instant
from metering.domain.versions import issued_at, version_of
from metering.models import IntervalInput, Reading
from metering.services import Outcome, ingest
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.contracts.small_dataset import POINTS, STARTS, small_dataset, write

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 12, 1, tzinfo=UTC)
FIRST = version_of(NOW)


def line(
    wh: int | str = 500, code: str = POINTS[0], at: datetime = STARTS[2], quality: str = "measured", stamp: str = ""
) -> str:
    return f"{code},{format_instant(at)},{wh},0,{quality}{stamp and ',' + stamp}\n"


def deliver(cluster: Cluster, *lines: str, issued: datetime = NOW, **options: object) -> Outcome:
    settings = {"whole": False, "now": NOW + timedelta(days=1)} | options
    return ingest(cluster, ["".join(lines).encode()], issued_at=issued, **settings)  # type: ignore[arg-type]


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """The small cluster without any readings."""
    files = small_dataset()
    del files["readings-2026-10.csv"]
    call_command("load_cluster", str(write(files, tmp_path)), verbosity=0)
    return Cluster.objects.get(slug="small")


def versions(cluster: Cluster, code: str = POINTS[0], at: datetime = STARTS[2]) -> list[tuple[int, int, int]]:
    """Seconds after the first delivery (an estimate's own number), energy, quality."""
    with scope(cluster.pk):
        found = Reading.objects.filter(metering_point__code=code, interval_start=at).order_by("version")
        return [(r.version - FIRST if issued_at(r.version) else r.version, r.imported_wh, r.quality) for r in found]


def changes(cluster: Cluster) -> dict[object, int]:
    with scope(cluster.pk):
        return {row.interval_start: row.changes for row in IntervalInput.objects.all()}


def later(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_delivery_is_stored_once(cluster: Cluster) -> None:
    before = changes(cluster)
    rows = [line(), line(code=POINTS[1]), line(at=STARTS[3])]
    assert deliver(cluster, *rows, rows_wanted=True) == Outcome(accepted=3, status_of_rows="aaa")
    after = changes(cluster)
    assert {at for at in after if after[at] != before.get(at)} == {STARTS[2], STARTS[3]}
    for issued in (NOW, later(60), later(-60)):
        outcome = deliver(cluster, *rows, issued=issued, rows_wanted=True)
        assert outcome.unchanged + outcome.superseded == 3
    assert changes(cluster) == after
    assert versions(cluster) == [(-60, 500, 1), (0, 500, 1)]


def test_a_changed_value_is_a_new_version(cluster: Cluster) -> None:
    deliver(cluster, line())
    assert deliver(cluster, line(501, quality="substituted"), issued=later(5)) == Outcome(replaced=1)
    assert deliver(cluster, line(), issued=later(9)) == Outcome(replaced=1)
    assert versions(cluster) == [(0, 500, 1), (5, 501, 3), (9, 500, 1)]
