"""Two local days of a small cluster whose tariff is relieved by the hour: traders, and members who don't trade."""

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal

from clearing.services import clear_due
from contracts.models import Contract, ExternalPrice, RetailPrice, StandardSalePrice
from contracts.services.standard import default_offer
from metering.domain.calendar import day_bounds, interval_starts, time_zone
from metering.models import GridNode, MeteringPoint, PointAssignment, Reading
from metering.services.inputs import touch_intervals
from participants.models import Dso, Participant
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope
from tests.clearing.world import DAY, FAR, NEIGHBOUR, SELLER, STANDARD, World, make_bare_world
from tests.tariff import publish

WARSAW = time_zone("Europe/Warsaw")
NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
#: A gas engine that trades; a household of a group with zones that trades; a prosumer that doesn't trade.
GAS, ZONED, OTHER = (f"5900000000000000{number}" for number in ("51", "68", "75"))
TRADERS = (SELLER, NEIGHBOUR, FAR, GAS, ZONED)
#: Rates [PLN/kWh] of both groups by component and zone.
NETWORK = {("G11", "flat"): "0.2464", ("G12", "day"): "0.2841", ("G12", "night"): "0.0558"}
LEVIES = {"res": "0.0073", "cogeneration": "0.0030"}
#: Lowest and highest net energy of a quarter-hour at night and by day [Wh].
RANGES = {
    SELLER: ((-90, 0), (-50, 1300)), NEIGHBOUR: ((-700, 0), (-700, 0)), FAR: ((-300, 0), (-300, 900)),
    STANDARD: ((-500, 0), (-500, 0)), GAS: ((0, 300), (0, 300)), ZONED: ((-400, 0), (-400, 0)),
    OTHER: ((-200, 0), (-200, 800)),
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """The cluster, its two days, and every point's net energy by quarter-hour [Wh]."""

    world: World
    first: dt.date
    starts: list[dt.datetime]
    nets: dict[str, dict[dt.datetime, int]]

    @property
    def cluster(self):
        return self.world.cluster

    @property
    def period(self) -> str:
        return f"{self.first:%Y-%m}"

    def hour(self, start: dt.datetime) -> tuple[object, ...]:
        """The local hour, as a key: the repeated one of the long day is two."""
        local = start.astimezone(WARSAW)
        return local.date(), local.hour, local.fold

    def owner(self, code: str) -> Participant:
        return PointAssignment.objects.get(metering_point=self.world.points[code]).participant


def make_scene(day: dt.date, seed: int, treatment: str = "hourly", lacks: int | None = None) -> Scene:
    """The local day `day` and the one before, read and cleared; `lacks`: a quarter-hour of `OTHER` that is not read."""
    tariff(treatment)
    world = make_bare_world(f"hourly-{day}")
    starts = interval_starts(day_bounds(day - dt.timedelta(days=1), WARSAW)[0], day_bounds(day, WARSAW)[1])
    ensure_month_partitions("metering_reading", starts[0], starts[-1])
    with scope(world.cluster.pk):
        add_points(world)
        nets = made_up(starts, seed)
        if lacks is not None:
            del nets[OTHER][starts[lacks]]
        Reading.objects.bulk_create(
            Reading(
                cluster=world.cluster, metering_point=world.points[code], interval_start=start, version=1,
                # What a quarter-hour drew and fed in is netted.
                imported_wh=max(-net, 0) + 7, exported_wh=max(net, 0) + 7, quality=1,
            )
            for code, of_point in nets.items() for start, net in of_point.items()
        )  # fmt: skip
        ExternalPrice.objects.bulk_create(
            ExternalPrice(
                cluster=world.cluster, interval_start=start, version=1, buy_pln_kwh=Decimal("0.45"),
                sell_pln_kwh=Decimal("0.34"),
            )
            for start in starts
        )  # fmt: skip
        touch_intervals(world.cluster.pk, starts)
        prices(world, day)
    clear_due(world.cluster, NOW)
    return Scene(world, day - dt.timedelta(days=1), starts, nets)


def tariff(treatment: str) -> None:
    dso = Dso.objects.create(name="Example Distribution", nip="1000237576", iban="PL61999999990000000000000901")
    rates = [("G11", "quality", "flat", "0.03316", "full"), ("G12", "quality", "flat", "0.03316", "full")]
    rates += [(group, "network_variable", zone, rate, treatment) for (group, zone), rate in NETWORK.items()]
    rates += [("*", component, "flat", rate, treatment) for component, rate in LEVIES.items()]
    zones = (
        # In the middle of an hour, so that one hour has two prices.
        ("day", "06:00", "13:30"), ("night", "13:30", "15:00"), ("day", "15:00", "22:00"), ("night", "22:00", "06:00"),
    )  # fmt: skip
    publish(
        dso,
        [
            {"group": group, "component": component, "zone": zone, "rate_net": Decimal(rate), "local_treatment": of_row}
            for group, component, zone, rate, of_row in rates
        ],
        [
            {"group": "G12", "zone": zone, "months": "1-12", "day_type": "all", "starts": starts, "ends": ends}
            for zone, starts, ends in zones
        ],
        valid_from=DAY,
    )


def add_points(world: World) -> None:
    station = GridNode.objects.get(cluster=world.cluster, code="ST-1")
    for code, group, source, scheme in (
        (GAS, "G11", "not_renewable", "p2p"),
        (ZONED, "G12", "photovoltaics", "p2p"),
        (OTHER, "G11", "wind", "standard"),
    ):  # fmt: skip
        participant = Participant.objects.create(
            cluster=world.cluster, code=f"Q{code[-2:]}", kind="prosumer", legal_form="person", name=code,
            vat_payer=code == ZONED,
        )  # fmt: skip
        world.points[code] = MeteringPoint.objects.create(cluster=world.cluster, code=code)
        PointAssignment.objects.create(
            cluster=world.cluster, metering_point=world.points[code], participant=participant, role="member",
            grid_node=station, tariff_group=group, contracted_power_kw=14, generation_capacity_kw=20,
            generation_source=source, phases=3, yearly_use_kwh=1808, capacity_factor=1, valid_from=DAY,
        )  # fmt: skip
        Contract.objects.create(cluster=world.cluster, participant=participant, scheme=scheme, valid_from=DAY)


def prices(world: World, day: dt.date) -> None:
    for group, zone in NETWORK:
        RetailPrice.objects.create(
            cluster=world.cluster, offer=default_offer(world.cluster), group=group, zone=zone,
            energy_pln_kwh=Decimal("0.502"), valid_from=DAY,
        )  # fmt: skip
    StandardSalePrice.objects.create(
        cluster=world.cluster, legal_form="person", month=day.replace(day=1), pln_mwh=Decimal("138.85"),
        factor=Decimal("1.23"),
    )  # fmt: skip


def made_up(starts: list[dt.datetime], seed: int) -> dict[str, dict[dt.datetime, int]]:
    """Net energy of every point, and some quarter-hours in which two points draw the same."""
    chance = random.Random(seed)
    nets: dict[str, dict[dt.datetime, int]] = {code: {} for code in RANGES}
    for start in starts:
        by_day = 8 <= start.astimezone(WARSAW).hour < 17
        for code, ranges in RANGES.items():
            nets[code][start] = chance.randint(*ranges[by_day])
        if chance.random() < 0.2:
            nets[STANDARD][start] = nets[NEIGHBOUR][start]
    return nets
