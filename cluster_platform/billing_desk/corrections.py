"""Page of corrections: whose documents differ from what is settled by now, approved in bulk."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from billing import numbers
from billing.domain.correct import Change
from billing.domain.documents import ZERO
from billing.domain.errors import BillingError
from billing.models import Document
from billing.selectors.differences import Difference, closed_periods
from billing.selectors.issuing import billing_terms
from billing.services.corrections import days_of_issue, issue_corrections, preview
from billing.services.statements import bill_period
from cluster_platform.billing_desk.common import allow_closing, cluster_of, may_close
from cluster_platform.corrections import by_participant
from cluster_platform.fault_words import finding_in_words
from contracts.domain.tariff import TariffError
from metering.domain.calendar import CalendarError, format_period, local_midnight, next_month, time_zone
from participants.models import Cluster

CHANGES = {
    Change.INCREASE: _("increase"),
    Change.DECREASE: _("decrease"),
    Change.CANCEL: _("cancellation"),
    Change.TEXT: _("same amount, other lines"),
    Change.NEW: _("new document"),
}
#: More than these are approved in several steps.
A_PAGE = 200


@require_http_methods(["GET", "HEAD", "POST"])
def billing_corrections(request: HttpRequest) -> HttpResponse:
    """The differences; a POST computes closed months anew or issues the chosen corrections (`what`)."""
    cluster = cluster_of(request)
    now = timezone.now()
    if request.method == "POST":
        allow_closing(request)
        try:
            _act(request, cluster)
        except (BillingError, TariffError, CalendarError) as error:
            messages.error(request, finding_in_words(str(error)))
        return redirect("admin:billing_corrections")
    found = preview(cluster, now)
    due = [each for each in found if not each.carried]
    issued_on, _due_on = days_of_issue(cluster, now)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Corrections of bills"),
        "rows": _rows(cluster, due[:A_PAGE]),
        "count": len(due),
        "shown": min(len(due), A_PAGE),
        "total_pln": sum((each.difference_pln for each in due), ZERO),
        "carried": _rows(cluster, [each for each in found if each.carried][:A_PAGE]),
        "threshold_pln": billing_terms(cluster.pk, issued_on).correction_threshold_pln,
        "months": closed_periods(cluster.pk)[::-1],
        "may_close": may_close(request),
    }
    return TemplateResponse(request, "admin/billing_corrections.html", context)


def _act(request: HttpRequest, cluster: Cluster) -> None:
    now = timezone.now()
    if request.POST.get("what") == "compute":
        months = {format_period(each.month) for each in closed_periods(cluster.pk)}
        month = request.POST.get("month", "")
        if month not in months:
            raise BillingError(f"{month} is not closed.")
        report = bill_period(cluster, month, now)
        text = ngettext("%(n)s statement has changed.", "%(n)s statements have changed.", report.replaced + report.new)
        messages.success(request, text % {"n": numbers.number(report.replaced + report.new)})
        return
    keys = request.POST.getlist("key")
    if not keys:
        raise BillingError("No difference is chosen.")
    issued = issue_corrections(cluster, keys, request.POST.get("reason", ""), now, request.user.pk)
    count = sum(bill.documents.count() for bill in issued)
    text = ngettext("%(n)s correction is issued.", "%(n)s corrections are issued.", count)
    messages.success(request, text % {"n": numbers.number(count)})


def _rows(cluster: Cluster, found: list[Difference]) -> list[dict[str, Any]]:
    """With what each document becomes, and why its month was settled anew since it was closed."""
    why = _causes(cluster, {each.month for each in found})
    kinds = dict(Document.Kind.choices)
    return [
        {
            "difference": each,
            "documents": [
                (kinds[kind], CHANGES[change], paper.corrects.number if paper.corrects else "")
                for (kind, change), paper in zip(each.changes, each.papers, strict=True)
            ],
            "causes": why[each.month].get(each.participant.pk, ()),
            "last_day": next_month(each.month) - timedelta(days=1),
        }
        for each in found
    ]


def _causes(cluster: Cluster, months: set[date]) -> dict[date, dict[int, tuple[str, ...]]]:
    tz = time_zone(cluster.timezone)
    found: dict[date, dict[int, tuple[str, ...]]] = defaultdict(dict)
    for period in closed_periods(cluster.pk):
        if period.month in months:
            start, end = local_midnight(period.month, tz), local_midnight(next_month(period.month), tz)
            rows = by_participant(cluster.pk, start, end, period.closed_at, tz)
            found[period.month] = {row.key: row.causes for row in rows}
    return found
