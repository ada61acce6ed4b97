"""A small cluster that can be settled: two stations, three members who trade and one who does not."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from clearing.models import ClearingRun, IntervalState, Position, Trade
from contracts.models import ClusterSettings, ClusterTerms, Contract, ExternalPrice
from metering.domain.calendar import INTERVAL
from metering.models import GridNode, IntervalInput, MeteringPoint, PointAssignment, Reading
from metering.services.inputs import touch_intervals
from participants.models import Cluster, Dso, Participant
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.tariff import publish

START = dt.datetime(2026, 6, 10, 21, 0, tzinfo=dt.UTC)
"""An hour before the local midnight of 11 June."""
NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
DAY = dt.date(2020, 1, 1)
SELLER, NEIGHBOUR, FAR, STANDARD = (f"5900000000000000{number}" for number in ("13", "20", "37", "44"))
NET = {SELLER: 500, NEIGHBOUR: -300, FAR: -400, STANDARD: -50}
RATES = (("network_variable", "0.2464", "discounted"), ("quality", "0.03316", "full"), ("res", "0.0073", "waived"))


def flat_rate(component: str, rate: str, treatment: str) -> dict[str, Any]:
    """A rate per kWh of G11 that is the same at all times."""
    return {
        "group": "G11", "component": component, "zone": "flat", "rate_net": Decimal(rate), "local_treatment": treatment,
    }  # fmt: skip


@dataclass(frozen=True)
class World:
    cluster: Cluster
    points: dict[str, MeteringPoint]

    def read(self, start: dt.datetime, nets: dict[str, int], version: int = 1, quality: int = 1) -> None:
        """Deliver readings of one interval, as the services of metering do."""
        with scope(self.cluster.pk):
            for code, net in nets.items():
                Reading.objects.create(
                    cluster=self.cluster, metering_point=self.points[code], interval_start=start, version=version,
                    imported_wh=max(-net, 0), exported_wh=max(net, 0), quality=quality,
                )  # fmt: skip
            touch_intervals(self.cluster.pk, [start])

    def price(self, starts: Iterable[dt.datetime], buy: str = "0.44698", sell: str = "0.33698") -> None:
        with scope(self.cluster.pk):
            for start in starts:
                ExternalPrice.objects.create(
                    cluster=self.cluster, interval_start=start, version=1, buy_pln_kwh=Decimal(buy),
                    sell_pln_kwh=Decimal(sell),
                )  # fmt: skip
                touch_intervals(self.cluster.pk, [start])

    def touch(self, start: dt.datetime) -> None:
        with scope(self.cluster.pk):
            touch_intervals(self.cluster.pk, [start])

    def runs(self, start: dt.datetime | None = None) -> list[ClearingRun]:
        with scope(self.cluster.pk):
            found = ClearingRun.objects.select_related("replaces").order_by("number")
            return list(found if start is None else found.filter(interval_start=start))

    def state(self, start: dt.datetime) -> IntervalState:
        with scope(self.cluster.pk):
            return IntervalState.objects.select_related("run").get(interval_start=start)

    def changes(self, start: dt.datetime) -> int:
        with scope(self.cluster.pk):
            return IntervalInput.objects.get(interval_start=start).changes

    def local(self, run: ClearingRun) -> dict[str, int]:
        """Local energy of each point in a run: bought is negative."""
        with scope(self.cluster.pk):
            rows = Position.objects.filter(run=run).select_related("metering_point")
            return {row.metering_point.code: row.local_sold_wh - row.local_bought_wh for row in rows}

    def trades(self, run: ClearingRun) -> list[tuple[str, str, str, int]]:
        with scope(self.cluster.pk):
            rows = Trade.objects.filter(run=run).select_related("seller", "buyer")
            return sorted((row.seller.code, row.buyer.code, row.sharing_level, row.wh) for row in rows)


def quarters(count: int, start: dt.datetime = START) -> list[dt.datetime]:
    return [start + number * INTERVAL for number in range(count)]


def make_world(slug: str = "alfa", intervals: int = 8, start: dt.datetime = START) -> World:
    """A cluster with readings and prices of some intervals, by default the four before and after a local midnight."""
    world = make_bare_world(slug)
    starts = quarters(intervals, start)
    ensure_month_partitions("metering_reading", starts[0], starts[-1])
    for moment in starts:
        world.read(moment, NET)
    world.price(starts)
    return world


def make_bare_world(slug: str) -> World:
    dso, made = Dso.objects.get_or_create(
        name="Example Distribution", defaults={"nip": "1000237576", "iban": "PL61999999990000000000000901"}
    )
    if made:
        publish(dso, [flat_rate(*row) for row in RATES], valid_from=DAY)
    cluster = Cluster.objects.create(
        slug=slug, name=slug, timezone="Europe/Warsaw", holidays="PL", currency="PLN", dso=dso
    )
    with scope(cluster.pk):
        return World(cluster, _members(cluster))


def _members(cluster: Cluster) -> dict[str, MeteringPoint]:
    ClusterTerms.objects.create(cluster=cluster, vat_rate=Decimal("0.23"), excise_pln_kwh=0, netting="interval")
    ClusterSettings.objects.create(
        cluster=cluster, valid_from=DAY, allocation="min_cost", price_rule="mid_market", price_share=Decimal("0.5"),
        residual="pooled", dso_settlement="coordinator", buyer_fee_pln_kwh=0, seller_fee_pln_kwh=0,
        sharing_discount={"cluster": "0.05", "station": "0.25"},
    )  # fmt: skip
    root = GridNode.objects.create(cluster=cluster, code="CLUSTER", level="cluster")
    near = GridNode.objects.create(cluster=cluster, code="ST-1", level="station", parent=root)
    far = GridNode.objects.create(cluster=cluster, code="ST-2", level="station", parent=root)
    points = {}
    for number, (code, node) in enumerate({FAR: far, SELLER: near, STANDARD: far, NEIGHBOUR: near}.items()):
        participant = Participant.objects.create(
            cluster=cluster, code=f"P{number}", kind="prosumer", legal_form="person", name=code, vat_payer=False
        )
        points[code] = MeteringPoint.objects.create(cluster=cluster, code=code)
        PointAssignment.objects.create(
            cluster=cluster, metering_point=points[code], participant=participant, role="member", grid_node=node,
            tariff_group="G11", contracted_power_kw=14, generation_capacity_kw=0, phases=3, yearly_use_kwh=1808,
            capacity_factor=1, valid_from=DAY,
        )  # fmt: skip
        scheme = "standard" if code == STANDARD else "p2p"
        Contract.objects.create(cluster=cluster, participant=participant, scheme=scheme, valid_from=DAY)
    return points
