"""Participants' settled energy by local month, for lists: one query however many there are."""

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection

from cluster_platform.portal.energy import Flow

# Unlike the portal's, by participant and for the days on which a point was its own.
_BALANCES = """
SELECT a.participant_id, date_trunc('month', p.interval_start AT TIME ZONE %(zone)s)::date,
    sum(p.local_bought_wh)::bigint, sum(p.external_bought_wh)::bigint,
    sum(p.local_sold_wh)::bigint, sum(p.external_sold_wh)::bigint
FROM metering_pointassignment a
JOIN clearing_position p
  ON p.cluster_id = a.cluster_id AND p.metering_point_id = a.metering_point_id
 AND p.interval_start >= a.valid_from::timestamp AT TIME ZONE %(zone)s
 AND p.interval_start < coalesce(a.valid_to::timestamp AT TIME ZONE %(zone)s, 'infinity')
 AND p.interval_start >= %(start)s AND p.interval_start < %(end)s
JOIN clearing_intervalstate s
  ON s.cluster_id = p.cluster_id AND s.interval_start = p.interval_start AND s.run_id = p.run_id
WHERE a.cluster_id = %(cluster)s AND a.participant_id = ANY(%(participants)s) AND p.cluster_id = %(cluster)s
GROUP BY 1, 2
"""


def balances(
    cluster_id: int, participants: Iterable[int], start: datetime, end: datetime, tz: ZoneInfo
) -> dict[int, dict[date, Flow]]:
    """By participant and first day of the local month: drawn and fed in (Wh) with neighbours and outside."""
    found: dict[int, dict[date, Flow]] = {}
    wanted = list(participants)
    if not wanted:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            _BALANCES,
            {"cluster": cluster_id, "participants": wanted, "start": start, "end": end, "zone": tz.key},
        )
        for participant, month, *sums in cursor.fetchall():
            found.setdefault(participant, {})[month] = Flow(*sums)
    return found
