"""What is found implausible, by which rule, and that it goes away by itself when the reading is corrected."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from metering.domain.calendar import day_bounds, interval_starts
from metering.models import Finding, GridNode, MeteringPoint, PointAssignment, Reading
from metering.services import findings as service
from metering.services.findings import FindingGone, explain, look_through
from participants.tenancy.scope import scope
from tests.cast import make_user
from tests.clearing.world import DAY, FAR, NEIGHBOUR, SELLER, STANDARD, World, make_bare_world
from tests.metering.delivering import Row, deliver

pytestmark = pytest.mark.django_db
WARSAW = ZoneInfo("Europe/Warsaw")
TUESDAY = dt.date(2026, 6, 16)
NOW = dt.datetime(2026, 12, 2, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 12, 1, 1, tzinfo=dt.UTC)
Found = tuple[str, str, str, int, int, str]


def starts_of(day: dt.date) -> list[dt.datetime]:
    return interval_starts(*day_bounds(day, WARSAW))


def at(hour: int, minute: int = 0, day: dt.date = TUESDAY) -> dt.datetime:
    """Of the local clock."""
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=WARSAW).astimezone(dt.UTC)


def whole_day(code: str, day: dt.date = TUESDAY, imported: int = 100) -> list[Row]:
    """A day of no two equal neighbours."""
    return [(code, start, imported + place % 2, 0) for place, start in enumerate(starts_of(day))]


def one(code: str, start: dt.datetime, imported: int, exported: int = 0) -> list[Row]:
    return [(code, start, imported, exported)]


def found(world: World, state: str = "open") -> list[Found]:
    """Rule, point or node, severity, value, limit and owner."""
    with scope(world.cluster.pk):
        rows = Finding.objects.filter(state=state).select_related("metering_point", "grid_node").order_by("rule", "day")
        return [
            (row.rule, str(row.metering_point or row.grid_node), row.severity, row.value_wh, row.limit_wh, row.owner)
            for row in rows
        ]


@pytest.fixture
def world() -> World:
    """Everybody has 14 kW of contracted power (3,500 Wh a quarter-hour); the seller generates 10 kW (2,500 Wh)."""
    world = make_bare_world("alfa")
    with scope(world.cluster.pk):
        PointAssignment.objects.filter(metering_point__code=SELLER).update(generation_capacity_kw=10)
    return world


def test_an_ordinary_day_has_no_findings(world: World) -> None:
    deliver(world.cluster, whole_day(FAR) + whole_day(NEIGHBOUR))
    deliver(world.cluster, [(SELLER, at(12, 15), 0, 2400), (SELLER, at(12, 30), 0, 2300), (FAR, at(12, day=DAY), 0, 0)])
    assert look_through(world.cluster, NOW).days == 2
    assert found(world) == []


@pytest.mark.parametrize(
    ("imported", "expected"),
    [(3675, None), (3676, "info"), (4200, "info"), (4201, "warning")],
)
def test_more_import_than_the_contracted_power(world: World, imported: int, expected: str | None) -> None:
    deliver(world.cluster, one(FAR, at(12), imported))
    look_through(world.cluster, NOW)
    wanted = [("over_power", FAR, expected, imported, 3675, "coordinator")] if expected else []
    assert found(world) == wanted


def test_more_export_than_the_generation_capacity(world: World) -> None:
    deliver(world.cluster, one(SELLER, at(12), 0, 2751) + one(SELLER, at(13), 0, 3000) + one(SELLER, at(14), 0, 2750))
    look_through(world.cluster, NOW)
    assert found(world) == [("over_capacity", SELLER, "error", 3000, 2750, "dso")]
    with scope(world.cluster.pk):
        row = Finding.objects.get()
    assert (row.starts, row.ends, row.quarter_hours, row.day) == (at(12), at(13, 15), 2, TUESDAY)


def test_export_without_known_generation(world: World) -> None:
    deliver(world.cluster, one(FAR, at(12), 0, 11) + one(NEIGHBOUR, at(12), 0, 10))
    look_through(world.cluster, NOW)
    assert found(world) == [("no_generation", FAR, "warning", 11, 10, "coordinator")]


@pytest.mark.parametrize(("hour", "dark"), [(3, True), (5, False), (21, False), (23, True)])
def test_export_at_night(world: World, hour: int, dark: bool) -> None:
    deliver(world.cluster, one(SELLER, at(hour), 0, 500))
    look_through(world.cluster, NOW)
    assert found(world) == ([("night_export", SELLER, "warning", 500, 10, "dso")] if dark else [])


def test_only_photovoltaics_sleep_at_night(world: World) -> None:
    with scope(world.cluster.pk):
        PointAssignment.objects.filter(metering_point__code=SELLER).update(generation_source="biogas")
    deliver(world.cluster, one(SELLER, at(3), 0, 500))
    look_through(world.cluster, NOW)
    assert found(world) == []


def test_the_night_is_that_of_the_cluster_s_place(world: World) -> None:
    world.cluster.latitude, world.cluster.longitude = -33, 151
    world.cluster.save()
    deliver(world.cluster, one(SELLER, at(3), 0, 500) + one(SELLER, at(13), 0, 400))
    look_through(world.cluster, NOW)
    assert [row[3] for row in found(world)] == [400]


def test_a_meter_that_repeats_its_value(world: World) -> None:
    rows = [(FAR, start, 77, 0) for start in starts_of(TUESDAY)[10:34]]
    rows += [(NEIGHBOUR, start, 19, 0) for start in starts_of(TUESDAY)]
    rows += [(STANDARD, start, 0, 0) for start in starts_of(TUESDAY)]
    rows += [(SELLER, start, 77, 0) for place, start in enumerate(starts_of(TUESDAY)) if place % 24]
    deliver(world.cluster, rows)
    look_through(world.cluster, NOW)
    assert found(world) == [("frozen", FAR, "warning", 77, 0, "dso")]
    with scope(world.cluster.pk):
        row = Finding.objects.get()
    assert (row.starts, row.ends) == (starts_of(TUESDAY)[10], starts_of(TUESDAY)[34]) and row.quarter_hours == 24


def test_a_meter_that_has_repeated_its_value_since_the_day_before(world: World) -> None:
    before = TUESDAY - dt.timedelta(days=1)
    run = [*starts_of(before)[84:], *starts_of(TUESDAY)[:12]]
    deliver(world.cluster, [(FAR, start, 77, 0) for start in run[:-1]])
    look_through(world.cluster, NOW)
    assert found(world) == []
    deliver(world.cluster, one(FAR, run[-1], 77), at=LATER)
    look_through(world.cluster, NOW)
    assert found(world) == [("frozen", FAR, "warning", 77, 0, "dso")]
    deliver(world.cluster, one(FAR, run[3], 78), at=LATER)
    look_through(world.cluster, NOW)
    assert found(world) == [], "what was corrected is the day before"


def a_month(code: str, high: int) -> list[Row]:
    """Five weeks of a point that once a day counts `high`."""
    days = [TUESDAY - dt.timedelta(days=far) for far in range(1, 36)]
    return [
        (code, start, high if place == 40 else 50 + place % 2, 0)
        for day in days
        for place, start in enumerate(starts_of(day))
    ]


def test_a_spike_is_measured_by_the_point_s_own_past(world: World) -> None:
    deliver(world.cluster, a_month(FAR, 400) + a_month(NEIGHBOUR, 700))
    deliver(world.cluster, one(FAR, at(12), 1201) + one(NEIGHBOUR, at(12), 2100) + one(STANDARD, at(12), 3000))
    look_through(world.cluster, NOW)
    assert found(world) == [("spike", FAR, "warning", 1201, 1200, "dso")]
    deliver(world.cluster, one(FAR, at(12), 1200), at=LATER)
    look_through(world.cluster, NOW)
    assert found(world) == []


def test_estimates_are_not_judged(world: World) -> None:
    deliver(world.cluster, one(FAR, at(12), 9000), quality="estimated")
    look_through(world.cluster, NOW)
    assert found(world) == []


def boundary(world: World, imported: int, exported: int) -> None:
    """A meter at the station of the seller and the neighbour, with a day of readings."""
    with scope(world.cluster.pk):
        node = GridNode.objects.get(code="ST-1")
        if not MeteringPoint.objects.filter(code="590000000000000051").exists():
            point = MeteringPoint.objects.create(cluster=world.cluster, code="590000000000000051")
            PointAssignment.objects.create(
                cluster=world.cluster, metering_point=point, role="boundary", grid_node=node, tariff_group="",
                contracted_power_kw=0, generation_capacity_kw=0, phases=3, yearly_use_kwh=0, capacity_factor=0,
                valid_from=DAY,
            )  # fmt: skip
    rows = [
        ("590000000000000051", start, imported - place % 2, exported) for place, start in enumerate(starts_of(TUESDAY))
    ]
    deliver(world.cluster, rows, at=LATER)


def test_the_sum_of_a_station_is_compared_with_its_boundary_meter(world: World) -> None:
    deliver(world.cluster, whole_day(SELLER, imported=500) + whole_day(NEIGHBOUR, imported=500))
    boundary(world, 1031, 0)
    look_through(world.cluster, NOW)
    assert [row for row in found(world) if row[0] == "station_sum"] == []
    boundary(world, 1035, 0)
    look_through(world.cluster, NOW)
    members = 96 * 1001
    row = ("station_sum", "ST-1", "info", 96 * 1035 - 48 - members, int(members * 0.03), "dso")
    assert [row for row in found(world) if row[0] == "station_sum"] == [row]
    boundary(world, 800, 0)
    look_through(world.cluster, NOW)
    ((_, _, severity, value, _, _),) = [row for row in found(world) if row[0] == "station_sum"]
    assert (severity, value) == ("warning", 96 * 800 - 48 - members)


def test_a_station_is_compared_only_where_everybody_was_measured(world: World) -> None:
    deliver(world.cluster, whole_day(SELLER, imported=500))
    boundary(world, 1500, 0)
    look_through(world.cluster, NOW)
    assert "station_sum" not in [row[0] for row in found(world)]


def test_it_goes_away_when_the_reading_is_corrected_and_comes_back(world: World) -> None:
    deliver(world.cluster, one(SELLER, at(12), 0, 9000))
    look_through(world.cluster, NOW)
    deliver(world.cluster, one(SELLER, at(12), 0, 900), at=LATER)
    look_through(world.cluster, NOW)
    assert found(world) == [] and len(found(world, "gone")) == 1
    deliver(world.cluster, one(SELLER, at(12), 0, 9000), at=LATER + dt.timedelta(hours=1))
    look_through(world.cluster, NOW)
    assert len(found(world)) == 1 and found(world, "gone") == []
    with scope(world.cluster.pk):
        assert Finding.objects.count() == 1 and Reading.objects.count() == 3


def test_an_explanation_holds_until_the_figures_change(world: World) -> None:
    user = make_user("coordinator@example.org")
    deliver(world.cluster, one(SELLER, at(12), 0, 9000))
    look_through(world.cluster, NOW)
    with scope(world.cluster.pk):
        explain(Finding.objects.get(), "A second installation, not registered yet", user, NOW)
    deliver(world.cluster, one(SELLER, at(14), 0, 100))
    look_through(world.cluster, NOW)
    assert found(world) == [] and len(found(world, "explained")) == 1
    deliver(world.cluster, one(SELLER, at(14), 0, 9500), at=LATER)
    look_through(world.cluster, NOW)
    assert [row[3] for row in found(world)] == [9500]
    with scope(world.cluster.pk):
        assert Finding.objects.get().reason == ""


def test_who_saw_other_figures_explains_nothing(world: World) -> None:
    user = make_user("coordinator@example.org")
    deliver(world.cluster, one(SELLER, at(12), 0, 9000))
    look_through(world.cluster, NOW)
    with scope(world.cluster.pk):
        seen = Finding.objects.get()
    deliver(world.cluster, one(SELLER, at(12), 0, 9500), at=LATER)
    look_through(world.cluster, NOW)
    with scope(world.cluster.pk):
        with pytest.raises(FindingGone):
            explain(seen, "reason", user, NOW)
        assert Finding.objects.get().state == "open"


def test_only_changed_days_are_looked_through(world: World) -> None:
    deliver(world.cluster, one(FAR, at(12), 1) + one(FAR, at(12, day=dt.date(2026, 6, 20)), 1))
    assert look_through(world.cluster, NOW).days == 2
    assert look_through(world.cluster, NOW).days == 0
    deliver(world.cluster, one(FAR, at(12), 2), at=LATER)
    assert look_through(world.cluster, NOW).days == 1


def test_a_pass_is_bounded_and_a_bad_day_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    days = [TUESDAY + dt.timedelta(days=2 * far) for far in range(3)]
    for day in days:
        deliver(world.cluster, one(FAR, at(12, day=day), 9000))
    look = service._look_through_day

    def poisoned(cluster: object, day: dt.date, now: object) -> None:
        if day == days[0]:
            raise ValueError("bad data")
        look(cluster, day, now)

    monkeypatch.setattr(service, "_look_through_day", poisoned)
    first = look_through(world.cluster, NOW, seconds=0)
    assert (first.more, first.last_day, first.failed) == (True, days[0], {days[0]: "bad data"})
    assert look_through(world.cluster, NOW, after=first.last_day).days == 2
    assert len(found(world)) == 2


def test_clusters_do_not_see_each_other(world: World) -> None:
    other = make_bare_world("bravo")
    deliver(world.cluster, one(FAR, at(12), 9000))
    look_through(other.cluster, NOW)
    assert found(world) == found(other) == []
    look_through(world.cluster, NOW)
    assert len(found(world)) == 1 and found(other) == []
