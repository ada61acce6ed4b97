"""Page of the coordinator's admin: what settling again has changed for whom, and why."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from cluster_platform.corrections import QUARTER_HOURS_A_PAGE, by_participant, by_quarter_hour
from cluster_platform.portal.periods import Span, asked_day, asked_month, last_settled, month_span
from metering.domain.calendar import local_day, local_midnight, time_zone
from metering.models import ReadingAccess
from metering.services.access_log import Reader, note_access
from participants.models import Participant


@require_safe
def corrections(request: HttpRequest) -> TemplateResponse:
    """By participant, or with `?participant=` one of them by quarter-hour; `since`: compared with that midnight."""
    cluster = request.cluster  # type: ignore[attr-defined]
    if cluster is None:
        raise Http404
    tz = time_zone(cluster.timezone)
    month = _month(request, cluster.pk, tz)
    since_day = asked_day(request.GET.get("since"))
    since = local_midnight(since_day, tz) if since_day else None
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Corrections"),
        "month": month,
        "since": since_day,
        "tz": tz,
    }
    if "participant" in request.GET:
        context |= _of_one(request, month, since, tz)
    else:
        rows = by_participant(cluster.pk, month.start, month.end, since, tz)
        context |= {"rows": rows, "cost_pln": sum(row.cost_pln for row in rows)}
    return TemplateResponse(request, "admin/corrections.html", context)


def _of_one(request: HttpRequest, month: Span, since: datetime | None, tz: Any) -> dict[str, Any]:
    """The quarter-hours of the participant asked for; looking at them is noted."""
    asked = request.GET["participant"]
    participant = get_object_or_404(Participant, pk=int(asked) if asked.isdecimal() and len(asked) < 19 else 0)
    text = request.GET.get("page", "1")
    number = max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1
    rows = by_quarter_hour(participant.cluster_id, month.start, month.end, since, tz, participant.pk, number)
    points = participant.assignments.values_list("metering_point", flat=True).distinct()
    reader = Reader(request.user.pk, request.access.role)  # type: ignore[attr-defined]
    note_access(participant.cluster_id, reader, ReadingAccess.Purpose.RUN, points, month.start, month.end)
    return {
        "participant": participant,
        "rows": rows,
        "number": number,
        "earlier": number - 1,
        "later": number + 1 if len(rows) == QUARTER_HOURS_A_PAGE else None,
    }


def _month(request: HttpRequest, cluster_id: int, tz: Any) -> Span:
    """The month asked for, or else the latest one with anything settled."""
    month = asked_month(request.GET.get("month"))
    if month is None:
        last = last_settled(cluster_id)
        month = local_day(last or timezone.now(), tz)
    return month_span(month, tz)
