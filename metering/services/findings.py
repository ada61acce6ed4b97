"""Looks through the readings of local days for what is implausible. Nothing that was measured is changed by it."""

import logging
import time
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from metering.domain.calendar import day_bounds, interval_starts, local_midnight, time_zone
from metering.domain.sun import dark
from metering.models import DayCheck, Finding
from metering.selectors.days import day_states
from metering.selectors.retention import kept_from
from metering.services import findings_sql as sql
from metering.services.passes import BAD_DATA, PASS_SECONDS
from participants.models import Cluster, User
from participants.tenancy.scope import scope

logger = logging.getLogger(__name__)

ONE_DAY = timedelta(days=1)


class FindingGone(ValueError):
    """The finding is not open any more."""


@dataclass
class Report:
    """What a pass did: local days looked through, and those that failed and why.

    `last_day` was looked through last; whether there is `more` to do after it.
    """

    days: int = 0
    failed: dict[date, str] = field(default_factory=dict)
    last_day: date | None = None
    more: bool = False


def look_through(cluster: Cluster, now: datetime, after: date | None = None, seconds: float = PASS_SECONDS) -> Report:
    """Look through the local days that have changed, and the days after them, oldest first; opens its own scopes.

    A pass ends after so many seconds: the next one goes on `after` its last day. A day that fails is reported and the
    others go on.
    """
    report = Report()
    until = time.monotonic() + seconds
    with scope(cluster.pk):
        states = {state.day: state for state in day_states(cluster, kept_from(cluster))}
    changed = {day for day, state in states.items() if state.changes != state.validated_changes}
    # A meter that hangs, and a spike, are seen against the day before.
    for day in sorted(changed | ({day + ONE_DAY for day in changed} & states.keys())):
        if after and day <= after:
            continue
        if report.last_day and time.monotonic() > until:
            report.more = True
            break
        report.last_day = day
        try:
            with scope(cluster.pk):
                _look_through_day(cluster, day, now)
                seen = {"validated_changes": states[day].changes}
                DayCheck.objects.update_or_create(cluster=cluster, day=day, defaults=seen)
            report.days += 1
        except BAD_DATA as error:
            logger.exception("%s: the readings of %s can't be looked through", cluster.slug, day)
            report.failed[day] = str(error)
    return report


def _look_through_day(cluster: Cluster, day: date, now: datetime) -> None:
    tz = time_zone(cluster.timezone)
    start, end = day_bounds(day, tz)
    asked: dict[str, Any] = {
        "cluster": cluster.pk,
        "day": day,
        "now": now,
        "before": local_midnight(day - ONE_DAY, tz),
        "start": start,
        "end": end,
        "dark": dark(interval_starts(start, end), cluster.latitude, cluster.longitude),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.HELD, asked)
        cursor.execute(sql.ASSIGNED, asked)
        cursor.execute("ANALYZE held")
        cursor.execute("ANALYZE assigned")
        cursor.execute(sql.FOUND, asked)
        cursor.execute(sql.STORE, asked)
        cursor.execute(sql.GONE, asked)
        cursor.execute("DROP TABLE held, assigned, found")


def explain(finding: Finding, reason: str, user: User, now: datetime) -> None:
    """Close an open finding with a reason; it comes back if its figures change. Needs the scope.

    Raises FindingGone if it is gone, or has other figures than the caller has seen.
    """
    seen = {name: getattr(finding, name) for name in ("starts", "ends", "quarter_hours", "value_wh", "limit_wh")}
    rows = Finding.objects.filter(pk=finding.pk, **seen).exclude(state=Finding.State.GONE)
    if not rows.update(state=Finding.State.EXPLAINED, reason=reason, explained_by=user, explained_at=now):
        raise FindingGone
