"""Page of the coordinator's admin: what is owed to participants, approved and handed to the bank as a file."""

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from billing import numbers
from billing.domain.errors import BillingError
from billing.models import PayoutBatch
from billing.services.payouts import approve_payouts, confirmed, make_payout_file, mark_paid, owed
from cluster_platform.fault_words import finding_in_words
from cluster_platform.payments.queue import allow, cluster_of
from metering.domain.calendar import local_day, next_working_day, time_zone
from participants.permissions import may

FILES_SHOWN = 24
A_PAGE = 100
PROBLEMS = {"no_account": _("no bank account"), "wrong_account": _("the bank account is wrong")}


class DayForm(forms.Form):
    day = forms.DateField(widget=forms.DateInput({"type": "date"}))


@require_http_methods(["GET", "HEAD", "POST"])
def payouts(request: HttpRequest) -> HttpResponse:
    """A POST approves (`approve`), makes a file (`file`) or marks one as paid (`paid`)."""
    cluster = cluster_of(request)
    if request.method == "POST":
        allow(request)
        try:
            _act(request)
        except BillingError as error:
            messages.error(request, finding_in_words(str(error)))
        return redirect("admin:payouts")
    rows = owed(cluster)
    # Who must be asked for an account comes first; the rest stays in the order of due days.
    page = Paginator(sorted(rows, key=lambda each: not each.problem), A_PAGE).get_page(request.GET.get("p"))
    to_approve = [each for each in rows if not each.approved and not each.problem]
    approved = [each for each in rows if each.approved and not each.problem]
    files = list(PayoutBatch.objects.filter(cluster=cluster).defer("content").select_related("user")[:FILES_SHOWN])
    done = confirmed(cluster, files)
    today = local_day(timezone.now(), time_zone(cluster.timezone))
    return TemplateResponse(
        request,
        "admin/payouts.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Payouts"),
            "rows": [(each, PROBLEMS.get(each.problem, "")) for each in page],
            "page": page,
            "to_approve": len(to_approve),
            "to_approve_pln": sum(each.amount_pln for each in to_approve),
            "problems": sum(bool(each.problem) for each in rows),
            "total_pln": sum(each.amount_pln for each in rows),
            "approved": approved,
            "approved_pln": sum(each.amount_pln for each in approved),
            "files": [(each, done[each.pk]) for each in files],
            "today": today,
            "next_day": next_working_day(cluster.holidays, today),
            "may_book": may(request.access, "book_payments"),  # type: ignore[attr-defined]
        },
    )


def _act(request: HttpRequest) -> None:
    cluster, user_id, now = cluster_of(request), int(request.user.pk or 0), timezone.now()
    if "approve" in request.POST:
        ticked = {int(text) for text in request.POST.getlist("bill") if text.isdecimal() and len(text) < 19}
        count = approve_payouts(cluster, None if request.POST["approve"] == "all" else ticked, user_id, now)
        text = ngettext("%(n)s payout is approved.", "%(n)s payouts are approved.", count)
        messages.success(request, text % {"n": numbers.number(count)})
        return
    form = DayForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Give a day."))
    elif "file" in request.POST:
        batch = make_payout_file(cluster, form.cleaned_data["day"], user_id, now)
        text = gettext("File %(number)s is ready: download it and hand it to the bank.")
        messages.success(request, text % {"number": batch.number})
    elif "paid" in request.POST:
        number = request.POST["paid"]
        asked = int(number) if number.isdecimal() and len(number) < 10 else 0
        batch = get_object_or_404(PayoutBatch, cluster=cluster, number=asked)
        count = mark_paid(batch, form.cleaned_data["day"], user_id, now)
        text = ngettext("%(n)s transfer is booked.", "%(n)s transfers are booked.", count)
        messages.success(request, text % {"n": numbers.number(count)})


@require_http_methods(["GET", "HEAD"])
def payout_file(request: HttpRequest, number: int) -> HttpResponse:
    """The file as it was made: the same bytes at every download."""
    cluster = cluster_of(request)
    allow(request)
    batch = get_object_or_404(PayoutBatch, cluster=cluster, number=number)
    answer = HttpResponse(bytes(batch.content), content_type="application/xml")
    answer["Content-Disposition"] = f'attachment; filename="{cluster.slug}-payouts-{batch.number}.xml"'
    return answer
