"""Metering points and the time for which they belong to the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from metering.domain.calendar import local_midnight, time_zone
from metering.domain.life import Span, Terms
from metering.models import MeteringPoint, PointAssignment
from participants.models import Cluster

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PointSpan:
    """A metering point's id and the spans `[start, end)` of its assignments, in UTC and in order."""

    id: int
    spans: tuple[tuple[datetime, datetime], ...]

    def covers(self, instant: datetime) -> bool:
        """Whether the point belongs to the cluster at this instant."""
        return any(start <= instant < end for start, end in self.spans)

    def covers_all(self, first: datetime, last: datetime) -> bool:
        """Whether the point belongs to the cluster from `first` to `last` without a break."""
        reached = first
        for start, end in self.spans:
            if start <= reached < end:
                reached = end
        return last < reached


PointSpans = Mapping[str, PointSpan]


def point_spans(cluster: Cluster) -> PointSpans:
    """All metering points of the cluster by code. Needs the scope."""
    tz = time_zone(cluster.timezone)
    rows = PointAssignment.objects.filter(cluster=cluster).order_by("valid_from")
    found: dict[str, PointSpan] = {}
    for code, point_id, valid_from, valid_to in rows.values_list(
        "metering_point__code", "metering_point_id", "valid_from", "valid_to"
    ):
        end = local_midnight(valid_to, tz) if valid_to else END_OF_TIME
        before = found[code].spans if code in found else ()
        found[code] = PointSpan(point_id, (*before, (local_midnight(valid_from, tz), end)))
    return found


_IDS = {"participant": "participant_id", "grid_node": "grid_node_id"}
#: The column of PointAssignment that holds each of the terms.
TERM_COLUMNS = {each.name: _IDS.get(each.name, each.name) for each in fields(Terms)}


def spans_of(point: MeteringPoint) -> tuple[Span, ...]:
    """What holds of one metering point, day by day, in order. Needs the scope."""
    rows = PointAssignment.objects.filter(metering_point=point).order_by("valid_from")
    return tuple(
        Span(row.valid_from, row.valid_to, Terms(**{name: getattr(row, at) for name, at in TERM_COLUMNS.items()}))
        for row in rows
    )
