"""What anybody may see of a cluster: sums over five or more metering points, and how to join."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from cluster_platform.onboarding.guards import in_cluster
from cluster_platform.portal import cluster_now, energy, periods
from cluster_platform.portal.cluster_now import FEWEST_POINTS
from metering.domain.calendar import each_day, local_day, next_month, time_zone
from participants.models import Cluster, ClusterPage, Coordinator


@dataclass(frozen=True)
class Saved:
    """By how much the members of a billed month were better off than by the standard mechanism, together (PLN)."""

    period: date
    pln: Decimal
    members: int


@require_safe
def clusters(request: HttpRequest) -> HttpResponse:
    """All clusters of the platform."""
    return render(request, "onboarding/clusters.html", {"clusters": Cluster.objects.order_by("name")})


@require_safe
@in_cluster
def cluster(request: HttpRequest, cluster: Cluster) -> HttpResponse:
    """What the cluster is, its balance now and in the month, and what its members saved."""
    now = timezone.now()
    tz = time_zone(cluster.timezone)
    run_day = periods.last_settled(cluster.pk)
    month = periods.month_span(local_day(run_day or now, tz), tz)
    days = list(each_day(month.first, next_month(month.first)))
    page = ClusterPage.objects.filter(cluster=cluster).first()
    about, language = page.text(get_language() or "pl") if page else ("", "")
    context = latest(cluster, now) | {
        "about": about,
        "about_language": language,
        "contact": page.contact if page else "",
        "coordinator": Coordinator.objects.filter(cluster=cluster).first(),
        "month": month,
        "points": cluster_now.trading_points(cluster.pk, days),
        "flow": energy.total(energy.cluster_flows(cluster.pk, month, "day", tz).values()),
        "saved": saved(cluster.pk),
    }
    return render(request, "onboarding/cluster.html", context)


@require_safe
@in_cluster
def now(request: HttpRequest, cluster: Cluster) -> HttpResponse:
    """The part of the cluster's page that it fetches again and again."""
    return render(request, "onboarding/now.html", latest(cluster, timezone.now()))


def latest(cluster: Cluster, now: datetime) -> dict[str, Any]:
    """The last settled quarter-hour of the cluster in scope."""
    tz = time_zone(cluster.timezone)
    run = cluster_now.latest_run(cluster.pk)
    day = local_day(run.interval_start, tz) if run else local_day(now, tz)
    return {
        "cluster": cluster,
        "tz": tz,
        "today": local_day(now, tz),
        "latest": cluster_now.Now(run) if run else None,
        "points_now": cluster_now.trading_points(cluster.pk, [day]),
        "minutes": cluster_now.minutes_to_next_clearing(now),
    }


def saved(cluster_id: int) -> Saved | None:
    """Of the last billed month, from the newest revision of each statement; None while fewer than five took part."""
    sql = """
    WITH newest AS (
        SELECT DISTINCT ON (participant_id) id, participant_id, period FROM billing_statement
        WHERE cluster_id = %s AND period = (SELECT max(period) FROM billing_statement WHERE cluster_id = %s)
        ORDER BY participant_id, revision DESC
    )
    SELECT n.period, sum(p.difference_pln + p.assurance_pln), count(DISTINCT n.participant_id)
    FROM newest n JOIN billing_promise p ON p.cluster_id = %s AND p.statement_id = n.id
    GROUP BY n.period
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [cluster_id, cluster_id, cluster_id])
        row = cursor.fetchone()
    found = Saved(*row) if row else None
    return found if found and found.members >= FEWEST_POINTS else None
