"""Settling from the database: what is stored, what is left alone, and what waits."""

import datetime as dt
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from clearing.models import ClearingRun, IntervalState
from clearing.package.lines import NO_DIGEST, chain_digest
from clearing.services import Report, clear_due, day
from contracts.models import ClusterSettings, Contract
from metering.models import Reading
from participants.tenancy.scope import scope
from tests.clearing.world import FAR, NEIGHBOUR, NET, NOW, SELLER, STANDARD, START, World, make_world, quarters

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def test_settles_what_is_due_in_one_chain(world: World) -> None:
    assert clear_due(world.cluster, NOW) == Report(stored=8)
    runs = world.runs()
    assert [run.interval_start for run in runs] == quarters(8)
    assert [run.number for run in runs] == list(range(1, 9))
    previous = NO_DIGEST
    for run in runs:
        assert (run.revision, run.replaces_id, run.previous_digest) == (1, None, previous)
        assert run.digest == chain_digest(previous, run.content_digest)
        previous = run.digest
    first = runs[0]
    assert (first.state, first.surplus_wh, first.shortage_wh, first.matched_wh) == ("shortage", 500, 700, 500)
    assert (first.external_import_wh, first.external_export_wh) == (200, 0)
    assert first.local_price_pln_kwh == Decimal("0.391980") and first.status == "final"
    assert first.operating_cost_pln == Decimal("0.265604000")
    assert world.local(first) == {SELLER: 500, NEIGHBOUR: -300, FAR: -200}
    assert world.trades(first) == [(SELLER, NEIGHBOUR, "station", 300), (SELLER, FAR, "cluster", 200)]
    assert world.state(START).run == first and world.state(START).waits_for == ""


def test_a_rerun_stores_nothing(world: World) -> None:
    clear_due(world.cluster, NOW)
    before = world.runs()
    assert clear_due(world.cluster, NOW) == Report()
    assert clear_due(world.cluster, NOW, again=True) == Report(unchanged=8)
    world.touch(START)
    assert clear_due(world.cluster, NOW) == Report(unchanged=1)
    assert world.state(START).inputs_seen == world.changes(START)
    assert [run.pk for run in world.runs()] == [run.pk for run in before]


def test_a_changed_reading_is_a_new_run_that_names_the_old_one(world: World) -> None:
    clear_due(world.cluster, NOW)
    last = world.runs()[-1]
    world.read(START, {FAR: -100}, version=2)
    assert clear_due(world.cluster, NOW) == Report(stored=1)
    old, new = world.runs(START)
    assert (new.number, new.revision, new.replaces, new.previous_digest) == (9, 2, old, last.digest)
    assert (old.shortage_wh, new.shortage_wh) == (700, 400)
    assert world.local(old)[FAR] == -200 and world.local(new)[FAR] == -100
    assert world.state(START).run == new
    world.read(START, {FAR: -400}, version=3)
    clear_due(world.cluster, NOW)
    third = world.runs(START)[-1]
    assert (third.revision, third.replaces) == (3, new)
    assert third.content_digest == old.content_digest and third.digest != old.digest


def test_only_the_range_asked_for_and_only_finished_intervals(world: World) -> None:
    inside = quarters(8)[2:4]
    assert clear_due(world.cluster, NOW, inside[0], inside[-1] + dt.timedelta(minutes=15)).stored == 2
    assert [run.interval_start for run in world.runs()] == inside
    almost = quarters(8)[5] + dt.timedelta(minutes=14, seconds=59)
    assert clear_due(world.cluster, almost).stored == 3
    assert {run.interval_start for run in world.runs()} == set(quarters(5))


def test_waits_for_readings_of_those_who_trade(world: World) -> None:
    start = START + dt.timedelta(days=1)
    world.price([start])
    world.read(start, {code: NET[code] for code in (SELLER, FAR)})
    assert clear_due(world.cluster, NOW, start) == Report(waiting=1)
    assert (world.state(start).waits_for, world.state(start).run) == (IntervalState.WaitsFor.READINGS, None)
    assert clear_due(world.cluster, NOW, start) == Report()
    world.read(start, {NEIGHBOUR: -300})
    assert clear_due(world.cluster, NOW, start) == Report(stored=1)
    assert world.state(start).waits_for == "" and world.runs(start)[0].shortage_wh == 700


def test_waits_for_prices(world: World) -> None:
    start = START + dt.timedelta(days=1)
    world.read(start, NET)
    assert clear_due(world.cluster, NOW, start) == Report(waiting=1)
    assert world.state(start).waits_for == IntervalState.WaitsFor.PRICES
    world.price([start], sell="0.50000")
    assert clear_due(world.cluster, NOW, start) == Report(stored=1)
    assert world.runs(start)[0].inverted


def test_a_settled_interval_keeps_its_run_while_it_waits_again(world: World) -> None:
    start = START + dt.timedelta(days=1)
    world.price([start])
    world.read(start, {code: NET[code] for code in (SELLER, FAR, NEIGHBOUR)})
    clear_due(world.cluster, NOW)
    with scope(world.cluster.pk):
        Contract.objects.filter(scheme="standard").update(scheme="p2p")
    world.touch(start)
    assert clear_due(world.cluster, NOW) == Report(waiting=1)
    assert world.state(start).run == world.runs(start)[0]
    assert world.state(start).waits_for == IntervalState.WaitsFor.READINGS
    world.read(start, {STANDARD: -50})
    assert clear_due(world.cluster, NOW) == Report(stored=1)
    assert set(world.local(world.runs(start)[-1])) == set(NET)


