"""Estimates what is lacking once its deadline has passed, so that clearing can go on."""

from datetime import date, datetime

from contracts.domain.deadlines import overdue
from contracts.models import ClusterSettings
from metering.domain.calendar import local_midnight, time_zone
from metering.services.estimation import Report, fill_gaps
from participants.models import Cluster
from participants.tenancy.scope import scope


def estimate_overdue(cluster: Cluster, now: datetime, after: date | None = None) -> Report:
    """Fill the gaps whose deadline has passed at `now`, of the local days after `after`; opens its own scopes."""
    tz = time_zone(cluster.timezone)
    with scope(cluster.pk):
        rows = ClusterSettings.objects.filter(cluster=cluster).order_by("valid_from")
        held = list(rows.values_list("valid_from", "reading_deadline_hours"))
    return fill_gaps(cluster, overdue([(local_midnight(day, tz), hours) for day, hours in held], now), after)
