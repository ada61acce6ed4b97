"""What the pages of billing have in common."""

from datetime import date

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from billing.models import BillingPeriod
from metering.domain.calendar import CalendarError, parse_period
from participants.models import Cluster
from participants.permissions import may


def cluster_of(request: HttpRequest) -> Cluster:
    """The cluster in scope."""
    cluster: Cluster | None = request.cluster  # type: ignore[attr-defined]
    if cluster is None:
        raise Http404
    return cluster


def may_close(request: HttpRequest) -> bool:
    """Whether the user closes months and issues corrections."""
    return may(request.access, "close_periods")  # type: ignore[attr-defined]


def allow_closing(request: HttpRequest) -> None:
    if not may_close(request):
        raise PermissionDenied


def month_asked(text: str) -> date:
    """The month of an address such as 2026-06."""
    try:
        return parse_period(text)
    except CalendarError as error:
        raise Http404 from error


def closed_period_asked(request: HttpRequest, cluster: Cluster) -> tuple[BillingPeriod | None, list[date]]:
    """The closed month of `?month=`, or else the last one, and all closed months, latest first."""
    rows = BillingPeriod.objects.filter(cluster=cluster, state=BillingPeriod.State.CLOSED).order_by("-month")
    found = {row.month: row for row in rows}
    asked = request.GET.get("month", "")
    chosen = found.get(month_asked(asked)) if asked else next(iter(found.values()), None)
    return chosen, list(found)
