"""The cluster as a whole: sums only, and only where they hide the single member."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection

from clearing.models import ClearingRun, IntervalState
from cluster_platform.portal.energy import Flow
from metering.domain.calendar import INTERVAL, interval_of

#: Sums over fewer metering points would show somebody's own.
FEWEST_POINTS = 5


@dataclass(frozen=True)
class TradingPoints:
    """Metering points that trade, and those of them that can feed in."""

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
    def flow(self) -> Flow:
        """What all trading members together drew and fed in."""
        run = self.run
        return Flow(run.matched_wh, run.external_import_wh, run.matched_wh, run.external_export_wh)

    @property
    def traded_share_of_demand(self) -> Decimal | None:
        return Decimal(self.run.matched_wh) / self.run.shortage_wh if self.run.shortage_wh else None


def trading_points(cluster_id: int, days: Sequence[date]) -> TradingPoints:
    """The fewest on any of these local days; days on which nobody traded have no sums to hide and don't count."""
    sql = """
    SELECT coalesce(min(points), 0), coalesce(min(feeding), 0) FROM (
        SELECT count(*) AS points, count(*) FILTER (WHERE a.generation_capacity_kw > 0) AS feeding
        FROM unnest(%s::date[]) AS d(day)
        JOIN metering_pointassignment a
          ON a.cluster_id = %s AND a.role = 'member'
         AND a.valid_from <= d.day AND (a.valid_to IS NULL OR a.valid_to > d.day)
        JOIN contracts_contract c
          ON c.cluster_id = a.cluster_id AND c.participant_id = a.participant_id AND c.scheme = 'p2p'
         AND c.valid_from <= d.day AND (c.valid_to IS NULL OR c.valid_to > d.day)
        GROUP BY d.day
    ) AS by_day
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(days), cluster_id])
        return TradingPoints(*cursor.fetchone())


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
