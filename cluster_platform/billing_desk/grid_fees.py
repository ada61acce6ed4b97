"""Page of grid fees: what the coordinator owes the distributor, its invoices, and what the distributor bills itself."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from billing.domain.errors import BillingError
from billing.domain.grid_fees import total_pln
from billing.models import BillingPeriod, DistributorInvoice
from billing.selectors.grid_fees import collective_statement, invoices_noted, owed_in_the_books, own_bills
from billing.services.distributor import note_invoice, take_invoice_back
from cluster_platform.billing_desk.common import closed_period_asked, cluster_of
from cluster_platform.external_forms import InvoiceFace
from cluster_platform.fault_words import finding_in_words
from cluster_platform.payments.queue import allow
from participants.models import Cluster
from participants.permissions import may


class GridInvoiceForm(InvoiceFace):
    """The distributor's invoice, which always charges VAT."""

    def clean_vat_pln(self) -> Decimal:
        vat: Decimal = self.cleaned_data["vat_pln"]
        if not vat:
            raise ValidationError(_("The distributor charges VAT: it can't be 0."))
        return vat


@require_http_methods(["GET", "HEAD", "POST"])
def grid_fees(request: HttpRequest) -> HttpResponse:
    """Of `?month=`, or the last closed month; a POST notes an invoice of the distributor or takes one back."""
    cluster = cluster_of(request)
    period, months = closed_period_asked(request, cluster)
    form = GridInvoiceForm()
    if request.method == "POST":
        allow(request)
        form = GridInvoiceForm(request.POST)
        if period is None or _act(request, cluster, period, form):
            return redirect(request.get_full_path())
    context = {
        **admin.site.each_context(request),
        "title": gettext("Grid fees"),
        "months": months,
        "form": form,
        "may_book": may(request.access, "book_payments"),  # type: ignore[attr-defined]
        **(month_context(cluster, period) if period else {}),
    }
    if period:
        context |= _invoices(cluster, period.month, context["total_pln"])
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


def _act(request: HttpRequest, cluster: Cluster, period: BillingPeriod, form: GridInvoiceForm) -> bool:
    """Whether it is done, or refused with a message; else the form says what is wrong with it."""
    user_id, now = int(request.user.pk or 0), timezone.now()
    undo = request.POST.get("undo", "")
    try:
        if undo:
            rows = DistributorInvoice.objects.filter(cluster=cluster, period=period.month).select_related("cluster")
            number = int(undo) if undo.isdecimal() and len(undo) < 19 else 0
            take_invoice_back(get_object_or_404(rows, pk=number), user_id, now)
        elif form.is_valid():
            note_invoice(cluster, period.month, form.invoice(), user_id, now)
        else:
            return False
    except BillingError as error:
        messages.error(request, finding_in_words(str(error)))
        return bool(undo)
    messages.success(request, gettext("Stored and posted."))
    return True


def _invoices(cluster: Cluster, month: date, statement_pln: Decimal) -> dict[str, Any]:
    """The invoices noted of the month, and by how much those that hold differ from the collective statement."""
    invoices = list(invoices_noted(cluster.pk).filter(period=month))
    holding = [row for row in invoices if not row.taken_back]
    net = sum((row.net_pln for row in holding), Decimal("0.00"))
    return {
        "invoices": invoices,
        "holding": len(holding),
        "net_pln": net,
        "vat_pln": sum((row.vat_pln for row in holding), Decimal("0.00")),
        "gross_pln": sum((row.gross_pln for row in holding), Decimal("0.00")),
        "differs_pln": net - statement_pln,
    }
