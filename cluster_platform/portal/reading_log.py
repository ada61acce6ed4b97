"""Who looked at whose readings: noted for the distributor's page, shown to the members."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from cluster_platform.portal.energy import OwnPoints
from cluster_platform.portal.missing import Report
from cluster_platform.portal.periods import day_span
from metering.domain.calendar import INTERVAL, local_day, time_zone
from metering.models import MeteringPoint, ReadingAccess
from metering.services.access_log import Reader, note_access


@dataclass(frozen=True)
class AccessRow:
    """One access to a member's readings of these local days; without a metering point, to those of all members."""

    at: datetime
    role: str
    point: str
    purpose: str
    first_day: date
    last_day: date

    @property
    def purpose_label(self) -> str:
        return str(ReadingAccess.Purpose(self.purpose).label)


#: Accesses to readings of own points while they were own; parameters: cluster, and as arrays points, starts and ends.
OWN_ACCESSES = """
    SELECT a.id, a.at, a.role, m.code AS metering_point, a.purpose, a.readings_from, a.readings_to
    FROM metering_readingaccess a
    LEFT JOIN metering_meteringpoint m ON m.cluster_id = a.cluster_id AND m.id = a.metering_point_id
    WHERE a.cluster_id = %(cluster)s AND EXISTS (
        SELECT FROM unnest(%(points)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
            AS own(point, starts, ends)
        WHERE (a.metering_point_id IS NULL OR a.metering_point_id = own.point)
          AND a.readings_from < own.ends AND a.readings_to > own.starts
    )
"""


def own_accesses(cluster_id: int, own: OwnPoints, tz: ZoneInfo, count: int) -> list[AccessRow]:
    """The latest accesses to readings of the member's own points, newest first."""
    sql = f"""
    SELECT at, role, coalesce(metering_point, ''), purpose, readings_from, readings_to
    FROM ({OWN_ACCESSES}) AS found ORDER BY at DESC, id DESC LIMIT %(count)s
    """
    points, starts, ends = own.columns
    parameters: dict[str, Any] = {
        "cluster": cluster_id, "points": points, "starts": starts, "ends": ends, "count": count,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [
            AccessRow(at, role, point, purpose, local_day(start, tz), local_day(end - INTERVAL, tz))
            for at, role, point, purpose, start, end in cursor.fetchall()
        ]


def note_opened_day(report: Report, reader: Reader) -> None:
    """Note the metering points of which the distributor's page shows a day's readings one by one."""
    if report.opened is None or not report.points_of_day:
        return
    span = day_span(report.opened, time_zone(report.cluster.timezone))
    codes = [point.code for point in report.points_of_day]
    points = MeteringPoint.objects.filter(cluster=report.cluster, code__in=codes).values_list("pk", flat=True)
    note_access(report.cluster.pk, reader, ReadingAccess.Purpose.MISSING, points, span.start, span.end)
