"""From when on the quarter-hours of a cluster are kept."""

from datetime import UTC, date, datetime

from metering.domain.calendar import local_midnight, next_month, time_zone
from metering.models import AggregatedMonth
from participants.models import Cluster

#: Before any month was aggregated.
EVER = datetime(1970, 1, 1, tzinfo=UTC)


def aggregated_months(cluster: Cluster) -> set[date]:
    """The local months, by their first day, of which only daily sums are kept. Needs the scope."""
    return set(AggregatedMonth.objects.filter(cluster=cluster).values_list("month", flat=True))


def kept_from(cluster: Cluster) -> datetime:
    """The first instant whose quarter-hours are kept: the end of the last aggregated month. Needs the scope."""
    last = AggregatedMonth.objects.filter(cluster=cluster).order_by("-month").first()
    return local_midnight(next_month(last.month), time_zone(cluster.timezone)) if last else EVER
