"""The work list of clearing: which quarter-hours have something new to be settled from."""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F

from metering.domain.calendar import local_midnight
from metering.models import IntervalInput
from participants.models import Cluster


def touch_intervals(cluster: Cluster, starts: Iterable[dt.datetime]) -> None:
    """Note that an input of these intervals changed; call it in the transaction that changed it.

    Rows are locked in order of time, so that two deliveries of the same intervals never wait in a circle.
    """
    ordered = sorted(set(starts))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO metering_intervalinput (cluster_id, interval_start, changes) "
            "SELECT %s, start, 1 FROM unnest(%s::timestamptz[]) start ORDER BY start "
            "ON CONFLICT (cluster_id, interval_start) DO UPDATE SET changes = metering_intervalinput.changes + 1",
            [cluster.pk, ordered],
        )


def touch_days(cluster: Cluster, first: dt.date, end: dt.date | None = None) -> None:
    """Note that something dated changed from the local day `first` on, until `end` (exclusive, None = open).

    Only intervals that already have inputs are touched: others are on the list as soon as theirs arrive.
    """
    zone = ZoneInfo(cluster.timezone)
    touched = IntervalInput.objects.filter(cluster=cluster, interval_start__gte=local_midnight(first, zone))
    if end is not None:
        touched = touched.filter(interval_start__lt=local_midnight(end, zone))
    # Locked in order of time, as above.
    list(touched.order_by("interval_start").select_for_update().values_list("interval_start", flat=True))
    touched.update(changes=F("changes") + 1)
