"""Page of the coordinator's admin: the position outside, what it cost and brought, and what is left."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from cluster_platform.margin import HEIGHT, show
from cluster_platform.portal.periods import asked_month, last_settled, month_span, previous_month
from metering.domain.calendar import local_day, next_month, time_zone


@require_safe
def margin(request: HttpRequest) -> TemplateResponse:
    """Of `?month=`, by day, and of the months before."""
    cluster = request.cluster  # type: ignore[attr-defined]
    if cluster is None:
        raise Http404
    tz = time_zone(cluster.timezone)
    month = asked_month(request.GET.get("month"))
    first = month or local_day(last_settled(cluster.pk) or timezone.now(), tz).replace(day=1)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Position and margin"),
        "shown": show(cluster, first, tz),
        "month": month_span(first, tz),
        "before": previous_month(first),
        "after": next_month(first),
        "height": HEIGHT,
    }
    return TemplateResponse(request, "admin/margin.html", context)
