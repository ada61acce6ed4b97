"""Page of the coordinator's admin, as aggregator: what the members generate, by source and by station."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from cluster_platform.generation import show
from cluster_platform.portal.periods import asked_month, last_settled, month_span, previous_month
from metering.domain.calendar import local_day, next_month, time_zone
from metering.models import ReadingAccess
from metering.services.access_log import Reader, note_access


@require_safe
def generation(request: HttpRequest) -> TemplateResponse:
    """Of `?month=`. Sums over few metering points show somebody's own: looking at them is noted."""
    cluster = request.cluster  # type: ignore[attr-defined]
    if cluster is None:
        raise Http404
    tz = time_zone(cluster.timezone)
    month = asked_month(request.GET.get("month"))
    first = month or local_day(last_settled(cluster.pk) or timezone.now(), tz).replace(day=1)
    span = month_span(first, tz)
    shown = show(cluster, first, tz)
    reader = Reader(request.user.pk, request.access.role)  # type: ignore[attr-defined]
    note_access(cluster.pk, reader, ReadingAccess.Purpose.POINT, sorted(shown.few), span.start, span.end)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Members' generation"),
        "shown": shown,
        "month": span,
        "before": previous_month(first),
        "after": next_month(first),
    }
    return TemplateResponse(request, "admin/generation.html", context)
