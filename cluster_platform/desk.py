"""The coordinator's desk: what needs doing, first."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, F, Max, OuterRef, Q, Subquery, Sum

from billing.models import Statement
from clearing.models import ClearingRun, IntervalState
from metering.models import Finding, IntervalInput
from participants.models import Cluster


@dataclass(frozen=True)
class Desk:
    """Where the cluster stands; counts are quarter-hours."""

    wait_for_readings: int
    wait_for_prices: int
    due: int
    provisional: int
    findings: int
    cleared: int
    last_cleared: dt.datetime | None
    traded_kwh_7_days: Decimal
    billed_period: dt.date | None

    @property
    def needs_doing(self) -> int:
        """How many quarter-hours somebody has to look after."""
        return self.wait_for_readings + self.wait_for_prices


def desk(cluster: Cluster, now: dt.datetime) -> Desk:
    """What the coordinator of the cluster in scope needs to know."""
    states = IntervalState.objects.filter(cluster=cluster)
    current = ClearingRun.objects.filter(cluster=cluster, pk__in=states.values("run"))
    counts = states.aggregate(
        readings=Count("interval_start", filter=Q(waits_for="readings")),
        prices=Count("interval_start", filter=Q(waits_for="prices")),
        cleared=Count("run"),
        last=Max("interval_start", filter=Q(run__isnull=False)),
    )
    seen = states.filter(interval_start=OuterRef("interval_start")).values("inputs_seen")
    due = (
        IntervalInput.objects.filter(cluster=cluster, interval_start__lte=now - dt.timedelta(minutes=15))
        .annotate(seen=Subquery(seen))
        .filter(Q(seen=None) | ~Q(seen=F("changes")))
    )
    week = current.filter(interval_start__gte=now - dt.timedelta(days=7))
    return Desk(
        wait_for_readings=counts["readings"],
        wait_for_prices=counts["prices"],
        due=due.count(),
        provisional=current.filter(status=ClearingRun.Status.PROVISIONAL).count(),
        findings=Finding.objects.filter(cluster=cluster, state=Finding.State.OPEN).count(),
        cleared=counts["cleared"],
        last_cleared=counts["last"],
        traded_kwh_7_days=Decimal(week.aggregate(wh=Sum("matched_wh"))["wh"] or 0) / 1000,
        billed_period=Statement.objects.filter(cluster=cluster).aggregate(last=Max("period"))["last"],
    )
