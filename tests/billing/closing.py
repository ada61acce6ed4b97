"""A cluster whose June can be closed."""

import datetime as dt
from decimal import Decimal

from clearing.models import ClearingRun, IntervalState
from contracts.models import Contract, RetailPrice, StandardSalePrice
from contracts.services.standard import default_offer
from metering.models import GridNode, IntervalInput, MeteringPoint, PointAssignment
from participants.models import Participant
from participants.tenancy.scope import scope
from tests.cast import DAY, Cast, make_cast
from tests.tariff import publish

JUNE, JULY = dt.date(2026, 6, 1), dt.date(2026, 7, 1)
LATER = dt.datetime(2026, 7, 2, 8, 0, tzinfo=dt.UTC)
#: What the cast's month lacks: nothing was settled outside, and 2,879 of its quarter-hours have no readings.
OVERRIDES = {"external": "agreed by telephone"}
RATES = (
    ("G11", "network_variable", "flat", "PLN/kWh", Decimal("0.2464"), "discounted"),
    ("G11", "res", "flat", "PLN/kWh", Decimal("0.0073"), "waived"),
    ("G11", "network_fixed", "", "PLN/month", Decimal("10.86"), "full"),
)


def closing_cast(slug: str = "sunny-hill") -> Cast:
    """The cast with a tariff, prices and addresses, its one quarter-hour standing for the whole of June."""
    cast = make_cast(slug)
    names = ("group", "component", "zone", "unit", "rate_net", "local_treatment")
    publish(cast.cluster.dso, [dict(zip(names, row, strict=True)) for row in RATES])
    with scope(cast.cluster.pk):
        RetailPrice.objects.create(
            cluster=cast.cluster, offer=default_offer(cast.cluster), group="G11", zone="flat",
            energy_pln_kwh=Decimal("0.502"), valid_from=DAY,
        )  # fmt: skip
        StandardSalePrice.objects.create(
            cluster=cast.cluster, legal_form="person", month=JUNE, pln_mwh=Decimal("138.85"), factor=Decimal("1.23")
        )
        Participant.objects.update(street="Polna 1", postcode="00-001", city="Trzystacje", country="PL")
    return cast


def settle_the_rest(cast: Cast) -> None:
    """Every other quarter-hour of June is settled by a run with nothing in it."""
    start, end = dt.datetime(2026, 5, 31, 22, tzinfo=dt.UTC), dt.datetime(2026, 6, 30, 22, tzinfo=dt.UTC)
    with scope(cast.cluster.pk):
        taken = set(IntervalState.objects.values_list("interval_start", flat=True))
        starts = [start + n * dt.timedelta(minutes=15) for n in range((end - start) // dt.timedelta(minutes=15))]
        starts = [each for each in starts if each not in taken]
        IntervalInput.objects.bulk_create(
            IntervalInput(cluster=cast.cluster, interval_start=each, changes=1) for each in starts
        )
        runs = ClearingRun.objects.bulk_create(
            ClearingRun(
                cluster=cast.cluster, number=number, interval_start=each, revision=1, state="balanced", surplus_wh=0,
                shortage_wh=0, matched_wh=0, external_import_wh=0, external_export_wh=0,
                buy_pln_kwh=Decimal("0.30"), sell_pln_kwh=Decimal("0.20"), inverted=False,
                operating_cost_pln=Decimal(0), status="final", content_digest="0" * 64, digest=f"{number:064d}",
                previous_digest="0" * 64, solver="HiGHS", cleared_at=each + dt.timedelta(minutes=16),
            )
            for number, each in enumerate(starts, start=2)
        )  # fmt: skip
        IntervalState.objects.bulk_create(
            IntervalState(cluster=cast.cluster, interval_start=run.interval_start, run=run, inputs_seen=1)
            for run in runs
        )


def add_members(cast: Cast, count: int) -> None:
    """Consumers who draw nothing and owe the monthly rate."""
    with scope(cast.cluster.pk):
        station = GridNode.objects.get(code="ST-1")
        people = Participant.objects.bulk_create(
            Participant(
                cluster=cast.cluster, code=f"Q{number:05}", kind="consumer", legal_form="person",
                name=f"Member {number}", street="Polna 1", postcode="00-001", city="Trzystacje", country="PL",
                vat_payer=False,
            )
            for number in range(1, count + 1)
        )  # fmt: skip
        points = MeteringPoint.objects.bulk_create(
            MeteringPoint(cluster=cast.cluster, code=f"5900000001{number:08}") for number in range(1, count + 1)
        )
        PointAssignment.objects.bulk_create(
            PointAssignment(
                cluster=cast.cluster, metering_point=point, participant=participant, role="member", grid_node=station,
                tariff_group="G11", contracted_power_kw=Decimal(14), generation_capacity_kw=Decimal(0), phases=3,
                yearly_use_kwh=1808, capacity_factor=Decimal(1), valid_from=DAY,
            )
            for point, participant in zip(points, people, strict=True)
        )  # fmt: skip
        Contract.objects.bulk_create(
            Contract(cluster=cast.cluster, participant=each, scheme="p2p", valid_from=DAY) for each in people
        )
