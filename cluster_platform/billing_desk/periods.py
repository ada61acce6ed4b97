"""Pages of closing: the months, and one month with its checklist, draft and progress."""

from datetime import date
from decimal import Decimal
from functools import partial

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from billing.closing_words import check_detail, check_name
from billing.domain.errors import BillingError, MonthNotReadyError
from billing.models import Bill, BillingPeriod
from billing.selectors.checklist import checklist, draft, months_to_show, period_of
from billing.services.closing import start_closing
from billing.tasks import compute_month, go_on_closing
from cluster_platform.billing_desk.common import allow_closing, cluster_of, may_close, month_asked
from cluster_platform.fault_words import finding_in_words
from metering.domain.calendar import format_period, month_days, time_zone

#: As long as it works in the background the page is loaded again (seconds).
RELOAD_SECONDS = 3


@require_safe
def periods(request: HttpRequest) -> TemplateResponse:
    """All months, the latest first."""
    cluster = cluster_of(request)
    stored = {row.month: row for row in BillingPeriod.objects.filter(cluster=cluster)}
    bills = {
        month: (count, total)
        for month, count, total in Bill.objects.filter(cluster=cluster)
        .exclude(statement=None)
        .order_by()
        .values_list("period")
        .annotate(count=Count("pk"), total=Sum("payable_pln"))
    }
    rows = [
        (month, stored.get(month) or BillingPeriod(cluster=cluster, month=month), *bills.get(month, (0, Decimal(0))))
        for month in months_to_show(cluster)
    ]
    context = {
        **admin.site.each_context(request),
        "title": gettext("Billing"),
        "rows": rows,
        "open": [month for month, row, *_ in reversed(rows) if row.state != BillingPeriod.State.CLOSED],
    }
    return TemplateResponse(request, "admin/periods.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def period(request: HttpRequest, month: str) -> HttpResponse:
    """One month; a POST computes it anew or closes it (`what`)."""
    cluster = cluster_of(request)
    first = month_asked(month)
    if request.method == "POST":
        allow_closing(request)
        return _act(request, first)
    row = period_of(cluster, first)
    open_ = row.state == BillingPeriod.State.OPEN
    checks = [
        (check, check_name(check.code), finding_in_words(check_detail(check)))
        for check in (checklist(cluster, first, timezone.now()) if open_ else ())
    ]
    failing = [check for check, *_ in checks if not check.passed]
    bills = Bill.objects.filter(cluster=cluster, period=first).exclude(statement=None)
    end = month_days(month)[1]
    context = {
        **admin.site.each_context(request),
        "title": gettext("Billing"),
        "month": first,
        "end": end,
        "row": row,
        "checks": checks,
        "failing": len(failing),
        "blocked": any(not check.overridable for check in failing),
        "overridable": [(check, name) for check, name, _ in checks if not check.passed and check.overridable],
        "overridden": [(check_name(code), reason) for code, reason in row.overrides.items()],
        "draft": draft(cluster, first) if open_ else None,
        "bills": bills.aggregate(count=Count("pk"), total=Sum("payable_pln")),
        "reload": RELOAD_SECONDS if row.state == BillingPeriod.State.CLOSING else None,
        "may_close": may_close(request),
        "tz": time_zone(cluster.timezone),
    }
    part = "part" in request.GET
    return TemplateResponse(request, "parts/period.html" if part else "admin/period.html", context)


def _act(request: HttpRequest, month: date) -> HttpResponse:
    cluster = cluster_of(request)
    name = format_period(month)
    if request.POST.get("what") == "close":
        prefix = "reason_"
        reasons = {key[len(prefix) :]: text for key, text in request.POST.items() if key.startswith(prefix)}
        try:
            start_closing(cluster, month, timezone.now(), {k: str(v) for k, v in reasons.items()}, request.user.pk)
        except MonthNotReadyError as error:
            text = gettext("The month can't be closed before this is in order: %(checks)s.")
            messages.error(request, text % {"checks": "; ".join(map(check_name, error.checks))})
        except BillingError as error:
            messages.error(request, finding_in_words(str(error)))
        else:
            transaction.on_commit(partial(go_on_closing.delay, cluster.pk), robust=True)
            messages.success(request, gettext("The month is being closed; this page shows how far it is."))
    else:
        transaction.on_commit(partial(compute_month.delay, cluster.pk, name), robust=True)
        messages.success(request, gettext("The statements are being computed; load the page again in a moment."))
    return redirect("admin:period", name)
