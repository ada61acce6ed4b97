"""Which months are old enough and settled, so that only daily sums of their readings are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db import OperationalError, connection

from metering.domain.calendar import local_day, local_midnight, next_month, time_zone
from metering.models import Reading
from metering.services.retention import aggregate_month
from participants.models import Cluster
from participants.tenancy.partitions import drop_empty_months
from participants.tenancy.scope import scope

# Months with anything on the work list; what was aggregated is on it no more. Open is a quarter-hour without a final
# run of what is known of it now.
_MONTHS = """
SELECT date_trunc('month', i.interval_start AT TIME ZONE %(zone)s)::date,
       count(*) FILTER (WHERE s.run_id IS NULL OR s.waits_for <> '' OR s.inputs_seen <> i.changes
                        OR r.status <> 'final')
FROM metering_intervalinput i
LEFT JOIN clearing_intervalstate s ON s.cluster_id = i.cluster_id AND s.interval_start = i.interval_start
LEFT JOIN clearing_clearingrun r ON r.cluster_id = s.cluster_id AND r.id = s.run_id
WHERE i.cluster_id = %(cluster)s AND i.interval_start < %(end)s
GROUP BY 1 ORDER BY 1
"""
_READINGS = """
SELECT count(*) FROM metering_reading WHERE cluster_id = %s AND interval_start >= %s AND interval_start < %s
"""


@dataclass(frozen=True)
class OldMonth:
    """A local month older than what is kept: its readings, and how many quarter-hours are not settled for good."""

    month: date
    readings: int
    open: int


def kept_month(cluster: Cluster, now: datetime, keep_months: int) -> date:
    """The first local month whose readings are kept: this month and `keep_months` whole ones before it."""
    today = local_day(now, time_zone(cluster.timezone))
    number = today.year * 12 + today.month - 1 - keep_months
    return date(number // 12, number % 12 + 1, 1)


def old_months(cluster: Cluster, now: datetime, keep_months: int) -> list[OldMonth]:
    """The months to be aggregated, oldest first; those with open quarter-hours wait. Opens the scope."""
    zone = time_zone(cluster.timezone)
    end = local_midnight(kept_month(cluster, now, keep_months), zone)
    with scope(cluster.pk), connection.cursor() as cursor:
        cursor.execute(_MONTHS, {"zone": zone.key, "cluster": cluster.pk, "end": end})
        found = []
        for month, still_open in cursor.fetchall():
            bounds = local_midnight(month, zone), local_midnight(next_month(month), zone)
            cursor.execute(_READINGS, [cluster.pk, *bounds])
            found.append(OldMonth(month, cursor.fetchone()[0], still_open))
        return found


def aggregate_old(cluster: Cluster, now: datetime, keep_months: int) -> Iterator[tuple[OldMonth, int]]:
    """Aggregate the settled months one by one, oldest first; yields each with how many readings went.

    Safe to stop and to run twice.
    """
    for month in old_months(cluster, now, keep_months):
        if not month.open:
            yield month, aggregate_month(cluster, month.month, now)


def give_space_back() -> int:
    """Drop the months of readings that no cluster has any more; 0 as well if the table is too busy."""
    try:
        return drop_empty_months(Reading._meta.db_table)
    except OperationalError:
        return 0
