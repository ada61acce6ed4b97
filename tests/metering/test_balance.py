"""The physical balance of grid nodes, against a second computation: numpy over the example's files."""

import csv
import datetime as dt
import functools
import gzip
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.db import connection

from metering.domain.calendar import INTERVAL, day_bounds, format_instant, interval_starts
from metering.models import GridNode, MeteringPoint, PointAssignment, Reading
from metering.selectors.balance import Balance, balances
from participants.models import Cluster, Dso, Participant
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope

EXAMPLE = Path(__file__).resolve().parents[2] / "demo" / "three-stations"
WARSAW = ZoneInfo("Europe/Warsaw")
#: On the 16th some members join.
DAYS = [dt.date(2026, 6, 15), dt.date(2026, 6, 16)]
STARTS = interval_starts(day_bounds(DAYS[0], WARSAW)[0], day_bounds(DAYS[1], WARSAW)[1])
ABOVE = {"GPZ-A": "CLUSTER", "GPZ-B": "CLUSTER", "ST-R1": "GPZ-A", "ST-R3": "GPZ-A", "ST-U6": "GPZ-B"}
INSERT = """
INSERT INTO metering_reading
    (cluster_id, metering_point_id, interval_start, version, imported_wh, exported_wh, quality)
SELECT %s, point, at, 900000000, imported, exported, 1
FROM unnest(%s::bigint[], %s::timestamptz[], %s::int[], %s::int[]) AS r(point, at, imported, exported)
"""
pytestmark = pytest.mark.django_db


def rows(name: str) -> list[dict[str, str]]:
    path = EXAMPLE / name
    with gzip.open(path, "rt") if path.suffix == ".gz" else open(path) as file:
        return list(csv.DictReader(file))


@functools.cache
def readings() -> list[dict[str, str]]:
    """The example's of the two days."""
    wanted = {format_instant(start) for start in STARTS}
    return [row for row in rows("readings-2026-06.csv.gz") if row["interval_start"] in wanted]


