"""Pages of the ledger: the trial balance, and the postings of one account."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing.domain.documents import ZERO
from billing.models import Account, Posting
from billing.selectors.ledger import trial_balance
from cluster_platform.billing_desk.common import cluster_of
from cluster_platform.fault_words import finding_in_words

A_PAGE = 100


@require_safe
def ledger(request: HttpRequest) -> TemplateResponse:
    """Every account with its balance; participants come last."""
    cluster = cluster_of(request)
    rows = trial_balance(cluster.pk)
    people = [(account, amount) for account, amount in rows if account.participant]
    context = {
        **admin.site.each_context(request),
        "title": gettext("Ledger"),
        "own": [(account, amount) for account, amount in rows if not account.participant],
        "people": people,
        "people_pln": sum((amount for _, amount in people), ZERO),
        "total_pln": sum((amount for _, amount in rows), ZERO),
        "empty": not rows,
    }
    return TemplateResponse(request, "admin/ledger.html", context)


@require_safe
def ledger_account(request: HttpRequest, number: int) -> TemplateResponse:
    """The postings of an account, the latest first."""
    cluster = cluster_of(request)
    account = get_object_or_404(
        Account.objects.filter(cluster=cluster).select_related("participant", "partner"), pk=number
    )
    rows = Posting.objects.filter(cluster=cluster, account=account).select_related("entry__document")
    balance = {row.pk: amount for row, amount in trial_balance(cluster.pk)}.get(account.pk, ZERO)
    page = Paginator(rows.order_by("-entry__number"), A_PAGE).get_page(request.GET.get("p"))
    context = {
        **admin.site.each_context(request),
        "title": str(account),
        "account": account,
        "balance_pln": balance,
        "page": page,
        "rows": [(row, finding_in_words(row.entry.text)) for row in page],
    }
    return TemplateResponse(request, "admin/ledger_account.html", context)
