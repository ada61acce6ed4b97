"""Tells which staged lines are readings of known points and times."""

from datetime import datetime
from typing import Any

from metering.domain.calendar import parse_instant
from metering.domain.readings import QUALITY_CODE
from metering.domain.versions import version_of
from metering.services.answers import Taken
from metering.services.refusals import Rules
from participants.models import Cluster

# Small analysed tables: the planner would hash the readings instead of what unnest() gives.
_KNOWN_POINTS = """
CREATE TEMPORARY TABLE known_point ON COMMIT DROP AS
SELECT m.code, m.id, a.valid_from::timestamp AT TIME ZONE %(timezone)s AS starts,
       coalesce(a.valid_to::timestamp AT TIME ZONE %(timezone)s, 'infinity') AS ends
FROM metering_pointassignment a
JOIN metering_meteringpoint m ON (m.cluster_id, m.id) = (a.cluster_id, a.metering_point_id)
WHERE a.cluster_id = %(cluster)s AND (%(points)s::bigint[] IS NULL OR m.id = ANY(%(points)s::bigint[]))
"""
_KNOWN_STARTS = """
CREATE TEMPORARY TABLE known_start ON COMMIT DROP AS
SELECT * FROM unnest(%(texts)s::text[], %(starts)s::timestamptz[]) AS u(text, at)
"""
_KNOWN_STAMPS = """
CREATE TEMPORARY TABLE known_stamp ON COMMIT DROP AS
SELECT * FROM unnest(%(texts)s::text[], %(versions)s::int[]) AS u(text, version)
"""
# Measured, a CASE costs half of what array_position() does.
_QUALITY = " ".join(f"WHEN '{name}' THEN {code}" for name, code in QUALITY_CODE.items())
#: The lines of known points and times, as readings.
RESOLVED = """
SELECT r.ctid AS place, p.id AS metering_point_id, s.at AS interval_start, {stamp} AS stamp, {stamped} AS stamped,
       r.imported_wh, r.exported_wh, (CASE r.quality {quality} END)::smallint AS quality
FROM staged r
JOIN known_start s ON s.text = r.interval_start
JOIN known_point p ON p.code = r.metering_point AND s.at >= p.starts AND s.at < p.ends
{join}
"""
_CHECKED = "SELECT * FROM ({resolved}) r WHERE imported_wh >= 0 AND exported_wh >= 0 AND quality IS NOT NULL"
_ONE_STAMP = {"stamp": "%(version)s::int", "stamped": "%(stamped)s", "join": ""}
_OWN_STAMPS = {
    "stamp": "coalesce(i.version, %(version)s)",
    "stamped": "(%(stamped)s OR i.version IS NOT NULL)",
    "join": "JOIN (SELECT * FROM known_stamp UNION ALL SELECT '', NULL) i ON i.text = coalesce(r.issued_at, '')",
}


# A wrong year must not make partitions.
_MONTHS = """
SELECT DISTINCT date_trunc('month', at, 'UTC') FROM known_start
WHERE at >= (SELECT min(starts) FROM known_point) AND at < (SELECT max(ends) FROM known_point)
"""
_TIMES = "SELECT DISTINCT interval_start FROM ({resolved}) r"


class Resolved:
    """The lines of `staged` of known points and times, as the query `sql` with `parameters`, see RESOLVED.

    `checked` is the query of those that are right; the table of readings itself refuses the others of `sql`. `starts`
    are the quarter-hours of the delivery that have been. Makes the tables `known_point`, `known_start` and
    `known_stamp`; needs the scope.
    """

    def __init__(self, cursor: Any, cluster: Cluster, rules: Rules, version: int, stamped: bool, own: bool) -> None:
        self.parameters = {
            "version": version,
            "stamped": stamped,
            "estimated": QUALITY_CODE["estimated"],
        }
        self.sql = RESOLVED.format(quality=_QUALITY, **(_OWN_STAMPS if own else _ONE_STAMP))
        self.checked = _CHECKED.format(resolved=self.sql)
        self.own_stamps = own
        points = None if rules.only is None else sorted(rules.only)
        cursor.execute(_KNOWN_POINTS, {"timezone": cluster.timezone, "cluster": cluster.pk, "points": points})
        starts = [text for text in _distinct(cursor, "interval_start") if rules.start_fault(text) is None]
        self.starts: list[datetime] = [parse_instant(text) for text in starts]
        cursor.execute(_KNOWN_STARTS, {"texts": starts, "starts": self.starts})
        stamps = [text for text in _distinct(cursor, "issued_at") if rules.stamp_fault(text) is None] if own else []
        versions = [version_of(parse_instant(text)) for text in stamps]
        cursor.execute(_KNOWN_STAMPS, {"texts": stamps, "versions": versions})
        cursor.execute("ANALYZE known_point, known_start, known_stamp")

    @property
    def taken(self) -> Taken:
        """All of them, as the first readings of their quarter-hours."""
        return Taken(f"SELECT place, 'a' AS letter FROM ({self.sql}) r", self.parameters)

    def months(self, cursor: Any) -> list[datetime]:
        """The first instants of the months (UTC) that the readings may be in."""
        cursor.execute(_MONTHS)
        return [month for (month,) in cursor.fetchall()]

    def times(self, cursor: Any) -> list[datetime]:
        """The quarter-hours of those that are right."""
        cursor.execute(_TIMES.format(resolved=self.sql), self.parameters)
        return [at for (at,) in cursor.fetchall()]


def _distinct(cursor: Any, column: str) -> list[str]:
    cursor.execute(f"SELECT {column} FROM staged WHERE {column} IS NOT NULL GROUP BY 1")
    return [value for (value,) in cursor.fetchall()]
