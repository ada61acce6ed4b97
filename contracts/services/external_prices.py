"""Makes the prices of quarter-hours from the terms that hold outside, and marks for clearing what they change."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from contracts.models import ExternalTerms
from metering.domain.calendar import local_day, local_midnight, time_zone
from metering.services.inputs import touch_intervals
from metering.services.locks import lock_readings
from participants.models import Cluster
from participants.tenancy.scope import scope

#: Prices of so many days are made ahead; the market's are known until tomorrow's end.
DAYS_AHEAD = 2

# The rule of `contracts.domain.external_terms`; PostgreSQL rounds numeric half away from zero, as the money is.
_PRICE = """
round(0.001 * (
    CASE {0}.kind WHEN 'fixed' THEN {0}.price_pln_mwh ELSE m.pln_mwh * {0}.factor + {0}.margin_pln_mwh END
    {1} CASE WHEN {0}.balancing_in_price THEN {0}.balancing_pln_mwh ELSE 0 END
), 6)
"""
_STORE = f"""
WITH terms AS (
    SELECT *, valid_from::timestamp AT TIME ZONE %(zone)s AS starts,
           coalesce(valid_to::timestamp AT TIME ZONE %(zone)s, 'infinity') AS ends
    FROM contracts_externalterms WHERE cluster_id = %(cluster)s
), market AS (
    SELECT DISTINCT ON (interval_start) interval_start AS at, pln_mwh FROM contracts_marketprice
    WHERE interval_start >= %(first)s AND interval_start < %(end)s ORDER BY interval_start, version DESC
), held AS (
    SELECT DISTINCT ON (interval_start) interval_start AS at, version, buy_pln_kwh, sell_pln_kwh
    FROM contracts_externalprice
    WHERE cluster_id = %(cluster)s AND interval_start >= %(first)s AND interval_start < %(end)s
    ORDER BY interval_start, version DESC
), wanted AS (
    SELECT s.at, {_PRICE.format("b", "+")} AS buy, {_PRICE.format("g", "-")} AS sell
    FROM generate_series(%(first)s::timestamptz, %(end)s::timestamptz - interval '15 minutes', '15 minutes') AS s(at)
    JOIN terms b ON b.direction = 'buy' AND s.at >= b.starts AND s.at < b.ends
    JOIN terms g ON g.direction = 'sell' AND s.at >= g.starts AND s.at < g.ends
    LEFT JOIN market m ON m.at = s.at
    WHERE m.at IS NOT NULL OR (b.kind = 'fixed' AND g.kind = 'fixed')
), stored AS (
    INSERT INTO contracts_externalprice (cluster_id, interval_start, version, buy_pln_kwh, sell_pln_kwh)
    SELECT %(cluster)s, w.at, coalesce(h.version, 0) + 1, w.buy, w.sell
    FROM wanted w LEFT JOIN held h ON h.at = w.at
    WHERE (h.buy_pln_kwh, h.sell_pln_kwh) IS DISTINCT FROM (w.buy, w.sell)
    ORDER BY w.at
    RETURNING interval_start
)
SELECT s.interval_start, i.interval_start IS NOT NULL FROM stored s
LEFT JOIN metering_intervalinput i ON i.cluster_id = %(cluster)s AND i.interval_start = s.interval_start
"""


def price_externally(cluster: Cluster, now: datetime) -> int:
    """Store the external prices that the terms give and that differ from what holds; how many quarter-hours.

    Exactly the quarter-hours with another price are due for clearing again. Days without terms of both directions keep
    the prices that they have. Safe to run twice and by several workers at once.
    """
    with scope(cluster.pk):
        first = (
            ExternalTerms.objects.filter(cluster=cluster).order_by("valid_from").values_list("valid_from", flat=True)
        )
        start = first.first()
        if start is None:
            return 0
        tz = time_zone(cluster.timezone)
        end = local_midnight(local_day(now, tz) + timedelta(days=DAYS_AHEAD), tz)
        lock_readings(cluster)
        with connection.cursor() as cursor:
            asked: dict[str, Any] = {
                "cluster": cluster.pk,
                "zone": tz.key,
                "first": local_midnight(start, tz),
                "end": end,
            }
            cursor.execute(_STORE, asked)
            stored = cursor.fetchall()
        # Where nothing was delivered yet there is nothing to settle anew: the first reading will say so.
        touch_intervals(cluster.pk, [at for at, delivered in stored if delivered])
        return len(stored)
