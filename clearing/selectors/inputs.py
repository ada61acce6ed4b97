"""What clearing reads: the work list, and everything that an interval is settled from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from django.db.models import Exists, Max, OuterRef, Q
from numpy.typing import NDArray

from clearing.domain.errors import ClearingError
from clearing.domain.grid import GridNode as Node
from clearing.domain.grid import IntArray, build_pools
from clearing.domain.members import FeeTable, Members, fee_table, prepare
from clearing.domain.result import ExternalPrices
from clearing.domain.rules import Allocation, PriceRule, Residual, Rules
from clearing.models import ClearingRun, IntervalState
from contracts.domain.fees import fee_table as grid_fees
from contracts.domain.money import to_micro
from contracts.domain.tariff import Profile
from contracts.models import ClusterSettings, Contract, ExternalPrice, StaticKey
from contracts.selectors import tariff_book
from contracts.selectors.book import discounts as own_discounts
from metering.domain.calendar import INTERVAL, time_zone
from metering.models import GridNode, IntervalInput, PointAssignment, Reading
from metering.selectors.held import held_readings
from participants.models import Cluster


class NotReady(ClearingError):
    """A day can't be settled because the cluster's settings don't reach it."""


def work_list(
    cluster: Cluster, now: datetime, start: datetime | None, end: datetime | None, settled_too: bool = False
) -> dict[datetime, int]:
    """Finished intervals of [start, end) that are due or stale, oldest first, with the changes counted so far.

    With `settled_too` also those whose inputs have not changed since they were settled.
    """
    inputs = IntervalInput.objects.filter(cluster=cluster, interval_start__lte=now - INTERVAL)
    if start is not None:
        inputs = inputs.filter(interval_start__gte=start)
    if end is not None:
        inputs = inputs.filter(interval_start__lt=end)
    if not settled_too:
        seen = IntervalState.objects.filter(
            cluster=cluster, interval_start=OuterRef("interval_start"), inputs_seen=OuterRef("changes")
        )
        inputs = inputs.filter(~Exists(seen))
    return dict(inputs.order_by("interval_start").values_list("interval_start", "changes"))


@dataclass(frozen=True)
class DayTerms:
    """What holds for all intervals of a local day.

    point_ids and codes are [points], by code; `fees[slot_of[i]]` is the fee table of the day's i-th asked interval.
    """

    point_ids: list[int]
    codes: list[str]
    members: Members
    rules: Rules
    fees: list[FeeTable]
    slot_of: list[int]


def day_terms(cluster: Cluster, day: date, starts: Sequence[datetime]) -> DayTerms:
    """Members, grid, rules and grid fees of a local day. Raises NotReady without settings, TariffError for a gap."""
    settings = ClusterSettings.objects.filter(cluster=cluster, valid_from__lte=day).order_by("-valid_from").first()
    if settings is None:
        raise NotReady(f"no settings are in force on {day}")
    book = tariff_book(cluster)
    discounts = book.discounts_on(day, own_discounts(settings.sharing_discount))
    nodes = GridNode.objects.filter(cluster=cluster).values_list("code", "parent__code", "level")
    pools = build_pools({code: Node(parent, level) for code, parent, level in nodes}, discounts)
    points = _members_on(cluster, day)
    keys = _static_keys(cluster, day)
    profiles = [
        Profile(p.tariff_group, p.phases, p.yearly_use_kwh, p.capacity_factor, p.contracted_power_kw) for p in points
    ]
    rows: dict[tuple[str, int, int, Decimal], int] = {}
    profile_of = [rows.setdefault(book.kwh_class(profile), len(rows)) for profile in profiles]
    distinct = [profiles[profile_of.index(row)] for row in rows.values()]
    slots = book.slot_index(starts, time_zone(cluster.timezone))
    table = grid_fees(book, distinct, slots.slots, pools.levels, discounts)
    return DayTerms(
        point_ids=[p.metering_point_id for p in points],
        codes=[p.metering_point.code for p in points],
        members=prepare(
            pools,
            [p.metering_point.code for p in points],
            [p.grid_node.code for p in points],
            profile_of,
            [str(p.participant_id) for p in points],
            [keys.get(p.participant_id, 0) for p in points],
        ),
        rules=_rules(settings),
        fees=[fee_table(table.external[:, slot], table.local[:, slot]) for slot in range(len(slots.slots))],
        slot_of=slots.of.tolist(),
    )