@pytest.fixture(scope="module")
def files() -> dict[str, np.ndarray]:
    """Imported and exported Wh of each node's members, and those below, by quarter-hour."""
    where: dict[str, list[dict[str, str]]] = {}
    for row in rows("metering_points.csv"):
        where.setdefault(row["code"], []).append(row)
    place = {format_instant(start): number for number, start in enumerate(STARTS)}
    nodes = {name: np.zeros((2, len(STARTS)), dtype=np.int64) for name in ("CLUSTER", *ABOVE)}
    for row in readings():
        number = place[row["interval_start"]]
        day = DAYS[number // 96].isoformat()
        for term in where[row["metering_point"]]:
            if term["valid_from"] <= day and (not term["valid_to"] or day < term["valid_to"]):
                node: str | None = term["grid_node"]
                while node:
                    nodes[node][:, number] += int(row["imported_wh"]), int(row["exported_wh"])
                    node = ABOVE.get(node)
    return nodes


@pytest.fixture
def cluster(db: None) -> Cluster:
    """The example's grid, points and two days of readings, put in by hand."""
    dso = Dso.objects.create(name="Example Distribution", nip="1000237576", iban="PL61999999990000000000000901")
    cluster = Cluster.objects.create(
        slug="example", name="Example", timezone="Europe/Warsaw", holidays="PL", currency="PLN", dso=dso
    )
    ensure_month_partitions("metering_reading", STARTS[0], STARTS[-1])
    wanted = {format_instant(start): start for start in STARTS}
    with scope(cluster.pk):
        for row in rows("grid_nodes.csv"):
            parent = GridNode.objects.filter(code=row["parent"]).first()
            GridNode.objects.create(cluster=cluster, code=row["node"], level=row["level"], parent=parent)
        nodes = {node.code: node for node in GridNode.objects.all()}
        owner = Participant.objects.create(
            cluster=cluster, code="P1", kind="consumer", legal_form="person", name="All", vat_payer=False
        )
        listed = rows("metering_points.csv")
        codes = sorted({row["code"] for row in listed})
        MeteringPoint.objects.bulk_create(MeteringPoint(cluster=cluster, code=code) for code in codes)
        points = {point.code: point for point in MeteringPoint.objects.all()}
        PointAssignment.objects.bulk_create(
            assignment(points[row["code"]], nodes[row["grid_node"]], owner, row["valid_from"], row["valid_to"] or None)
            for row in listed
        )
        columns = zip(
            *(
                (points[row["metering_point"]].pk, wanted[row["interval_start"]], int(row["imported_wh"]),
                 int(row["exported_wh"]))
                for row in readings()
            ),
            strict=True,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(INSERT, [cluster.pk, *map(list, columns)])
            # As autovacuum would soon.
            cursor.execute("SELECT renew_statistics('metering_reading', %s, %s)", [STARTS[0], STARTS[-1]])
    return cluster


def assignment(
    point: MeteringPoint, node: GridNode, owner: Participant | None, start: object, end: object = None
) -> PointAssignment:
    return PointAssignment(
        cluster_id=point.cluster_id, metering_point=point, participant=owner, grid_node=node,
        role="member" if owner else "boundary", tariff_group="G11", contracted_power_kw=10, generation_capacity_kw=0,
        phases=3, yearly_use_kwh=1, capacity_factor=1, valid_from=start, valid_to=end,
    )  # fmt: skip


def reading(
    point: MeteringPoint, at: dt.datetime, imported: int, exported: int, version: int = 900_000_000, quality: int = 1
) -> Reading:
    return Reading(
        cluster_id=point.cluster_id, metering_point=point, interval_start=at, version=version, imported_wh=imported,
        exported_wh=exported, quality=quality,
    )  # fmt: skip


def of(cluster: Cluster, node: str, by_day: bool = True) -> dict[object, Balance]:
    with scope(cluster.pk):
        pk = GridNode.objects.get(code=node).pk
        return dict(balances(cluster.pk, [pk], DAYS, WARSAW, by_day).by_time[pk])


def bound(cluster: Cluster, node: str, nets: list[int]) -> None:
    """A boundary meter at the node that counted these, import less export."""
    with scope(cluster.pk):
        point = MeteringPoint.objects.create(cluster=cluster, code="590000000000099989")
        assignment(point, GridNode.objects.get(code=node), None, dt.date(2026, 1, 1)).save()
        Reading.objects.bulk_create(
            reading(point, at, max(net, 0), max(-net, 0)) for at, net in zip(STARTS, nets, strict=True)
        )


def test_the_sums_are_those_of_the_files(cluster: Cluster, files: dict[str, np.ndarray]) -> None:
    for node, (imported, exported) in files.items():
        by_day, by_quarter_hour = of(cluster, node), of(cluster, node, by_day=False)
        assert set(by_day) == set(DAYS) and set(by_quarter_hour) == set(STARTS)
        for number, day in enumerate(DAYS):
            that = slice(96 * number, 96 * (number + 1))
            found = by_day[day]
            inside = np.minimum(imported[that], exported[that]).sum()
            expected = (exported[that].sum(), imported[that].sum(), inside)
            assert (found.generation_wh, found.demand_wh, found.inside_wh) == expected
            assert found.drawn_wh - found.given_wh == imported[that].sum() - exported[that].sum()
            assert found.difference_wh is None and found.difference_share is None
        for number, at in enumerate(STARTS):
            found = by_quarter_hour[at]
            assert (found.demand_wh, found.generation_wh) == (imported[number], exported[number])


def test_boundary_meters_are_compared(cluster: Cluster, files: dict[str, np.ndarray]) -> None:
    imported, exported = files["GPZ-B"]
    nets = [int(net) + (40 if number >= 96 else 0) for number, net in enumerate(imported - exported)]
    bound(cluster, "GPZ-B", nets)
    found = of(cluster, "GPZ-B")
    assert [found[day].difference_wh for day in DAYS] == [0, 96 * 40]
    assert [found[day].compared for day in DAYS] == [96, 96]
    passed = int(imported[96:].sum() + exported[96:].sum())
    assert found[DAYS[1]].difference_share == pytest.approx(96 * 40 / passed)
    # It stands at that node alone and is nobody's demand.
    assert of(cluster, "CLUSTER")[DAYS[0]].difference_wh is None
    assert of(cluster, "CLUSTER")[DAYS[0]].demand_wh == files["CLUSTER"][0][:96].sum()
    assert of(cluster, "ST-U6")[DAYS[0]].difference_wh is None


def test_only_whole_quarter_hours_are_compared(cluster: Cluster, files: dict[str, np.ndarray]) -> None:
    bound(cluster, "GPZ-B", [int(net) for net in files["GPZ-B"][0] - files["GPZ-B"][1]])
    with scope(cluster.pk):
        one = PointAssignment.objects.filter(grid_node__code="ST-U6", valid_from__lt=DAYS[0], valid_to=None)[0]
        one.valid_to = DAYS[1]
        one.save()
        point = MeteringPoint.objects.create(cluster=cluster, code="590000000000099996")
        assignment(point, GridNode.objects.get(code="ST-U6"), one.participant, DAYS[0], DAYS[1]).save()
        Reading.objects.bulk_create(reading(point, at, 5, 0) for at in STARTS[:10])
    found = of(cluster, "GPZ-B")
    assert (found[DAYS[0]].compared, found[DAYS[0]].difference_wh) == (10, -50)
    # The readings of whoever has left do not count on the day after.
    assert found[DAYS[1]].demand_wh < files["GPZ-B"][0][96:].sum()


def test_the_highest_version_holds_and_estimates_are_told_apart(cluster: Cluster, files: dict[str, np.ndarray]) -> None:
    with scope(cluster.pk):
        row = Reading.objects.filter(metering_point__assignments__grid_node__code="ST-R1", interval_start=STARTS[0])[0]
        point = MeteringPoint.objects.get(pk=row.metering_point_id)
        more = reading(point, STARTS[0], row.imported_wh + 7, row.exported_wh + 3, version=900_000_001, quality=4)
        Reading.objects.bulk_create([more])
    found = of(cluster, "ST-R1", by_day=False)[STARTS[0]]
    assert found.demand_wh == files["ST-R1"][0][0] + 7
    assert found.generation_wh == files["ST-R1"][1][0] + 3
    assert (found.demand_estimated_wh, found.generation_estimated_wh) == (row.imported_wh + 7, row.exported_wh + 3)
    assert of(cluster, "ST-R1", by_day=False)[STARTS[0] + INTERVAL].estimated_wh == 0
