"""Old readings become daily sums: only settled months, month by month, and what is shown stays the same."""

import csv
import datetime as dt
import io
import zipfile
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.utils import timezone

from clearing import tasks
from clearing.services import clear_due
from clearing.services import retention as old_readings
from clearing.services.retention import aggregate_old, kept_month, old_months
from cluster_platform import celery, views
from cluster_platform.portal.missing import missing_by_day
from cluster_platform.portal.periods import month_span
from contracts.models import Contract
from metering.domain.calendar import each_day, interval_starts, local_midnight, next_month, time_zone
from metering.domain.versions import FIRST_DELIVERED
from metering.models import AggregatedMonth, IntervalInput, PointAssignment, Reading, ReadingDay
from metering.services import ingest
from metering.services.inputs import touch_intervals
from metering.services.life import LifeRefused, plan_move_out
from metering.services.retention import aggregate_month
from participants.models import Membership
from participants.tenancy.partitions import drop_empty_months, ensure_month_partitions, ensure_months_ahead
from participants.tenancy.scope import scope
from tests.cast import make_user
from tests.clearing.world import FAR, NEIGHBOUR, NET, SELLER, STANDARD, World, make_bare_world
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
WARSAW = time_zone("Europe/Warsaw")
OCTOBER = dt.date(2022, 10, 1)
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
SUNDAY = dt.date(2022, 10, 30)
"""Has 100 quarter-hours."""


@pytest.fixture
def world() -> World:
    """The last two days of an October, settled; one value was estimated first and one corrected twice."""
    world = make_bare_world("alfa")
    with scope(world.cluster.pk):
        PointAssignment.objects.update(valid_from=SUNDAY)
        starts = interval_starts(local_midnight(SUNDAY, WARSAW), local_midnight(next_month(SUNDAY), WARSAW))
        ensure_month_partitions("metering_reading", starts[0], starts[-1])
        Reading.objects.bulk_create(reading(world, code, start, net) for start in starts for code, net in NET.items())
        Reading.objects.bulk_create(
            [
                reading(world, NEIGHBOUR, starts[3], -900, version=5),
                reading(world, NEIGHBOUR, starts[3], -100, version=7, quality=3),
                reading(world, STANDARD, starts[99], -80, version=9, quality=2),
            ]
        )
        touch_intervals(world.cluster.pk, starts)
    world.price(starts)
    clear_due(world.cluster, NOW)
    return world


def reading(world: World, code: str, start: dt.datetime, net: int, version: int = 1, quality: int = 1) -> Reading:
    return Reading(
        cluster=world.cluster, metering_point=world.points[code], interval_start=start, quality=quality,
        version=FIRST_DELIVERED + version, imported_wh=max(-net, 0), exported_wh=max(net, 0),
    )  # fmt: skip


def aggregate(world: World, keep: int = 36) -> list[tuple[dt.date, int]]:
    return [(month.month, removed) for month, removed in aggregate_old(world.cluster, NOW, keep)]


def counts(world: World) -> tuple[int, int, int]:
    with scope(world.cluster.pk):
        return Reading.objects.count(), ReadingDay.objects.count(), IntervalInput.objects.count()


def test_a_settled_month_becomes_daily_sums(world: World) -> None:
    assert aggregate(world) == [(OCTOBER, 196 * 4 + 3)]
    assert counts(world) == (0, 8, 0)
    with scope(world.cluster.pk):
        days = {(row.metering_point.code, row.day): row for row in ReadingDay.objects.select_related("metering_point")}
    sunday, monday = days[NEIGHBOUR, SUNDAY], days[NEIGHBOUR, SUNDAY + dt.timedelta(days=1)]
    assert (sunday.imported_wh, sunday.exported_wh) == (99 * 300 + 100, 0)
    assert (sunday.measured, sunday.split, sunday.substituted, sunday.estimated) == (99, 0, 1, 0)
    assert (monday.imported_wh, monday.measured) == (96 * 300, 96)
    assert days[SELLER, SUNDAY].exported_wh == 100 * 500
    assert (days[STANDARD, SUNDAY].imported_wh, days[STANDARD, SUNDAY].split) == (99 * 50 + 80, 1)
    assert aggregate(world) == []


def test_younger_months_and_those_not_settled_for_good_stay(world: World) -> None:
    assert kept_month(world.cluster, NOW, 36) == dt.date(2023, 11, 1)
    assert kept_month(world.cluster, dt.datetime(2026, 10, 31, 23, tzinfo=dt.UTC), 36) == dt.date(2023, 11, 1)
    assert aggregate(world, keep=49) == []
    world.touch(local_midnight(SUNDAY, WARSAW))
    assert [(month.month, month.open) for month in old_months(world.cluster, NOW, 36)] == [(OCTOBER, 1)]
    assert aggregate(world) == []
    assert counts(world)[:2] == (787, 0)
    clear_due(world.cluster, NOW)
    assert len(aggregate(world, keep=48)) == 1


