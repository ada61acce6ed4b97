"""A point that changes hands: everywhere each owner has the days that were theirs and no quarter-hour more."""

import csv
import datetime as dt
import io
import zipfile
from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from billing.models import StatementLine
from billing.services.statements import bill_period
from clearing.models import ClearingRun, IntervalState, Position
from clearing.services import clear_due
from cluster_platform import views
from contracts.models import Contract, ExternalPrice, RetailPrice, StandardSalePrice
from contracts.services.standard import default_offer
from metering.domain.calendar import day_bounds, format_period, interval_starts, local_day, time_zone
from metering.models import PointAssignment, Reading
from metering.selectors.points import spans_of
from metering.services.inputs import touch_intervals
from metering.services.life import carry_out, plan_change, plan_move_in, plan_move_out
from participants.models import Membership, Participant, User
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.cast import make_user
from tests.clearing.world import DAY, NEIGHBOUR, NET, RATES, World, flat_rate, make_bare_world
from tests.pages.scenes import signed_in, text_of
from tests.tariff import publish

pytestmark = pytest.mark.django_db
WARSAW = time_zone("Europe/Warsaw")
NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
#: In the middle of a month, the days of 92 and 100 quarter-hours, and the days after them.
MOVES = [
    dt.date(2026, 6, 11), dt.date(2026, 3, 29), dt.date(2026, 3, 30), dt.date(2026, 10, 25), dt.date(2026, 10, 26),
]  # fmt: skip
#: What the point draws in each quarter-hour of the day before the move, and of the day of the move (Wh).
OLD_WH, NEW_WH = 300, 700


@dataclass
class Move:
    """The neighbour's point, its quarter-hours of the two days, and who it belonged to on each of them."""

    world: World
    day: dt.date
    old_starts: list[dt.datetime]
    new_starts: list[dt.datetime]
    old: Participant
    new: Participant

    @property
    def point(self) -> object:
        return self.world.points[NEIGHBOUR]


def measured(slug: str, day: dt.date) -> Move:
    """Everybody's readings and prices of the two days, and somebody with a contract who has no point yet."""
    world = make_bare_world(slug)
    before, after = day_bounds(day - dt.timedelta(days=1), WARSAW), day_bounds(day, WARSAW)
    old_starts, new_starts = interval_starts(*before), interval_starts(*after)
    ensure_month_partitions("metering_reading", before[0], after[1])
    with scope(world.cluster.pk):
        for start in old_starts + new_starts:
            nets = NET | {NEIGHBOUR: -(OLD_WH if start < after[0] else NEW_WH)}
            Reading.objects.bulk_create(
                Reading(
                    cluster=world.cluster, metering_point=world.points[code], interval_start=start, version=1,
                    imported_wh=max(-net, 0), exported_wh=max(net, 0), quality=1,
                )
                for code, net in nets.items()
            )  # fmt: skip
        ExternalPrice.objects.bulk_create(
            ExternalPrice(
                cluster=world.cluster, interval_start=start, version=1, buy_pln_kwh=Decimal("0.45"),
                sell_pln_kwh=Decimal("0.34"),
            )
            for start in old_starts + new_starts
        )  # fmt: skip
        touch_intervals(world.cluster.pk, old_starts + new_starts)
        month = day.replace(day=1)
        RetailPrice.objects.create(
            cluster=world.cluster, offer=default_offer(world.cluster), group="G11", zone="flat",
            energy_pln_kwh=Decimal("0.502"), valid_from=DAY,
        )  # fmt: skip
        StandardSalePrice.objects.create(
            cluster=world.cluster, legal_form="person", month=month, pln_mwh=Decimal("138.85"), factor=Decimal(1)
        )
        new = Participant.objects.create(
            cluster=world.cluster, code="P9", kind="consumer", legal_form="person", name="New", vat_payer=False
        )
        Contract.objects.create(cluster=world.cluster, participant=new, scheme="p2p", valid_from=DAY)
        old = PointAssignment.objects.get(metering_point=world.points[NEIGHBOUR]).participant
    return Move(world, day, old_starts, new_starts, old, new)


def move(scene: Move) -> None:
    with scope(scene.world.cluster.pk):
        (span,) = spans_of(scene.point)
        carry_out(plan_move_in(scene.point, scene.day, None, replace(span.terms, participant=scene.new.pk)))


