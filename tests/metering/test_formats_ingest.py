"""The samples all the way into the database; versions of the distributor's file; faults by the file's own lines."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import call_command

from metering.formats.assemble import Batch, assemble
from metering.formats.columns import Columns
from metering.formats.registry import detect
from metering.models import Reading
from metering.selectors.generation import generation_spans
from metering.services.ingest import Outcome, ingest
from participants.models import Cluster
from participants.tenancy.scope import scope
from tests.contracts.small_dataset import POINTS, small_dataset, write
from tests.metering.meter_files import CONTEXT, POINT, read_file, sample

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
COLUMNS = Columns(
    point="PPE", time="Czas (do)", imported="Pobór [kWh]", exported="Oddanie [kWh]", label="end", header_line=2
)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """The small cluster, with the points of the samples; that of P0002 has generation."""
    files = small_dataset()
    del files["readings-2026-10.csv"]
    points = files["metering_points.csv"]
    for ours, theirs in zip((1, 0, 2), (POINT, "590322400000000027", "590322400000000034"), strict=True):
        points = points.replace(POINTS[ours], theirs)
    # Its sample of October holds import only.
    files["metering_points.csv"] = points.replace("11.4", "0.0")
    call_command("load_cluster", str(write(files, tmp_path)), verbosity=0)
    return Cluster.objects.get(slug="small")


def deliver(cluster: Cluster, data: bytes) -> tuple[Outcome, Batch]:
    chosen = detect(data)
    context = CONTEXT if chosen.name != "xlsx" else CONTEXT.__class__(CONTEXT.tz, columns=COLUMNS)
    with scope(cluster.pk):
        generation = generation_spans(cluster)
    (batch,) = [
        item for item in assemble(chosen.read(io.BytesIO(data), context), generation) if isinstance(item, Batch)
    ]
    issued = chosen.issued_at(data, CONTEXT.tz) if chosen.issued_at else None
    outcome = ingest(cluster, [batch.rows], issued_at=issued or NOW, stamped=issued is not None, whole=False, now=NOW)
    return outcome, batch


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("canonical_15min_2026-10-25.csv", 100),
        ("tauron_elicznik_hourly.csv", 96),
        ("tauron_elicznik_hourly_zones.csv", 96),
        ("enea_ebok_hourly.csv", 96),
        ("energa_mchart_day.json", 96),
        ("osd_cooperative_daily.csv", 288),
        ("own_readings.csv", 192),
        ("columns.xlsx", 192),
    ],
)
def test_a_sample_is_stored_once(cluster: Cluster, name: str, count: int) -> None:
    outcome, _ = deliver(cluster, sample(name))
    assert (outcome.accepted, outcome.refused_count) == (count, 0)
    with scope(cluster.pk):
        rows = Reading.objects.values_list(
            "metering_point__code", "interval_start", "imported_wh", "exported_wh", "quality"
        )
        stored = {(code, start): (drawn, fed_in, Reading.Quality(q).label) for code, start, drawn, fed_in, q in rows}
    context = CONTEXT if name != "columns.xlsx" else CONTEXT.__class__(CONTEXT.tz, columns=COLUMNS)
    assert stored == read_file(sample(name), context)[0]
    again, _ = deliver(cluster, sample(name))
    assert (again.accepted, again.replaced, again.unchanged) == (0, 0, count)


@pytest.mark.parametrize("order", [(1, 2, 10), (10, 2, 1), (2, 10, 1), (10, 1, 2)])
def test_the_highest_version_holds_in_whatever_order(cluster: Cluster, order: tuple[int, ...]) -> None:
    start = datetime(2026, 6, 14, 22, tzinfo=UTC)
    for version in order:
        data = sample("osd_cooperative_daily.csv").replace(b"VV;1;", b"VV;%d;" % version)
        deliver(cluster, data.replace(b"CP;kWh;.300,+", b"CP;kWh;1.%03d,+" % (4 * version), 1))
    with scope(cluster.pk):
        versions = Reading.objects.filter(metering_point__code=POINT, interval_start=start).order_by("-version")
        assert [reading.imported_wh for reading in versions] == [260, 252, 251]


def test_what_ingest_refuses_is_traced_to_the_line(cluster: Cluster) -> None:
    data = sample("own_readings.csv").replace(b"590322400000000027", b"590322400000000099")
    outcome, batch = deliver(cluster, data)
    assert (outcome.accepted, outcome.refused_count) == (96, 96)
    first = outcome.refused[0]
    assert first.column == "metering_point" and batch.line_of(first.line - 1) == 98
