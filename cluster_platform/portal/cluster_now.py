"""The cluster as a whole: sums only, and only where they hide the single member."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q

from clearing.models import ClearingRun, IntervalState
from contracts.models import Contract
from metering.domain.calendar import INTERVAL, interval_of
from metering.models import PointAssignment

#: Sums over fewer metering points would show somebody's own.
FEWEST_POINTS = 5


@dataclass(frozen=True)
class TradingPoints:
    """Metering points that trade on a day, and those of them that can feed in."""

    all: int
    feeding: int

    @property
    def enough(self) -> bool:
        return min(self.all, self.feeding) >= FEWEST_POINTS


@dataclass(frozen=True)
class Now:
    """The latest settled quarter-hour of the cluster."""

    run: ClearingRun

    @property
    def end(self) -> datetime:
        return self.run.interval_start + INTERVAL

    @property
    def traded_share_of_demand(self) -> Decimal | None:
        return Decimal(self.run.matched_wh) / self.run.shortage_wh if self.run.shortage_wh else None


def trading_points(day: date) -> TradingPoints:
    """Counted for one local day, in the cluster in scope."""
    in_force = Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day))
    contract = Contract.objects.filter(in_force, participant=OuterRef("participant"), scheme=Contract.Scheme.P2P)
    counts = PointAssignment.objects.filter(in_force, Exists(contract), role=PointAssignment.Role.MEMBER).aggregate(
        all=Count("pk"), feeding=Count("pk", filter=Q(generation_capacity_kw__gt=0))
    )
    return TradingPoints(counts["all"], counts["feeding"])


def latest_run(cluster_id: int) -> ClearingRun | None:
    """The run in force of the latest settled quarter-hour."""
    state = (
        IntervalState.objects.filter(cluster_id=cluster_id)
        .exclude(run=None)
        .select_related("run")
        .order_by("-interval_start")
        .first()
    )
    return state.run if state else None


def runs_in_force(cluster_id: int, start: datetime, end: datetime) -> list[ClearingRun]:
    """The runs in force of `[start, end)`, in order of time."""
    states = IntervalState.objects.filter(
        cluster_id=cluster_id, interval_start__gte=start, interval_start__lt=end
    ).exclude(run=None)
    return [state.run for state in states.select_related("run").order_by("interval_start") if state.run]


def minutes_to_next_clearing(now: datetime) -> int:
    """Minutes until the running quarter-hour ends and can be settled, rounded up."""
    left: timedelta = interval_of(now) + INTERVAL - now
    return -(-int(left.total_seconds()) // 60)