def login(scene: Move, participant: Participant) -> User:
    user = make_user(f"{participant.code}@{scene.world.cluster.slug}.example.org")
    with scope(scene.world.cluster.pk):
        Membership.objects.create(cluster=scene.world.cluster, user=user, role="member", participant=participant)
    return user


def settled(scene: Move) -> dict[dt.datetime, int]:
    """What the point is settled for, by quarter-hour, in the runs in force (Wh)."""
    with scope(scene.world.cluster.pk):
        runs = IntervalState.objects.values("run")
        rows = Position.objects.filter(metering_point=scene.point, run__in=runs)
        return dict(rows.values_list("interval_start", "net_wh"))


@pytest.fixture(params=MOVES, ids=str)
def scene(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Move:
    monkeypatch.setattr(views, "timezone", SimpleNamespace(now=lambda: NOW))
    return measured("alfa", request.param)


def test_each_owner_sees_downloads_and_pays_their_own_days(scene: Move) -> None:
    """The move is told after the days were settled, as it mostly is."""
    clear_due(scene.world.cluster, NOW)
    move(scene)
    assert clear_due(scene.world.cluster, NOW).waiting == 0
    owners = ((scene.old, scene.old_starts, OLD_WH), (scene.new, scene.new_starts, NEW_WH))
    period = format_period(scene.day)
    bill_period(scene.world.cluster, period, NOW)
    for participant, starts, wh in owners:
        client = signed_in(login(scene, participant))
        kwh = Decimal(len(starts) * wh) / 1000
        assert f"Drawn {kwh:.1f} kWh" in text_of(client.get(f"/energy/?month={period}"))
        days = [scene.day - dt.timedelta(days=1), scene.day]
        own = days.pop(days[1:].count(local_day(starts[0], WARSAW)))
        assert text_of(client.get(f"/energy/?day={own}")).count(f"{wh / 1000:.3f} kWh") == 1
        assert "Nothing is settled for you on this day" in text_of(client.get(f"/energy/?day={days[0]}"))
        with zipfile.ZipFile(io.BytesIO(b"".join(client.get("/privacy/data.zip")))) as archive:  # type: ignore[arg-type]
            for table, column in (("readings", "imported_wh"), ("positions", "net_wh")):
                rows = [
                    row
                    for row in csv.DictReader(io.StringIO(archive.read(f"{table}.csv").decode()))
                    if row["metering_point"] == NEIGHBOUR
                ]
                assert [row["interval_start"] for row in rows] == [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in starts]
                assert {abs(int(row[column])) for row in rows} == {wh}
        with scope(scene.world.cluster.pk):
            lines = StatementLine.objects.filter(
                statement__participant=participant, component__in=["local_energy", "external_energy"]
            )
            assert sum(line.quantity for line in lines) == kwh


def test_who_has_moved_out_is_not_settled_from_the_midnight_on(scene: Move) -> None:
    """And the others are settled as if the point had never been there."""
    clear_due(scene.world.cluster, NOW)
    with scope(scene.world.cluster.pk):
        touched = carry_out(plan_move_out(scene.point, scene.day))
    assert touched == len(scene.new_starts)
    report = clear_due(scene.world.cluster, NOW)
    assert (report.stored, report.unchanged, report.waiting) == (len(scene.new_starts), 0, 0)
    assert settled(scene) == dict.fromkeys(scene.old_starts, -OLD_WH)


def test_a_tariff_group_counts_from_its_midnight(scene: Move) -> None:
    """Same energy, other grid fees: only the day from the change on is settled anew."""
    clear_due(scene.world.cluster, NOW)
    rates = [flat_rate(*row) for row in RATES]
    rates += [row | {"group": "G12", "rate_net": row["rate_net"] * 2} for row in rates]
    publish(scene.world.cluster.dso, rates)
    with scope(scene.world.cluster.pk):
        before = dict(ClearingRun.objects.values_list("interval_start", "content_digest"))
        carry_out(plan_change(scene.point, scene.day, {"tariff_group": "G12"}))
    report = clear_due(scene.world.cluster, NOW)
    assert (report.stored, report.unchanged) == (len(scene.new_starts), 0)
    with scope(scene.world.cluster.pk):
        anew = ClearingRun.objects.filter(revision=2)
        assert set(anew.values_list("interval_start", flat=True)) == set(scene.new_starts)
        assert all(before[run.interval_start] != run.content_digest for run in anew)
        fees = Position.objects.filter(run__in=anew, metering_point=scene.point)
        assert set(fees.values_list("external_grid_fee_pln_kwh", flat=True)) == {Decimal("0.573720")}
