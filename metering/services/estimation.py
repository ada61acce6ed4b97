"""Fills gaps with estimates, so that quarter-hours whose deadline has passed can be settled for the time being.

An estimate has version 1, below every delivered value: whatever comes later holds instead of it.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.db import connection

from metering.domain.calendar import (
    INTERVAL,
    day_bounds,
    interval_number,
    interval_start,
    interval_starts,
    local_day,
    public_holidays,
    time_zone,
)
from metering.domain.estimation import (
    LONGEST_LINE,
    SIMILAR_DAYS,
    Estimate,
    Likeness,
    Method,
    estimate,
    similar_days,
    slot_of,
)
from metering.models import DayCheck, Reading
from metering.selectors import gaps
from metering.selectors.days import DayState, day_states
from metering.selectors.retention import kept_from
from metering.services.inputs import touch_intervals
from metering.services.locks import lock_readings
from metering.services.passes import BAD_DATA, PASS_SECONDS
from participants.models import Cluster
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope

logger = logging.getLogger(__name__)

Spans = Sequence[tuple[datetime, datetime]]
LOCK_TIMEOUT = "30s"
#: Metering points at once.
BATCH = 500
VERSION = 1
# A delivery may have come since the gaps were looked for.
_STORE = """
INSERT INTO metering_reading
    (cluster_id, metering_point_id, interval_start, version, imported_wh, exported_wh, quality)
SELECT %(cluster)s, e.point, e.at, %(version)s, e.imported, e.exported, 4
FROM unnest(%(points)s::bigint[], %(starts)s::timestamptz[], %(imported)s::int[], %(exported)s::int[])
    AS e(point, at, imported, exported)
WHERE NOT EXISTS (SELECT FROM metering_reading r WHERE r.cluster_id = %(cluster)s AND r.metering_point_id = e.point
                  AND r.interval_start = e.at AND r.interval_start >= %(first)s AND r.interval_start <= %(last)s)
