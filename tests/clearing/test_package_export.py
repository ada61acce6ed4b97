"""The package that is written from the database, and the commands around it."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from clearing.models import ClearingRun, Position, Trade
from clearing.package.lines import FILES, INTERVALS, MANIFEST, POSITIONS, RUNS, TRADES
from clearing.package.rows import PositionRow, TradeRow, parse_interval, parse_position, parse_run, parse_trade
from contracts.domain.money import from_micro, from_nano
from metering.domain.calendar import format_instant, parse_instant
from metering.models import MeteringPoint
from participants.models import Cluster
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.cast import make_cast
from tests.clearing.package_cases import FIRST, QUARTER, write_package

pytestmark = pytest.mark.django_db

RANGE = ("--from", format_instant(FIRST), "--to", format_instant(FIRST + 6 * QUARTER))


def body(folder: Path, name: str) -> list[str]:
    return (folder / name).read_text().splitlines()[1:]


def store(cluster: Cluster, folder: Path) -> None:
    """Put a package's content into the database, with positions and trades of replaced runs beside."""
    intervals = {row.start: row for row in map(parse_interval, body(folder, INTERVALS))}
    positions, trades = body(folder, POSITIONS), body(folder, TRADES)
    codes = {parse_position(line).point for line in positions}
    for table in ("clearing_position", "clearing_trade"):
        ensure_month_partitions(table, FIRST, FIRST + timedelta(days=31))
    # Neither the order of their ids nor that of the rows is the order of the codes.
    points = {c: MeteringPoint.objects.create(cluster=cluster, code=c) for c in sorted(codes, reverse=True)}
    before: dict[str, ClearingRun] = {}
    for line in map(parse_run, body(folder, RUNS)):
        row = intervals.get(line.start, intervals[format_instant(FIRST)])
        run = ClearingRun.objects.create(
            cluster=cluster,
            number=line.run,
            interval_start=parse_instant(line.start),
            revision=line.revision,
            replaces=before.get(line.start),
            state=row.state,
            surplus_wh=row.surplus_wh,
            shortage_wh=row.shortage_wh,
            matched_wh=row.matched_wh,
            external_import_wh=row.external_import_wh,
            external_export_wh=row.external_export_wh,
            local_price_pln_kwh=None if row.local_price_micro is None else from_micro(row.local_price_micro),
            buy_pln_kwh=from_micro(row.buy_micro),
            sell_pln_kwh=from_micro(row.sell_micro),
            inverted=row.inverted,
            operating_cost_pln=from_nano(row.operating_cost_nano),
            status="final",
            content_digest=line.content_digest,
            digest=line.digest,
            previous_digest=line.previous_digest,
            solver="HiGHS 1.15.1",
            cleared_at=FIRST,
        )
        before[line.start] = run
        Position.objects.bulk_create(
            stored_position(run, points, parse_position(text))
            for text in reversed(positions)
            if text[:20] == line.start
        )
        Trade.objects.bulk_create(
            stored_trade(run, points, parse_trade(text)) for text in reversed(trades) if text[:20] == line.start
        )


def stored_position(run: ClearingRun, points: dict[str, MeteringPoint], row: PositionRow) -> Position:
    fee = row.external_grid_fee_micro
    return Position(
        cluster=run.cluster,
        run=run,
        interval_start=run.interval_start,
        metering_point=points[row.point],
        net_wh=row.net_wh,
        local_bought_wh=row.local_bought_wh,
        local_sold_wh=row.local_sold_wh,
        external_bought_wh=row.external_bought_wh,
        external_sold_wh=row.external_sold_wh,
        external_grid_fee_pln_kwh=None if fee is None else from_micro(fee),
        equalisation_pln=from_nano(row.equalisation_nano),
    )


