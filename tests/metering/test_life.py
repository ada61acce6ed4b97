"""Changes of a metering point in the database: exact quarter-hours, clear refusals, one device at a time."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from metering import tasks
from metering.domain.life import Terms
from metering.models import GridNode, IntervalInput, Meter, MeteringPoint, PointAssignment
from metering.selectors.points import spans_of
from metering.services.inputs import touch_intervals
from metering.services.life import (
    LifeRefused,
    carry_out,
    follow_roles,
    plan_change,
    plan_move_in,
    plan_move_out,
    replace_meter,
)
from participants.models import Participant
from participants.tenancy.scope import scope
from tests.cast import DAY, Cast, make_cast

pytestmark = pytest.mark.django_db
TENTH, LATER = dt.date(2026, 10, 10), dt.date(2026, 11, 1)


@pytest.fixture
def cast() -> Cast:
    return make_cast("ours")


@pytest.fixture(autouse=True)
def english() -> object:
    with translation.override("en"):
        yield


def terms(cast: Cast, who: Participant) -> Terms:
    node = GridNode.objects.get(code="ST-1").pk
    return Terms(who.pk, "member", node, "G11", Decimal(14), Decimal(0), "photovoltaics", 3, 1808, Decimal(1))


def touched(cast: Cast) -> list[dt.datetime]:
    rows = IntervalInput.objects.filter(cluster=cast.cluster, changes__gt=1).order_by("interval_start")
    return [row.interval_start for row in rows]


@pytest.mark.parametrize(
    ("day", "midnight"),
    [
        (dt.date(2026, 10, 25), "2026-10-24T22:00:00+00:00"),
        (dt.date(2026, 10, 26), "2026-10-25T23:00:00+00:00"),
        (dt.date(2026, 3, 29), "2026-03-28T23:00:00+00:00"),
        (dt.date(2026, 3, 30), "2026-03-29T22:00:00+00:00"),
    ],
)
def test_a_change_touches_exactly_the_quarter_hours_from_the_local_midnight(
    cast: Cast, day: dt.date, midnight: str
) -> None:
    first = dt.datetime.fromisoformat(midnight)
    quarters = [first + number * dt.timedelta(minutes=15) for number in range(-8, 110)]
    with scope(cast.cluster.pk):
        IntervalInput.objects.all().delete()
        touch_intervals(cast.cluster.pk, quarters)
        assert carry_out(plan_change(cast.buyer_point, day, {"tariff_group": "G12"})) == 110
        assert touched(cast) == quarters[8:]


def test_only_days_that_differ_are_touched(cast: Cast) -> None:
    """A move out before a planned later owner: that owner's days are as they were."""
    with scope(cast.cluster.pk):
        PointAssignment.objects.filter(metering_point=cast.buyer_point).update(valid_to=dt.date(2026, 10, 20))
        carry_out(plan_move_in(cast.buyer_point, dt.date(2026, 10, 20), None, terms(cast, cast.seller)))
        midnights = [dt.datetime(2026, 10, day, 22, tzinfo=dt.UTC) for day in (8, 9, 18, 19)]
        IntervalInput.objects.all().delete()
        touch_intervals(cast.cluster.pk, midnights)
        assert carry_out(plan_move_out(cast.buyer_point, TENTH)) == 2
        assert touched(cast) == midnights[1:3]
        assert [(s.first, s.end, s.terms.participant) for s in spans_of(cast.buyer_point)] == [
            (DAY, TENTH, cast.buyer.pk), (dt.date(2026, 10, 20), None, cast.seller.pk),
        ]  # fmt: skip


def test_refusals_name_who_stands_in_the_way(cast: Cast) -> None:
    point = cast.buyer_point
    with scope(cast.cluster.pk):
        third = Participant.objects.create(
            cluster=cast.cluster, code="P0003", kind="consumer", legal_form="person", name="Third", vat_payer=False
        )
        with pytest.raises(LifeRefused, match=r"theirs already, since 1 January 2026: .*P0002"):
            plan_move_in(point, TENTH, None, terms(cast, cast.buyer))
        with pytest.raises(LifeRefused, match="nobody's"):
            plan_move_out(point, dt.date(2025, 12, 31))
        with pytest.raises(LifeRefused, match="Nothing changes"):
            plan_change(point, TENTH, {"tariff_group": "G11"})
        carry_out(plan_move_in(point, LATER, None, terms(cast, cast.seller)))
        with pytest.raises(LifeRefused, match=r"From 1 November 2026 the point belongs to .*P0001"):
            plan_move_in(point, TENTH, None, terms(cast, third))
        carry_out(plan_move_in(point, TENTH, LATER, terms(cast, third)))
        assert [s.terms.participant for s in spans_of(point)] == [cast.buyer.pk, third.pk, cast.seller.pk]