def test_provisional_only_while_a_reading_was_invented(world: World) -> None:
    world.read(START, {FAR: -400}, version=2, quality=Reading.Quality.ESTIMATED)
    world.read(quarters(2)[1], {FAR: -400}, version=2, quality=Reading.Quality.SUBSTITUTED)
    world.read(quarters(3)[2], {STANDARD: -5}, version=2, quality=Reading.Quality.ESTIMATED)
    clear_due(world.cluster, NOW)
    assert [run.status for run in world.runs()] == ["provisional"] + ["final"] * 7
    world.read(START, {FAR: -400}, version=3)
    assert clear_due(world.cluster, NOW) == Report(stored=1)
    invented, measured = world.runs(START)
    assert (measured.status, measured.replaces) == ("final", invented)
    assert measured.content_digest == invented.content_digest


def test_contracts_change_at_local_midnight(world: World) -> None:
    with scope(world.cluster.pk):
        contract = Contract.objects.get(participant__name=FAR)
        contract.valid_to = dt.date(2026, 6, 11)
        contract.save()
    clear_due(world.cluster, NOW)
    assert [len(world.local(run)) for run in world.runs()] == [3] * 4 + [2] * 4
    assert [run.shortage_wh for run in world.runs()] == [700] * 4 + [300] * 4


def test_settings_change_at_local_midnight(world: World) -> None:
    with scope(world.cluster.pk):
        later = ClusterSettings.objects.get()
        later.pk, later.valid_from, later.allocation = None, dt.date(2026, 6, 11), "pro_rata"
        later.save()
    clear_due(world.cluster, NOW)
    by_day = [world.local(run)[NEIGHBOUR] for run in world.runs()]
    assert by_day == [-300] * 4 + [-214] * 4


def test_the_day_of_100_quarter_hours() -> None:
    start = dt.datetime(2026, 10, 24, 22, 0, tzinfo=dt.UTC)
    world = make_world(intervals=100, start=start)
    days: list[tuple[int, int]] = []
    report = clear_due(world.cluster, NOW, progress=lambda done, total: days.append((done, total)))
    assert report == Report(stored=100) and days == [(100, 100)]


def test_a_day_that_cannot_be_settled_is_reported_and_the_others_go_on(world: World) -> None:
    with scope(world.cluster.pk):
        ClusterSettings.objects.update(valid_from=dt.date(2026, 6, 11))
    report = clear_due(world.cluster, NOW)
    assert report.stored == 4
    assert report.failed == {dt.date(2026, 6, 10): "no settings are in force on 2026-06-10"}
    with pytest.raises(CommandError, match="2026-06-10 can't be settled: no settings"):
        call_command("clear", "alfa", "--from", "2026-06-10", "--to", "2026-06-12", stdout=StringIO())


def test_a_discount_that_grows_with_distance_is_refused(world: World) -> None:
    with scope(world.cluster.pk):
        ClusterSettings.objects.update(sharing_discount={"cluster": "0.30", "station": "0.25"})
    report = clear_due(world.cluster, NOW)
    assert report.stored == 0 and all("less than" in reason for reason in report.failed.values())
    assert not world.runs()


def test_what_breaks_off_leaves_nothing_of_the_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_cut(*_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(day, "store_states", power_cut)
        with pytest.raises(OSError, match="power cut"):
            clear_due(world.cluster, NOW)
    assert not world.runs()
    assert clear_due(world.cluster, NOW).stored == 8


def test_where_nobody_trades_intervals_are_settled_all_the_same(world: World) -> None:
    with scope(world.cluster.pk):
        Contract.objects.update(scheme="standard")
    assert clear_due(world.cluster, NOW) == Report(stored=8)
    run = world.runs()[0]
    assert (run.state, run.matched_wh, run.local_price_pln_kwh, run.operating_cost_pln) == ("balanced", 0, None, 0)
    assert world.local(run) == {} and world.trades(run) == []


def test_clusters_have_chains_of_their_own(world: World) -> None:
    other = make_world("bravo", intervals=2)
    clear_due(world.cluster, NOW)
    assert not other.runs()
    clear_due(other.cluster, NOW)
    assert [run.number for run in other.runs()] == [1, 2] and other.runs()[0].previous_digest == NO_DIGEST
    assert len(world.runs()) == 8


def test_both_solvers_settle_the_same(world: World, settings: object) -> None:
    clear_due(world.cluster, NOW)
    settings.CLEARING_SOLVER = "CBC"
    assert clear_due(world.cluster, NOW, again=True) == Report(unchanged=8)
    assert world.runs()[0].solver.startswith("HiGHS 1")


def test_command_and_the_package_that_comes_of_it(world: World, tmp_path: Path) -> None:
    span = ("--from", "2026-06-10", "--to", "2026-06-12")
    out = StringIO()
    call_command("clear", "alfa", *span, stdout=out)
    assert out.getvalue() == "8 intervals settled, 0 unchanged, 0 waiting for readings or prices\n"
    world.read(START, {FAR: -100}, version=2)
    call_command("clear", "alfa", *span, "--again", stdout=out)
    assert out.getvalue().splitlines()[-1].startswith("1 intervals settled, 7 unchanged")
    call_command("export_results", "alfa", *span, "--out", str(tmp_path / "package"), stdout=StringIO())
    call_command("verify_package", str(tmp_path / "package"), stdout=StringIO())
    with scope(world.cluster.pk):
        assert ClearingRun.objects.count() == 9