def _rules(settings: ClusterSettings) -> Rules:
    return Rules(
        allocation=Allocation(settings.allocation),
        price_rule=PriceRule(settings.price_rule),
        price_share=Fraction(settings.price_share),
        fixed_price=to_micro(settings.fixed_price_pln_kwh or Decimal(0)),
        residual=Residual(settings.residual),
    )


def _in_force(day: date) -> Q:
    return Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day))


def _members_on(cluster: Cluster, day: date) -> list[PointAssignment]:
    """The points, by code, of participants under a P2P contract on a local day."""
    contracts = Contract.objects.filter(
        _in_force(day), cluster=cluster, scheme=Contract.Scheme.P2P, participant=OuterRef("participant")
    )
    found = PointAssignment.objects.filter(
        _in_force(day), Exists(contracts), cluster=cluster, role=PointAssignment.Role.MEMBER
    )
    return sorted(found.select_related("metering_point", "grid_node"), key=lambda p: p.metering_point.code)


def _static_keys(cluster: Cluster, day: date) -> dict[int | None, int]:
    """Keys by participant, as millionths, of the last day on or before `day` from which keys are agreed."""
    agreed = StaticKey.objects.filter(cluster=cluster, valid_from__lte=day)
    latest = agreed.aggregate(day=Max("valid_from"))["day"]
    return {key.participant_id: to_micro(key.share) for key in agreed.filter(valid_from=latest)}


class Readings(NamedTuple):
    """Readings of some points and intervals, as matrices [intervals, points] in the order asked for."""

    net_wh: IntArray
    present: NDArray[np.bool_]
    estimated: NDArray[np.bool_]


def readings(cluster: Cluster, point_ids: Sequence[int], starts: Sequence[datetime]) -> Readings:
    """The latest version of each reading; `starts` ascend."""
    shape = (len(starts), len(point_ids))
    result = Readings(np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool))
    rows = np.array(held_readings(cluster.pk, point_ids, starts), dtype=np.int64).reshape(-1, 4)
    of_point = {point: column for column, point in enumerate(point_ids)}
    row_of = {round(start.timestamp()): row for row, start in enumerate(starts)}
    asked = np.isin(rows[:, 1], list(row_of))
    rows = rows[asked]
    at = [row_of[second] for second in rows[:, 1].tolist()], [of_point[point] for point in rows[:, 0].tolist()]
    result.net_wh[at] = rows[:, 2]
    result.present[at] = True
    result.estimated[at] = rows[:, 3] == Reading.Quality.ESTIMATED
    return result


def external_prices(cluster: Cluster, starts: Sequence[datetime]) -> dict[datetime, ExternalPrices]:
    """The latest version of the external prices of those intervals that have any."""
    rows = ExternalPrice.objects.filter(cluster=cluster, interval_start__in=starts).order_by("version")
    return {row.interval_start: ExternalPrices(to_micro(row.buy_pln_kwh), to_micro(row.sell_pln_kwh)) for row in rows}


def runs_in_force(cluster: Cluster, starts: Sequence[datetime]) -> dict[datetime, ClearingRun]:
    """The newest run of each of the intervals that were settled before."""
    rows = ClearingRun.objects.filter(cluster=cluster, interval_start__in=starts).order_by("revision")
    return {run.interval_start: run for run in rows}


def last_run(cluster: Cluster) -> ClearingRun | None:
    """The end of the cluster's chain of runs."""
    return ClearingRun.objects.filter(cluster=cluster).order_by("-number").first()