def test_rows_that_do_not_change_are_not_written(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        first = PointAssignment.objects.get(metering_point=cast.buyer_point)
        carry_out(plan_change(cast.buyer_point, TENTH, {"contracted_power_kw": Decimal(20)}))
        carry_out(plan_change(cast.buyer_point, LATER, {"contracted_power_kw": Decimal(25)}))
        rows = PointAssignment.objects.filter(metering_point=cast.buyer_point).order_by("valid_from")
        assert rows[0].pk == first.pk
        middle = rows[1].pk
        carry_out(plan_change(cast.buyer_point, dt.date(2026, 12, 1), {"phases": 1}))
        assert [row.pk for row in rows.all()][:2] == [first.pk, middle]
        assert [(row.valid_from, int(row.contracted_power_kw), row.phases) for row in rows.all()] == [
            (DAY, 14, 3), (TENTH, 20, 3), (LATER, 25, 3), (dt.date(2026, 12, 1), 25, 1),
        ]  # fmt: skip


def test_a_new_meter_ends_the_old_one_and_touches_nothing(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        replace_meter(cast.buyer_point, DAY, "E-1")
        replace_meter(cast.buyer_point, TENTH, "E-2")
        assert touched(cast) == []
        rows = Meter.objects.filter(metering_point=cast.buyer_point).order_by("valid_from")
        assert list(rows.values_list("serial", "valid_from", "valid_to")) == [
            ("E-1", DAY, TENTH), ("E-2", TENTH, None),
        ]  # fmt: skip
        with pytest.raises(LifeRefused, match="there already"):
            replace_meter(cast.buyer_point, LATER, "E-2")
        with pytest.raises(LifeRefused, match=f"measures at {cast.buyer_point.code} since 10 October 2026"):
            replace_meter(cast.seller_point, LATER, "E-2")
        replace_meter(cast.seller_point, TENTH, "E-1")


def test_the_database_refuses_two_devices_at_a_time_and_one_at_two_points(cast: Cast) -> None:
    def refused(point: MeteringPoint, serial: str) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            Meter.objects.create(cluster=cast.cluster, metering_point=point, serial=serial, valid_from=LATER)

    with scope(cast.cluster.pk):
        replace_meter(cast.buyer_point, DAY, "E-1")
        refused(cast.buyer_point, "E-2")
        refused(cast.seller_point, "E-1")


def test_the_beat_calls_people_by_what_they_do_today(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.buyer.pk).update(kind="consumer")
        carry_out(plan_change(cast.buyer_point, TENTH, {"generation_capacity_kw": Decimal(5)}))
    for now, kind in (
        (dt.datetime(2026, 10, 9, 21, 59, tzinfo=dt.UTC), "consumer"),
        (dt.datetime(2026, 10, 9, 22, 1, tzinfo=dt.UTC), "prosumer"),
    ):
        monkeypatch.setattr(tasks, "timezone", SimpleNamespace(now=lambda now=now: now))
        tasks.follow_roles_of_cluster(cast.cluster.pk)
        with scope(cast.cluster.pk):
            assert Participant.objects.get(pk=cast.buyer.pk).kind == kind


def test_a_consumer_who_generates_from_a_day_on_is_called_a_prosumer_when_it_comes(cast: Cast) -> None:
    """And back; nobody else is touched."""
    before, after = TENTH - dt.timedelta(days=1), TENTH + dt.timedelta(days=1)
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.buyer.pk).update(kind="consumer")
        carry_out(plan_change(cast.buyer_point, TENTH, {"generation_capacity_kw": Decimal(5)}))
        assert follow_roles(cast.cluster.pk, DAY, before) == []
        assert [row.code for row in follow_roles(cast.cluster.pk, TENTH, after)] == ["P0002"]
        assert follow_roles(cast.cluster.pk, TENTH, after) == []
        kinds = Participant.objects.order_by("code").values_list("kind", flat=True)
        assert list(kinds) == ["prosumer", "prosumer"]
        carry_out(plan_change(cast.buyer_point, LATER, {"generation_capacity_kw": Decimal(0)}))
        assert [row.kind for row in follow_roles(cast.cluster.pk, LATER, LATER)] == ["consumer"]
