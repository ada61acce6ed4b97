"""When metering points can export: what a file without their export means."""

from datetime import datetime

from django.db.models import Q

from metering.domain.calendar import local_midnight, time_zone
from metering.formats.assemble import Generation
from metering.models import PointAssignment
from metering.selectors.points import END_OF_TIME
from participants.models import Cluster


def generation_spans(cluster: Cluster) -> Generation:
    """The spans in which points have generation, or measure a node, whose energy goes both ways. Needs the scope."""
    tz = time_zone(cluster.timezone)
    rows = PointAssignment.objects.filter(cluster=cluster).order_by("valid_from")
    rows = rows.filter(Q(generation_capacity_kw__gt=0) | Q(role=PointAssignment.Role.BOUNDARY))
    found: dict[str, list[tuple[datetime, datetime]]] = {}
    for code, valid_from, valid_to in rows.values_list("metering_point__code", "valid_from", "valid_to"):
        end = local_midnight(valid_to, tz) if valid_to else END_OF_TIME
        found.setdefault(code, []).append((local_midnight(valid_from, tz), end))
    return found