def test_a_stopped_pass_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(first: dt.date, end: dt.date) -> Any:
        yield from (day for day in each_day(first, end) if day <= SUNDAY)
        raise KeyboardInterrupt

    monkeypatch.setattr("metering.services.retention.each_day", stopped)
    with pytest.raises(KeyboardInterrupt):
        aggregate(world)
    assert counts(world) == (96 * 4, 4, 96)
    monkeypatch.undo()
    assert aggregate(world) == [(OCTOBER, 96 * 4)]
    assert counts(world) == (0, 8, 0)


def test_a_dry_run_says_what_would_be_done_and_does_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    call_command("aggregate_readings", "alfa", "--dry-run", stdout=out)
    assert "2022-10: 787 readings would become daily sums." in out.getvalue()
    assert counts(world)[0] == 787
    world.touch(local_midnight(SUNDAY, WARSAW))
    call_command("aggregate_readings", stdout=out)
    assert "2022-10 stays: 1 quarter-hours are not settled for good." in out.getvalue()
    clear_due(world.cluster, NOW)
    call_command("aggregate_readings", stdout=out)
    assert "2022-10: 787 readings became daily sums." in out.getvalue()
    with pytest.raises(CommandError, match="beta"):
        call_command("aggregate_readings", "beta")


def test_the_beat_aggregates_every_cluster(world: World, settings: Any) -> None:
    celery.app.loader.import_default_modules()
    for name in ("aggregate", "partitions", "roles"):
        assert celery.app.conf.beat_schedule[name]["task"] in celery.app.tasks
    tasks.aggregate_cluster(world.cluster.pk)
    assert counts(world) == (0, 8, 0)


@pytest.mark.parametrize("month", [dt.date(2025, 9, 1), dt.date(2026, 10, 1)])
def test_the_database_itself_refuses_a_month_of_the_last_fifteen(world: World, month: dt.date) -> None:
    """Whatever the caller thinks of it: the distributor's corrections may still come."""
    today = timezone.now().date()
    month = (today - dt.timedelta(days=16 * 28 if month.year == 2025 else 40)).replace(day=1)
    with pytest.raises(ProgrammingError, match="fifteen months"):
        aggregate_month(world.cluster, month, NOW)


def test_the_application_deletes_no_reading_and_no_other_cluster_s(world: World) -> None:
    other = make_bare_world("beta")

    def attempt(sql: str, *values: object) -> None:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)

    with scope(world.cluster.pk):
        attempt("DELETE FROM metering_reading")
        attempt("DELETE FROM metering_readingday")
        attempt("SELECT aggregate_readings(%s, %s)", world.cluster.pk, SUNDAY)  # its month was not declared
        AggregatedMonth.objects.create(cluster=world.cluster, month=OCTOBER, at=NOW)
    with scope(other.cluster.pk):
        attempt("SELECT aggregate_readings(%s, %s)", world.cluster.pk, SUNDAY)
        AggregatedMonth.objects.create(cluster=other.cluster, month=OCTOBER, at=NOW)
        attempt("SELECT aggregate_readings(%s, %s)", world.cluster.pk, SUNDAY)
    assert counts(world)[0] == 787


def test_what_was_settled_stays_and_is_not_settled_anew(world: World) -> None:
    before = [(run.interval_start, run.digest) for run in world.runs()]
    aggregate(world)
    with scope(world.cluster.pk), pytest.raises(LifeRefused, match=r"1 (listopada|November) 2022"):
        plan_move_out(world.points[NEIGHBOUR], SUNDAY)
    report = clear_due(world.cluster, NOW, again=True)
    assert (report.stored, report.unchanged, report.waiting) == (0, 0, 0)
    assert [(run.interval_start, run.digest) for run in world.runs()] == before