ORDER BY e.point, e.at
RETURNING interval_start
"""


@dataclass
class Report:
    """What a pass did: readings estimated by each method, and local days that failed and why.

    `last_day` was looked through last; whether there is `more` to do after it.
    """

    readings: Counter[Method] = field(default_factory=Counter)
    failed: dict[date, str] = field(default_factory=dict)
    last_day: date | None = None
    more: bool = False


def fill_gaps(cluster: Cluster, spans: Spans, after: date | None = None, seconds: float = PASS_SECONDS) -> Report:
    """Estimate what members' points lack in `spans`, the oldest local day first; opens its own scopes.

    Days for which no member's point delivered anything are left to `estimate_days`, and days that were looked through
    already and have not changed are not looked at again. A pass ends after so many seconds: the next one goes
    on `after` its last day. A day that fails is reported and the others go on.
    """
    report = Report()
    tz = time_zone(cluster.timezone)
    until = time.monotonic() + seconds
    with scope(cluster.pk):
        states = day_states(cluster, kept_from(cluster))
    for state in states:
        due = _within(spans, *day_bounds(state.day, tz))
        if not due or (after and state.day <= after) or _is_done(state, due[-1]):
            continue
        if report.last_day and time.monotonic() > until:
            report.more = True
            break
        report.last_day = state.day
        _try_day(cluster, state.day, due, report, state.changes)
    return report


def estimate_days(cluster: Cluster, days: Sequence[date], now: datetime) -> Report:
    """Estimate what lacks of these local days, finished before `now`, also if nobody delivered anything."""
    report = Report()
    tz = time_zone(cluster.timezone)
    for day in days:
        due = [start for start in interval_starts(*day_bounds(day, tz)) if start + INTERVAL <= now]
        if due:
            _try_day(cluster, day, due, report, None)
    return report


def estimates_for(cluster: Cluster, point: int, starts: Sequence[datetime]) -> dict[datetime, Estimate]:
    """What the point would be estimated at in these quarter-hours, as if nothing of them were known.

    Needs the scope. Quarter-hours at which it is no member's point get nothing.
    """
    tz = time_zone(cluster.timezone)
    numbers = frozenset(interval_number(start) for start in starts)
    found: dict[datetime, Estimate] = {}
    for day in sorted({local_day(start, tz) for start in starts}):
        mine = [start for start in starts if local_day(start, tz) == day]
        owners = gaps.point_as_gap(cluster, day, point, mine)
        estimated = _estimates(cluster, day, owners, numbers) if owners else {}
        found |= {interval_start(number): value for (_, number), value in estimated.items()}
    return found


def _is_done(state: DayState, last: datetime) -> bool:
    reached = state.estimated_to is not None and state.estimated_to > last
    return reached and state.changes == state.estimated_changes


def _within(spans: Spans, start: datetime, end: datetime) -> list[datetime]:
    """The quarter-hours of `[start, end)` that lie in one of the spans."""
    parts = ((max(first, start), min(stop, end)) for first, stop in spans)
    return [at for first, stop in parts if first < stop for at in interval_starts(first, stop)]


def _try_day(cluster: Cluster, day: date, due: Sequence[datetime], report: Report, changes: int | None) -> None:
    """One day; `changes` is None for a day that was asked for, which is estimated whatever was delivered."""
    try:
        report.readings += _fill_day(cluster, day, due, changes is None)
        if changes is not None:
            _note(cluster, day, changes, due[-1] + INTERVAL)
    except BAD_DATA as error:
        logger.exception("%s: the gaps of %s can't be estimated", cluster.slug, day)
        report.failed[day] = str(error)


def _fill_day(cluster: Cluster, day: date, due: Sequence[datetime], asked: bool) -> Counter[Method]:
    tz = time_zone(cluster.timezone)
    with scope(cluster.pk):
        missing = gaps.gaps(cluster, day, due)
        if missing and not asked and not gaps.anything_delivered(cluster, day, tz):
            missing = []
    counted: Counter[Method] = Counter()
    if missing:
        ensure_month_partitions(Reading._meta.db_table, due[0], due[-1])
    groups = _Groups(cluster, day)
    for first in range(0, len(missing), BATCH):
        with scope(cluster.pk):
            found = _estimates(cluster, day, missing[first : first + BATCH], frozenset(), groups)
            if _store(cluster, found):
                counted += Counter(value.method for value in found.values())
    return counted


class _Groups:
    """The groups of a day, read once they are needed: most points have similar days of their own."""

    def __init__(self, cluster: Cluster, day: date) -> None:
        self._cluster, self._day = cluster, day
        self._tz = time_zone(cluster.timezone)

    @cached_property
    def then(self) -> gaps.Groups:
        return gaps.groups_then(self._cluster, self._day, self._tz)

    @cached_property
    def by_slot(self) -> gaps.Groups:
        days = similar_days(self._day, public_holidays(self._cluster.holidays))[:SIMILAR_DAYS]
        return gaps.groups_by_slot(self._cluster, days, self._tz)


def _estimates(
    cluster: Cluster,
    day: date,
    missing: Sequence[gaps.PointGaps],
    distrusted: frozenset[int],
    groups: _Groups | None = None,
) -> dict[tuple[int, int], Estimate]:
    """The estimates by metering point and number of the quarter-hour; what is distrusted counts as not known."""
    tz = time_zone(cluster.timezone)
    groups = groups or _Groups(cluster, day)
    bounds = day_bounds(day, tz)
    bad_days = {local_day(interval_start(number), tz) for number in distrusted}
    days = [other for other in similar_days(day, public_holidays(cluster.holidays)) if other not in bad_days]
    points = [owner.point for owner in missing]
    known = gaps.known_around(cluster, points, *bounds)
    similar = gaps.similar_sums(cluster, points, days, tz)
    first, end = (interval_number(at) for at in bounds)
    around = range(first - LONGEST_LINE - 1, end + LONGEST_LINE + 1)
    slots = {interval_number(start): slot_of(start, tz) for start in interval_starts(*bounds)}
    found = {}
    for owner in missing:
        mine = {number: value for number, value in known[owner.point].items() if number not in distrusted}
        own_days = similar.get(owner.point, {})
        alone = all(slots[number] in own_days for number in owner.numbers)
        like = Likeness(
            own_days,
            {} if alone else groups.then.get(owner.group, {}),
            {} if alone else groups.by_slot.get(owner.group, {}),
            owner.size,
        )
        gone = [number for number in around if number not in mine]
        for number, value in estimate(owner.numbers, gone, mine, slots, like).items():
            found[owner.point, number] = value
    return found


def _store(cluster: Cluster, found: Mapping[tuple[int, int], Estimate]) -> bool:
    """Store what is still lacking; whether that was anything."""
    starts = [interval_start(number) for _, number in found]
    row: dict[str, Any] = {
        "cluster": cluster.pk,
        "version": VERSION,
        "points": [point for point, _ in found],
        "starts": starts,
        "imported": [value.imported_wh for value in found.values()],
        "exported": [value.exported_wh for value in found.values()],
        "first": min(starts),
        "last": max(starts),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        lock_readings(cluster)
        cursor.execute(_STORE, row)
        stored = [at for (at,) in cursor.fetchall()]
    touch_intervals(cluster.pk, stored)
    return bool(stored)


def _note(cluster: Cluster, day: date, changes: int, reached: datetime) -> None:
    with scope(cluster.pk):
        seen = {"estimated_changes": changes, "estimated_to": reached}
        DayCheck.objects.update_or_create(cluster=cluster, day=day, defaults=seen)
