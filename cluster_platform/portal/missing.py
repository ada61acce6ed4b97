"""What a distributor owes the clusters on its grid: readings that have not come yet."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q

from cluster_platform.portal.periods import Span, day_span, month_span
from contracts.models import TariffRate
from contracts.selectors.book import book_on
from metering.domain.calendar import (
    INTERVAL_SECONDS,
    day_bounds,
    each_day,
    interval_of,
    local_day,
    next_month,
    time_zone,
)
from metering.domain.versions import FIRST_DELIVERED
from participants.models import Cluster, Dso

POINTS_LISTED = 100
#: Ids of the grid nodes to look at; None: all.
Nodes = frozenset[int] | None


@dataclass(frozen=True)
class MissingDay:
    """Metering points of one local day: how many there are, how many lack readings, and how many readings.

    `day` is None for the month as a whole, in which a metering point counts once.
    """

    day: date | None
    points: int
    points_missing: int
    readings_missing: int


@dataclass(frozen=True)
class MissingPoint:
    """A metering point and how many of a day's readings it lacks."""

    code: str
    readings_missing: int
    readings_due: int


@dataclass(frozen=True)
class Report:
    """A cluster's month, newest day first, and the points of the day that was opened."""

    cluster: Cluster
    month: Span
    whole: MissingDay
    days: list[MissingDay]
    opened: date | None
    points_of_day: list[MissingPoint]

    @property
    def points_cut(self) -> bool:
        return len(self.points_of_day) == POINTS_LISTED


def report(cluster: Cluster, month: date | None, opened: date | None, now: datetime, nodes: Nodes = None) -> Report:
    """What is missing in one cluster: in the given month, or else the current one; needs the cluster in scope.

    `nodes` are the ids of the grid nodes that the reader looks after, None: all.
    """
    tz = time_zone(cluster.timezone)
    span = month_span(month or opened or local_day(now, tz), tz)
    *days, whole = missing_by_day(cluster.pk, span, tz, now, nodes)
    points = missing_points(cluster.pk, day_span(opened, tz), tz, now, nodes) if opened else []
    return Report(cluster, span, whole, days[::-1], opened, points)


def rates_in_force(dso: Dso, day: date) -> list[TariffRate]:
    """The distributor's tariff book on one day."""
    in_force = Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gt=day))
    rates = TariffRate.objects.filter(in_force, book=book_on(dso, day))
    return list(rates.order_by("group", "component", "zone", "use_from_kwh"))


#: Readings due and there (estimates are not), by point and day; parameters: days, due, cluster, nodes (twice), zone,
#: cluster, start, end, cluster, days.
_DUE = f"""
    WITH due AS (
        SELECT a.metering_point_id, d.day, d.due
        FROM unnest(%s::date[], %s::int[]) AS d(day, due)
        JOIN metering_pointassignment a
          ON a.cluster_id = %s AND a.valid_from <= d.day AND (a.valid_to IS NULL OR a.valid_to > d.day)
         AND EXISTS (SELECT FROM metering_meteringpoint m WHERE m.cluster_id = a.cluster_id
                     AND m.id = a.metering_point_id AND m.readings_from = 'dso')
          AND (%s::bigint[] IS NULL OR a.grid_node_id = ANY(%s::bigint[]))
    ),
    there AS (
        SELECT r.metering_point_id, (r.interval_start AT TIME ZONE %s)::date AS day,
               count(DISTINCT interval_start) AS count
        FROM metering_reading r
        WHERE cluster_id = %s AND version >= {FIRST_DELIVERED} AND interval_start >= %s AND interval_start < %s
        GROUP BY 1, 2
        UNION ALL
        SELECT metering_point_id, day, measured + split + substituted FROM metering_readingday
        WHERE cluster_id = %s AND day = ANY(%s::date[])
    ),
    compared AS (
        SELECT due.day, due.metering_point_id, due.due, greatest(due.due - coalesce(there.count, 0), 0) AS missing
        FROM due LEFT JOIN there USING (metering_point_id, day)
    )
"""


def missing_by_day(cluster_id: int, month: Span, tz: ZoneInfo, now: datetime, nodes: Nodes = None) -> list[MissingDay]:
    """The days of a month up to now, oldest first, and the whole last; only finished quarter-hours are due."""
    sql = f"""{_DUE}
    SELECT day, count(DISTINCT metering_point_id), count(DISTINCT metering_point_id) FILTER (WHERE missing > 0),
        coalesce(sum(missing), 0)::bigint
    FROM compared GROUP BY GROUPING SETS ((day), ()) ORDER BY day NULLS LAST
    """
    days = list(each_day(month.first, next_month(month.first)))
    return [MissingDay(*row) for row in _fetch(sql, cluster_id, days, month, tz, now, nodes)]


def missing_points(cluster_id: int, day: Span, tz: ZoneInfo, now: datetime, nodes: Nodes = None) -> list[MissingPoint]:
    """The metering points that lack most of one day's readings, at most POINTS_LISTED."""
    sql = f"""{_DUE}
    SELECT m.code, c.missing, c.due
    FROM compared c JOIN metering_meteringpoint m ON m.cluster_id = {int(cluster_id)} AND m.id = c.metering_point_id
    WHERE c.missing > 0 ORDER BY c.missing DESC, m.code LIMIT {POINTS_LISTED}
    """
    return [MissingPoint(*row) for row in _fetch(sql, cluster_id, [day.first], day, tz, now, nodes)]


def _fetch(
    sql: str, cluster_id: int, days: list[date], span: Span, tz: ZoneInfo, now: datetime, nodes: Nodes
) -> list[Any]:
    finished = interval_of(now)
    due = []
    for day in days:
        start, end = day_bounds(day, tz)
        seconds = (min(end, finished) - start).total_seconds()
        due.append(max(0, int(seconds // INTERVAL_SECONDS)))
    started = [(day, count) for day, count in zip(days, due, strict=True) if count]
    columns: list[Any] = [[day for day, _ in started], [count for _, count in started]]
    inside = None if nodes is None else list(nodes)
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            [
                *columns, cluster_id, inside, inside, tz.key, cluster_id, span.start, min(span.end, finished),
                cluster_id, columns[0],
            ],
        )  # fmt: skip
        return cursor.fetchall()
