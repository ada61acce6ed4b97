"""Settling intervals of one local day."""

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings

from clearing.domain.clear import clear
from clearing.domain.grid import IntArray
from clearing.domain.program import solver_version
from clearing.domain.result import ExternalPrices
from clearing.models import ClearingRun, IntervalState
from clearing.package.settled import settled_lines
from clearing.selectors import DayTerms, day_terms, external_prices, readings, runs_in_force
from clearing.services.store import Settled, store_runs, store_states
from metering.domain.calendar import format_instant
from participants.models import Cluster


@dataclass(frozen=True)
class Counts:
    """Intervals of a day: with a new run, with the same result as before, and without the readings or prices."""

    stored: int = 0
    unchanged: int = 0
    waiting: int = 0


def clear_day(cluster: Cluster, day: date, now: datetime, changes: dict[datetime, int]) -> Counts:
    """Settle these intervals of a local day and store what is new; `changes` are their counted inputs.

    To be called in the cluster's scope by the only one who settles it. What an interval is settled from is read after
    its changes were counted, so that a change in between makes it stale again.
    """
    starts = list(changes)
    terms = day_terms(cluster, day, starts)
    measured = readings(cluster, terms.point_ids, starts)
    prices = external_prices(cluster, starts)
    before = runs_in_force(cluster, starts)
    waits_for: dict[datetime, str] = {}
    new: list[Settled] = []
    for row, start in enumerate(starts):
        if not measured.present[row].all():
            waits_for[start] = IntervalState.WaitsFor.READINGS
        elif start not in prices:
            waits_for[start] = IntervalState.WaitsFor.PRICES
        else:
            provisional = bool(measured.estimated[row].any())
            settled = settle(terms, terms.slot_of[row], start, measured.net_wh[row], prices[start], provisional)
            if not _same(before.get(start), settled):
                new.append(settled)
    points = dict(zip(terms.codes, terms.point_ids, strict=True))
    runs = before | store_runs(cluster, now, new, before, points, solver_version(settings.CLEARING_SOLVER))
    store_states(cluster, [(start, runs.get(start), changes[start], waits_for.get(start, "")) for start in starts])
    return Counts(len(new), len(starts) - len(new) - len(waits_for), len(waits_for))


def _same(before: ClearingRun | None, settled: Settled) -> bool:
    return (
        before is not None
        and before.content_digest == settled.content_digest
        and (before.status == ClearingRun.Status.PROVISIONAL) == settled.provisional
    )


def settle(
    terms: DayTerms, slot: int, start: datetime, net_wh: IntArray, prices: ExternalPrices, provisional: bool
) -> Settled:
    """Clear one interval and write it down in the package's lines."""
    result = clear(terms.members, terms.fees[slot], net_wh, prices, terms.rules, settings.CLEARING_SOLVER)
    written = settled_lines(format_instant(start), terms.members, prices, result)
    digest = written.content_digest()
    return Settled(start, result, prices, provisional, written.positions, written.trades, digest)
