"""What holds is read without its history: rows touched, counted by the database itself."""

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection

from metering.domain.versions import FIRST_DELIVERED
from metering.models import Reading
from metering.selectors.held import LOOKS, SCAN, held_readings, way
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.clearing.world import FAR, NEIGHBOUR, NET, SELLER, STANDARD, World, make_bare_world, quarters

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 6, 1, 22, tzinfo=dt.UTC)


@pytest.fixture
def world() -> World:
    world = make_bare_world("alfa")
    ensure_month_partitions("metering_reading", START, START + dt.timedelta(days=4))
    return world


def deliver(world: World, starts: list[dt.datetime], versions: range) -> None:
    with scope(world.cluster.pk):
        Reading.objects.bulk_create(
            Reading(
                cluster=world.cluster, metering_point=world.points[code], interval_start=start, quality=1,
                version=FIRST_DELIVERED + version, imported_wh=max(-net, 0) + version, exported_wh=max(net, 0),
            )
            for code, net in NET.items() for start in starts for version in versions
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT renew_statistics('metering_reading', %s, %s)", [START, START])


def asked(world: World, starts: list[dt.datetime]) -> dict[str, Any]:
    points = [world.points[code].pk for code in NET]
    return {
        "cluster": world.cluster.pk, "points": points, "starts": starts, "first": starts[0], "last": starts[-1],
    }  # fmt: skip


def touched(world: World, starts: list[dt.datetime]) -> tuple[str, int]:
    """The way that is chosen, and how many readings it touches."""
    with scope(world.cluster.pk), connection.cursor() as cursor:
        sql = way(cursor, asked(world, starts))
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", asked(world, starts))
        plan = cursor.fetchone()[0]
    nodes = [(plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]]
    rows = 0
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if str(node.get("Relation Name", "")).startswith("metering_reading"):
            rows += round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    return sql, rows


def test_many_versions_are_not_touched(world: World) -> None:
    starts = quarters(96, START)
    deliver(world, starts, range(1))
    assert touched(world, starts) == (SCAN, 96 * 4)
    deliver(world, starts, range(1, 10))
    assert touched(world, starts) == (LOOKS, 96 * 4)


def test_few_quarter_hours_of_a_long_span_are_read_alone(world: World) -> None:
    starts = quarters(96, START)
    deliver(world, starts, range(1))
    assert touched(world, [starts[0], starts[-1]]) == (LOOKS, 2 * 4)


@pytest.mark.parametrize("versions", [1, 3, 7])
def test_both_ways_give_what_holds(world: World, versions: int) -> None:
    starts = quarters(8, START)
    deliver(world, starts, range(versions))
    with scope(world.cluster.pk), connection.cursor() as cursor:
        found = []
        for sql in (SCAN, LOOKS):
            cursor.execute(sql, asked(world, starts))
            found.append(sorted(cursor.fetchall()))
        assert found[0] == found[1] == sorted(held_readings(world.cluster.pk, asked(world, starts)["points"], starts))
    nets = {code: net - (versions - 1) for code, net in NET.items()}
    assert {row[0]: row[2] for row in found[0]} == {world.points[code].pk: net for code, net in nets.items()}
    assert set(nets) == {SELLER, NEIGHBOUR, FAR, STANDARD}
