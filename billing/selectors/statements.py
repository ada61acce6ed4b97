"""Statements in force, and how far a month is settled."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from billing.models import Statement
from billing.selectors.terms import Month
from participants.models import Cluster


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a month is settled, in intervals: `stale` ones wait for a new run, `provisional` ones hold estimates."""

    intervals: int
    missing: int
    first_missing: datetime | None
    stale: int
    provisional: int


def current_statements(cluster: Cluster, month: Month) -> QuerySet[Statement]:
    """The statement in force of each participant who has one for the month, by participant code."""
    newer = Statement.objects.filter(cluster=cluster, replaces=OuterRef("pk"))
    found = Statement.objects.filter(~Exists(newer), cluster=cluster, period=month.first)
    return found.select_related("participant").order_by("participant__code")


def progress(cluster: Cluster, month: Month) -> Progress:
    """Counts of the month's intervals by where they stand."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), count(*) FILTER (WHERE s.run_id IS NULL),
                   min(u.interval_start) FILTER (WHERE s.run_id IS NULL),
                   count(*) FILTER (WHERE s.run_id IS NOT NULL
                                    AND (n.changes IS DISTINCT FROM s.inputs_seen OR s.waits_for <> '')),
                   count(*) FILTER (WHERE r.status = 'provisional')
            FROM unnest(%s::timestamptz[]) AS u(interval_start)
            LEFT JOIN clearing_intervalstate s ON s.cluster_id = %s AND s.interval_start = u.interval_start
            LEFT JOIN metering_intervalinput n ON n.cluster_id = s.cluster_id AND n.interval_start = s.interval_start
            LEFT JOIN clearing_clearingrun r ON r.cluster_id = s.cluster_id AND r.id = s.run_id
            """,
            [list(month.starts), cluster.pk],
        )
        return Progress(*cursor.fetchone())
