"""Delivers readings to a test's cluster by the one ingest service."""

import datetime as dt
from collections.abc import Iterable

from metering.domain.calendar import format_instant
from metering.models import Reading
from metering.services import Outcome, ingest
from participants.models import Cluster
from participants.tenancy.scope import scope

LATE = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
#: Metering point, quarter-hour, imported and exported [Wh].
Row = tuple[str, dt.datetime, int, int]


def deliver(cluster: Cluster, rows: Iterable[Row], at: dt.datetime = LATE, quality: str = "measured") -> Outcome:
    lines = (
        f"{code},{format_instant(start)},{imported},{exported},{quality}\n" for code, start, imported, exported in rows
    )
    return ingest(cluster, ["".join(lines).encode()], issued_at=at, whole=True, now=at)


def in_force(cluster: Cluster, code: str) -> dict[dt.datetime, tuple[int, int, int]]:
    """What holds for a metering point: imported, exported [Wh] and quality by quarter-hour."""
    with scope(cluster.pk):
        rows = Reading.objects.filter(metering_point__code=code).order_by("version")
        return {row.interval_start: (row.imported_wh, row.exported_wh, row.quality) for row in rows}


def versions(cluster: Cluster, code: str, start: dt.datetime) -> list[tuple[int, int]]:
    """Version and quality of all that is stored for one quarter-hour, the one in force last."""
    with scope(cluster.pk):
        rows = Reading.objects.filter(metering_point__code=code, interval_start=start).order_by("version")
        return [(row.version, row.quality) for row in rows]
