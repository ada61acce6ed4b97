"""What keeps a staged reading out, in the words told to its sender."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property

from metering.domain.calendar import INTERVAL, CalendarError, format_instant, is_aligned, parse_instant
from metering.domain.readings import MAX_WH, QUALITIES, QUALITY_CODE
from metering.domain.versions import version_of
from metering.selectors.points import PointSpans, point_spans
from metering.selectors.retention import kept_from
from participants.models import Cluster

#: Clocks of sources may be this much ahead of ours.
CLOCKS_DIFFER = timedelta(minutes=5)


class Rules:
    """What a delivery is held against: the cluster's points, of which the sender may write `only` these (ids; None:
    all), and the time of its arrival. Needs the scope."""

    def __init__(self, cluster: Cluster, only: frozenset[int] | None, now: datetime) -> None:
        self.cluster = cluster
        self.only = only
        self.now = now

    @cached_property
    def points(self) -> PointSpans:
        """The points that the sender may write, by code."""
        spans = point_spans(self.cluster)
        return {code: span for code, span in spans.items() if self.only is None or span.id in self.only}

    @cached_property
    def kept_from(self) -> datetime:
        """Before this instant no quarter-hours are kept any more."""
        return kept_from(self.cluster)

    def fault(self, row: Mapping[str, str | int | None]) -> tuple[str, str] | None:
        """Column and text of the first thing that is wrong with a reading; None if it is right."""
        code, start = str(row["metering_point"]), str(row["interval_start"])
        if code not in self.points:
            return "metering_point", f"the metering point '{code}' is unknown; add it or correct it"
        text = self.start_fault(start)
        if text is None and not self.points[code].covers(parse_instant(start)):
            text = f"at {start} {code} is not in the cluster; correct its dates"
        if text is not None:
            return "interval_start", text
        for column in ("imported_wh", "exported_wh"):
            if not 0 <= int(row[column] or 0) <= MAX_WH:
                return column, f"{row[column]} is negative; energy is counted from 0"
        if row["quality"] not in QUALITY_CODE:
            return "quality", f"'{row['quality']}' is not one of {', '.join(QUALITIES)}"
        text = self.stamp_fault(str(row["issued_at"])) if row["issued_at"] else None
        return None if text is None else ("issued_at", text)

    def start_fault(self, text: str) -> str | None:
        """Why there can't be a reading of a quarter-hour."""
        try:
            start = parse_instant(text)
        except CalendarError:
            start = None
        if start is None or not is_aligned(start):
            return f"'{text}' is no UTC start of a quarter-hour, as in 2026-05-31T22:00:00Z"
        if start < self.kept_from:
            return (
                f"only daily sums are kept of the time before {format_instant(self.kept_from)}; {text} comes too late"
            )
        return f"the quarter-hour {text} has not finished yet" if start > self.now - INTERVAL else None

    def stamp_fault(self, text: str) -> str | None:
        """Why a reading can't have been issued at a time."""
        try:
            issued = parse_instant(text)
            version_of(issued)
        except ValueError:
            return f"'{text}' is no time of issue in UTC, as in 2026-05-31T22:00:00Z"
        return f"it is issued at {text}, which is yet to come" if issued > self.now + CLOCKS_DIFFER else None
