"""Page of grid fees: what the coordinator owes the distributor for a month, and what the distributor bills itself."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import Sum
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing.domain.grid_fees import total_pln
from billing.models import BillingPeriod
from billing.selectors.grid_fees import collective_statement, owed_in_the_books, own_bills
from cluster_platform.billing_desk.common import closed_period_asked, cluster_of
from participants.models import Cluster


@require_safe
def grid_fees(request: HttpRequest) -> TemplateResponse:
    """Of `?month=`, or the last closed month."""
    cluster = cluster_of(request)
    period, months = closed_period_asked(request, cluster)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Grid fees"),
        "months": months,
        **(month_context(cluster, period) if period else {}),
    }
    return TemplateResponse(request, "admin/grid_fees.html", context)


def month_context(cluster: Cluster, period: BillingPeriod) -> dict[str, Any]:
    """What both the coordinator's and the distributor's page show of a month."""
    rows = collective_statement(period)
    bills = own_bills(cluster.pk, cluster.dso_id, period.month)
    return {
        "period": period,
        "direct": [(date.fromisoformat(first), date.fromisoformat(end)) for first, end in period.direct],
        "rows": rows,
        "total_pln": total_pln(rows),
        "books_pln": owed_in_the_books(cluster.pk, period.month),
        "bills": bills,
        "bills_pln": bills.aggregate(sum=Sum("payable_pln"))["sum"] or 0,
        "distributor": cluster.dso,
    }