def test_members_and_the_distributor_find_what_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The energy of a month of a member who does not trade, the own data, and that nothing is called missing."""
    monkeypatch.setattr(views, "timezone", SimpleNamespace(now=lambda: NOW))
    user = make_user("standard@example.org")
    with scope(world.cluster.pk):
        row = PointAssignment.objects.get(metering_point=world.points[STANDARD])
        Membership.objects.create(cluster=world.cluster, user=user, role="member", participant=row.participant)
    client = signed_in(user)
    page = text_of(client.get("/energy/?month=2022-10"))
    drawn = f"{(195 * 50 + 80) / 1000:.3f} kWh"
    assert drawn in page
    missing = missing_of(world)
    assert "only sums by day are kept" not in page
    aggregate(world)
    page = text_of(client.get("/energy/?month=2022-10"))
    assert drawn in page and "Of this month only sums by day are kept" in page
    assert missing_of(world) == missing
    with zipfile.ZipFile(io.BytesIO(b"".join(client.get("/privacy/data.zip")))) as archive:  # type: ignore[arg-type]
        assert list(csv.DictReader(io.StringIO(archive.read("readings.csv").decode()))) == []
        sums = list(csv.DictReader(io.StringIO(archive.read("daily_sums.csv").decode())))
    assert [(row["metering_point"], row["day"], row["imported_wh"], row["split"]) for row in sums] == [
        (STANDARD, "2022-10-30", str(99 * 50 + 80), "1"), (STANDARD, "2022-10-31", str(96 * 50), "0"),
    ]  # fmt: skip


def test_a_delivery_for_an_aggregated_month_is_refused_with_the_reason(world: World) -> None:
    """And one for the first quarter-hour after it is not."""
    aggregate(world)
    lines = [f"{SELLER},{at},1,0,measured\n".encode() for at in ("2022-10-31T22:45:00Z", "2022-10-31T23:00:00Z")]
    outcome = ingest(world.cluster, lines, issued_at=NOW, whole=False, now=NOW)
    assert (outcome.accepted, outcome.refused_count) == (1, 1)
    assert "only daily sums are kept of the time before 2022-10-31T23:00:00Z" in outcome.refused[0].text
    with scope(world.cluster.pk):
        assert [row.interval_start.isoformat() for row in Reading.objects.all()] == ["2022-10-31T23:00:00+00:00"]


def missing_of(world: World) -> list[tuple[int, int]]:
    span = month_span(OCTOBER, WARSAW)
    with scope(world.cluster.pk):
        found = missing_by_day(world.cluster.pk, span, WARSAW, NOW)
    assert found[-1].readings_missing == 0
    return [(day.points, day.readings_missing) for day in found]


def test_the_coordinator_finds_the_sums_at_the_point(world: World) -> None:
    user = make_user("coordinator@example.org", with_app=True)
    with scope(world.cluster.pk):
        Membership.objects.create(cluster=world.cluster, user=user, role="coordinator")
    aggregate(world)
    page = f"/admin/metering/meteringpoint/{world.points[NEIGHBOUR].pk}/change/"
    assert "2022-10 2 58.6 kWh 0 kWh 0" in text_of(signed_in(user).get(page))


def test_daily_sums_follow_the_owner_of_the_day(world: World) -> None:
    with scope(world.cluster.pk):
        row = PointAssignment.objects.get(metering_point=world.points[STANDARD])
        old = row.participant
        new = PointAssignment.objects.get(metering_point=world.points[FAR]).participant
        row.valid_to = SUNDAY + dt.timedelta(days=1)
        row.save()
        row.pk, row.participant, row.valid_from, row.valid_to = None, new, row.valid_to, None
        row._state.adding = True
        row.save()
        Contract.objects.filter(participant=new).delete()
        users = {}
        for person in (old, new):
            users[person.pk] = make_user(f"{person.code}@example.org")
            Membership.objects.create(cluster=world.cluster, user=users[person.pk], role="member", participant=person)
    aggregate(world)
    for person, day in ((old, SUNDAY), (new, SUNDAY + dt.timedelta(days=1))):
        client = signed_in(users[person.pk])
        with zipfile.ZipFile(io.BytesIO(b"".join(client.get("/privacy/data.zip")))) as archive:  # type: ignore[arg-type]
            sums = csv.DictReader(io.StringIO(archive.read("daily_sums.csv").decode()))
            assert [row["day"] for row in sums if row["metering_point"] == STANDARD] == [day.isoformat()]


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'metering_reading'::regclass"
        )
        return {name for (name,) in cursor.fetchall()}


def test_months_without_any_row_give_their_space_back(world: World) -> None:
    ensure_month_partitions("metering_reading", NOW, NOW)
    assert drop_empty_months("metering_reading") == 0
    aggregate(world)
    assert old_readings.give_space_back() == 1
    assert partitions() == {"metering_reading_2026_11"}
    world.read(NOW.replace(hour=10), {SELLER: 1})


def test_the_months_to_come_have_their_partitions(world: World) -> None:
    ensure_months_ahead(dt.datetime(2031, 12, 31, 23, tzinfo=dt.UTC))
    made = {name for name in partitions() if "2031" in name or "2032" in name}
    months = {f"metering_reading_{month}" for month in ("2031_12", "2032_01", "2032_02", "2032_03")}
    assert months <= made and len(made) <= 5
    ensure_months_ahead(dt.datetime(2031, 12, 31, 23, tzinfo=dt.UTC))
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('clearing_trade_2032_01'), to_regclass('clearing_position_2032_01')")
        assert None not in cursor.fetchone()