def stored_trade(run: ClearingRun, points: dict[str, MeteringPoint], row: TradeRow) -> Trade:
    return Trade(
        cluster=run.cluster,
        run=run,
        interval_start=run.interval_start,
        seller=points[row.seller],
        buyer=points[row.buyer],
        sharing_level=row.sharing_level,
        wh=row.wh,
        energy_pln_kwh=from_micro(row.energy_micro),
        grid_fee_pln_kwh=from_micro(row.grid_fee_micro),
    )


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    other = make_cast("other").cluster
    cluster = Cluster.objects.create(
        slug="example", name="Example", timezone="Europe/Warsaw", holidays="PL", currency="PLN", dso=other.dso
    )
    write_package(tmp_path / "made", 3)
    with scope(cluster.pk):
        store(cluster, tmp_path / "made")
    return cluster


def run(*arguments: object) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


def test_what_was_settled_is_exported_line_by_line_and_holds(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "package"
    assert "6 of the range's 6 intervals" in run("export_results", "example", *RANGE, "--out", out)
    for name in FILES:
        assert (out / name).read_text() == (tmp_path / "made" / name).read_text(), name
    assert '"HiGHS 1.15.1"' in (out / MANIFEST).read_text()
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, MANIFEST])
    assert [path.name for path in out.parent.iterdir()] == ["package"]
    assert "holds: 6 intervals" in run("verify_package", out)


def test_a_part_of_the_range_has_the_runs_from_its_first_to_its_last(cluster: Cluster, tmp_path: Path) -> None:
    bounds = ("--from", "2026-06-01T10:15Z", "--to", "2026-06-01T10:45Z")
    run("export_results", "example", *bounds, "--out", tmp_path / "part")
    assert [line.split(",")[0] for line in body(tmp_path / "part", RUNS)] == ["2", "3", "4", "5"]
    assert len(body(tmp_path / "part", INTERVALS)) == 2
    run("verify_package", tmp_path / "part")


def test_local_days_are_midnights_of_the_cluster(cluster: Cluster, tmp_path: Path) -> None:
    run("export_results", "example", "--from", "2026-06-01", "--to", "2026-06-02", "--out", tmp_path / "day")
    manifest = (tmp_path / "day" / MANIFEST).read_text()
    assert '"from": "2026-05-31T22:00:00Z"' in manifest
    assert '"to": "2026-06-01T22:00:00Z"' in manifest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nobody", *RANGE), "There is no cluster 'nobody'. Known clusters: example, other."),
        (("example", "--from", "2026-06-01T10:05Z", "--to", "2026-06-02"), "does not start a quarter-hour"),
        (("example", "--from", "1 June", "--to", "2026-06-02"), "neither a UTC time"),
        (("example", "--from", "2026-06-31", "--to", "2026-07-02"), "neither a UTC time"),
        (("example", "--from", "2026-06-02", "--to", "2026-06-02"), "is not later than"),
        (("example", "--from", "2026-05-02", "--to", "2026-05-03"), "Nothing is settled in example"),
    ],
)
def test_what_cannot_be_exported_is_said_and_nothing_written(
    cluster: Cluster, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run("export_results", *arguments, "--out", tmp_path / "package")
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_with_something_in_it_is_left_alone(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    run("export_results", "example", *RANGE, "--out", tmp_path / "package")
    before = (tmp_path / "package" / MANIFEST).stat().st_mtime_ns
    with pytest.raises(CommandError, match="exists already and is not an empty folder"):
        run("export_results", "example", *RANGE, "--out", tmp_path / "package")
    assert (tmp_path / "package" / MANIFEST).stat().st_mtime_ns == before


def test_verification_of_a_changed_package_fails_and_tells_where(cluster: Cluster, tmp_path: Path) -> None:
    out = tmp_path / "package"
    run("export_results", "example", *RANGE, "--out", out)
    (out / TRADES).write_text((out / TRADES).read_text().replace(",station,", ",cluster,", 1))
    told = StringIO()
    with pytest.raises(CommandError, match="does not hold: 2 findings"):
        call_command("verify_package", str(out), stdout=told)
    assert body(out, TRADES)[0][:20] in told.getvalue()


def test_verification_of_nothing_fails(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="does not hold"):
        run("verify_package", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match="can't be used"):
        package = tmp_path / "package"
        write_package(package, 1)
        run("verify_package", package, "--dataset", tmp_path / "empty")
