"""Old readings become daily sums, a local day at a time, so that a stopped pass goes on where it was."""

from datetime import date, datetime

from django.db import connection

from metering.domain.calendar import each_day, next_month
from metering.models import AggregatedMonth
from metering.services.locks import lock_readings
from participants.models import Cluster
from participants.tenancy.scope import scope


def aggregate_month(cluster: Cluster, month: date, now: datetime) -> int:
    """Keep only daily sums of a local month; how many readings of all versions went. Opens a scope for each day.

    From the first moment on deliveries of the month are refused. The caller has seen that the month is settled; the
    database refuses one that ended less than fifteen months ago. What was done before is not done again.
    """
    with scope(cluster.pk):
        lock_readings(cluster)
        AggregatedMonth.objects.get_or_create(cluster=cluster, month=month, defaults={"at": now})
    removed = 0
    for day in each_day(month, next_month(month)):
        with scope(cluster.pk), connection.cursor() as cursor:
            cursor.execute("SELECT aggregate_readings(%s, %s)", [cluster.pk, day])
            removed += cursor.fetchone()[0]
    return removed
