"""Counts, of each finished local day, the readings that have not been delivered.

Only days that have changed since are counted again, so that what comes on time costs one count a day.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from metering.domain.calendar import day_bounds, each_day, interval_number, interval_starts, local_day, time_zone
from metering.services import completeness_sql as sql
from metering.services.passes import BAD_DATA, PASS_SECONDS
from participants.models import Cluster
from participants.tenancy.scope import scope

logger = logging.getLogger(__name__)


@dataclass
class Report:
    """What a pass did: local days counted, those that failed; whether there is `more` to do."""

    days: int = 0
    failed: int = 0
    more: bool = False


def count_gaps(cluster: Cluster, now: datetime, seconds: float = PASS_SECONDS) -> Report:
    """Count the local days finished at `now` that have changed, the oldest first; opens its own scopes.

    A pass ends after so many seconds: the next one goes on. A day that fails is reported and the others go on.
    """
    report = Report()
    tz = time_zone(cluster.timezone)
    until = time.monotonic() + seconds
    with scope(cluster.pk):
        (first,) = _rows(sql.BEGINNING, {"cluster": cluster.pk, "zone": cluster.timezone})[0]
        days = list(each_day(first, local_day(now, tz))) if first else []
        changed = _rows(sql.CHANGED, _asked(cluster, days, tz)) if days else []
    for day, changes in changed:
        if report.days and time.monotonic() > until:
            report.more = True
            break
        _try_day(cluster, day, changes, report, tz)
    if days and not report.more:
        with scope(cluster.pk):
            _run(sql.SILENT, _asked(cluster, days, tz))
    return report


def _try_day(cluster: Cluster, day: date, changes: int, report: Report, tz: ZoneInfo) -> None:
    start, end = day_bounds(day, tz)
    asked = {
        "cluster": cluster.pk,
        "day": day,
        "changes": changes,
        "start": start,
        "end": end,
        "starts": interval_starts(start, end),
        "length": interval_number(end) - interval_number(start),
    }
    try:
        with scope(cluster.pk):
            _run(sql.COUNT, asked)
            _run(sql.NOTE, asked)
        report.days += 1
    except BAD_DATA:
        logger.exception("%s: the readings of %s can't be counted", cluster.slug, day)
        report.failed += 1


def _asked(cluster: Cluster, days: Sequence[date], tz: ZoneInfo) -> dict[str, Any]:
    bounds = [day_bounds(day, tz) for day in days]
    return {
        "cluster": cluster.pk,
        "zone": cluster.timezone,
        "days": list(days),
        "starts": [start for start, _ in bounds],
        "lengths": [interval_number(end) - interval_number(start) for start, end in bounds],
        "start": bounds[0][0],
        "end": bounds[-1][1],
    }


def _run(statement: str, asked: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)


def _rows(statement: str, asked: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
