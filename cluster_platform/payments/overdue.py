"""Page of the coordinator's admin: bills that are late, their interest and reminders."""

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from billing import numbers
from billing.domain.errors import BillingError
from billing.models import Bill, InterestDecision, PaymentReminder
from billing.selectors.late import late_interest, overdue, terms_on
from billing.services.interest import charge_interest, waive_interest
from billing.services.payment_reminders import pause_reminders
from cluster_platform.fault_words import finding_in_words
from cluster_platform.payments.queue import allow, cluster_of
from metering.domain.calendar import local_day, time_zone
from participants.permissions import may

LATEST = 50
A_PAGE = 100


@require_http_methods(["GET", "HEAD", "POST"])
def late(request: HttpRequest) -> HttpResponse:
    """A POST charges or waives interest (`charge`, `waive`), pauses reminders or lets them go on (`resume`)."""
    cluster = cluster_of(request)
    if request.method == "POST":
        allow(request)
        try:
            _act(request)
        except BillingError as error:
            messages.error(request, finding_in_words(str(error)))
        return redirect("admin:late")
    today = local_day(timezone.now(), time_zone(cluster.timezone))
    rows = overdue(cluster, today)
    try:
        interest = late_interest(cluster, today)
    except BillingError as error:
        messages.error(request, finding_in_words(str(error)))
        interest = []
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("p"))
    accrued = Paginator(interest, A_PAGE).get_page(request.GET.get("i"))
    reminders = PaymentReminder.objects.filter(cluster=cluster).select_related("bill__participant").order_by("-pk")
    decided = InterestDecision.objects.filter(cluster=cluster).select_related("bill__participant", "document", "user")
    return TemplateResponse(
        request,
        "admin/late.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Late payment"),
            "today": today,
            "rows": [(each, (today - each.standing.late_from).days + 1) for each in page],
            "page": page,
            "count": len(rows),
            "open_pln": sum(each.standing.open_pln for each in rows),
            "interest": [(each, sum(span.days for span in each.spans)) for each in accrued],
            "accrued": accrued,
            "interest_pln": sum(each.amount_pln for each in interest),
            "terms": terms_on(cluster, today),
            "reminders": reminders[:LATEST],
            "decisions": decided.order_by("-pk")[:LATEST],
            "may_book": may(request.access, "book_payments"),  # type: ignore[attr-defined]
        },
    )


def _act(request: HttpRequest) -> None:
    cluster, user_id, now = cluster_of(request), int(request.user.pk or 0), timezone.now()
    reason = request.POST.get("reason", "")
    bills = {int(text) for text in request.POST.getlist("bill") if text.isdecimal() and len(text) < 19}
    if "charge" in request.POST:
        count = len(charge_interest(cluster, bills, user_id, now))
        text = ngettext("%(n)s bill of interest is issued.", "%(n)s bills of interest are issued.", count)
        messages.success(request, text % {"n": numbers.number(count)})
    elif "waive" in request.POST:
        count = waive_interest(cluster, bills, reason, user_id, now)
        text = ngettext("Interest on %(n)s bill is waived.", "Interest on %(n)s bills is waived.", count)
        messages.success(request, text % {"n": numbers.number(count)})
    elif "pause" in request.POST or "resume" in request.POST:
        number = request.POST.get("pause") or request.POST.get("resume") or ""
        asked = int(number) if number.isdecimal() and len(number) < 19 else 0
        bill = get_object_or_404(Bill, cluster=cluster, dso=None, pk=asked)
        pause_reminders(bill, "pause" in request.POST, reason, user_id, now)
        messages.success(request, gettext("Stored."))
