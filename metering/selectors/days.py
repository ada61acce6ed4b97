"""Which local days have changed since they were looked through."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from participants.models import Cluster

_DAYS = """
SELECT d.day, d.changes, coalesce(c.estimated_changes, 0), c.estimated_to, coalesce(c.validated_changes, 0)
FROM (SELECT (interval_start AT TIME ZONE %(zone)s)::date AS day, sum(changes) AS changes
      FROM metering_intervalinput WHERE cluster_id = %(cluster)s AND interval_start >= %(start)s GROUP BY 1) d
LEFT JOIN metering_daycheck c ON c.cluster_id = %(cluster)s AND c.day = d.day
ORDER BY d.day
"""


@dataclass(frozen=True, slots=True)
class DayState:
    """A local day for which anything came, and what was looked at of it."""

    day: date
    changes: int
    estimated_changes: int
    estimated_to: datetime | None
    validated_changes: int


def day_states(cluster: Cluster, start: datetime) -> list[DayState]:
    """The days of the cluster in scope from the local midnight `start` on, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, {"cluster": cluster.pk, "zone": cluster.timezone, "start": start})
        return [DayState(row[0], int(row[1]), *row[2:]) for row in cursor.fetchall()]
