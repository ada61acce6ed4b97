"""Pages of the ledger: the trial balance, and the postings of one account."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing.models import Account, Posting
from billing.selectors.ledger import accounts_in_order, balances, owed_by_participants
from cluster_platform.billing_desk.common import cluster_of
from cluster_platform.fault_words import finding_in_words

A_PAGE = 100


@require_safe
def ledger(request: HttpRequest) -> TemplateResponse:
    """Every account with its balance; participants come last, in pages, with `?q=` in number or name."""
    cluster = cluster_of(request)
    accounts = accounts_in_order(cluster.pk)
    own = balances(cluster.pk, accounts.filter(participant=None))
    people_pln = owed_by_participants(cluster.pk)
    asked = request.GET.get("q", "").strip()
    members = accounts.exclude(participant=None)
    if asked:
        members = members.filter(Q(participant__code__iexact=asked) | Q(participant__name__icontains=asked))
    page = Paginator(members, A_PAGE).get_page(request.GET.get("p"))
    context = {
        **admin.site.each_context(request),
        "title": gettext("Ledger"),
        "own": own,
        "people": balances(cluster.pk, page.object_list),
        "people_pln": people_pln,
        "total_pln": sum((amount for _, amount in own), people_pln),
        "page": page,
        "asked": asked,
        "empty": not own,
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
    page = Paginator(rows.order_by("-entry__number"), A_PAGE).get_page(request.GET.get("p"))
    context = {
        **admin.site.each_context(request),
        "title": str(account),
        "account": account,
        "balance_pln": balances(cluster.pk, [account])[0][1],
        "page": page,
        "rows": [(row, finding_in_words(row.entry.text)) for row in page],
    }
    return TemplateResponse(request, "admin/ledger_account.html", context)
