"""Page of the coordinator's admin: the physical balance of the cluster and of each station."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from cluster_platform.balance import Shown, show
from cluster_platform.portal.cluster_now import FEWEST_POINTS
from cluster_platform.portal.periods import asked_day, asked_month, day_span, last_settled, month_span, previous_month
from metering.domain.calendar import local_day, next_month, time_zone
from metering.models import GridNode, ReadingAccess
from metering.selectors.balance import points_below
from metering.services.access_log import Reader, note_access


@require_safe
def balance(request: HttpRequest) -> TemplateResponse:
    """Of `?node=` (else the root) by day over `?month=`, or by quarter-hour of `?day=`."""
    cluster = request.cluster  # type: ignore[attr-defined]
    if cluster is None:
        raise Http404
    tz = time_zone(cluster.timezone)
    nodes = list(GridNode.objects.filter(cluster=cluster).order_by("code"))
    asked = request.GET.get("node")
    node = next((each for each in nodes if (str(each.pk) == asked if asked else each.parent_id is None)), None)
    if node is None:
        raise Http404
    day = asked_day(request.GET.get("day"))
    latest = last_settled(cluster.pk)
    month = asked_month(request.GET.get("month")) or day or local_day(latest or timezone.now(), tz)
    span = day_span(day, tz) if day else month_span(month, tz)
    shown = show(cluster.pk, node, nodes, span, tz, by_day=day is None)
    _note(request, shown)
    first = span.first.replace(day=1)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Physical balance"),
        "shown": shown,
        "month": month_span(first, tz),
        "before": previous_month(first),
        "after": next_month(first),
        "tz": tz,
    }
    return TemplateResponse(request, "admin/balance.html", context)


def _note(request: HttpRequest, shown: Shown) -> None:
    """A sum over few metering points shows somebody's own: looking at it is noted."""
    if not 0 < shown.points.members < FEWEST_POINTS:
        return
    days = [line.key for line in shown.lines] if shown.by_day else [shown.span.first]
    points = points_below(shown.node.cluster_id, shown.node.pk, days)
    reader = Reader(request.user.pk, request.access.role)  # type: ignore[attr-defined]
    purpose = ReadingAccess.Purpose.POINT
    note_access(shown.node.cluster_id, reader, purpose, points, shown.span.start, shown.span.end)
