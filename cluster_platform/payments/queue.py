"""Pages of the coordinator's admin: transfers that wait for somebody, and one transfer with what it could pay."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from billing import numbers
from billing.domain.errors import BillingError
from billing.domain.ledger import PAID_OUTSIDE, AccountKey, AccountKind
from billing.domain.matching import Decision, Why
from billing.models import Account, Allocation, BankTransaction, PaymentMatch
from billing.selectors.payments import credits, net_credits, own_bills, waiting, with_match
from billing.services.payments import (
    book_outside,
    decisions,
    match_by_hand,
    match_payments,
    set_aside,
    take_back,
)
from billing.words import dated
from cluster_platform.fault_words import finding_in_words
from contracts.models import ExternalPartner
from participants.models import Cluster, Participant
from participants.permissions import may

A_PAGE = 50
CANDIDATES = 50
#: Of a search.
MOST_TEXTS = 10
WHY = {
    Why.UNKNOWN: _("no number in the title, and the account is not known"),
    Why.PAID: _("the bill it names is paid already"),
    Why.SEVERAL: _("names bills of several participants, but is not their sum"),
    Why.UNCERTAIN: _("a number without its letters, and neither account nor amount confirm it"),
    Why.AMOUNT: _("the amount fits no open bill"),
}


@require_http_methods(["GET", "HEAD", "POST"])
def payments(request: HttpRequest) -> HttpResponse:
    """The queue; a POST matches again what is sure."""
    cluster = cluster_of(request)
    if request.method == "POST":
        allow(request)
        report = match_payments(cluster, timezone.now())
        text = ngettext("%(n)s transfer is booked.", "%(n)s transfers are booked.", report.booked)
        messages.success(request, text % {"n": numbers.number(report.booked)})
        return redirect("admin:payments")
    page = Paginator(waiting(cluster.pk), A_PAGE).get_page(request.GET.get("p"))
    decided = {each.payment: each for each in decisions(cluster, page.object_list)}
    bills = _bills(cluster, {pk for each in decided.values() for pk in each.suggested})
    rows = [(row, _why(decided[row.pk]), [bills[pk] for pk in decided[row.pk].suggested]) for row in page]
    return TemplateResponse(
        request,
        "admin/payments.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Payments"),
            "rows": rows,
            "page": page,
            "count": page.paginator.count,
            "credits": _credits(cluster),
            "may_book": may(request.access, "book_payments"),  # type: ignore[attr-defined]
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def payment(request: HttpRequest, number: int) -> HttpResponse:
    """One transfer: what it was booked as; a POST books it by hand, sets it aside or takes that back."""
    cluster = cluster_of(request)
    row = get_object_or_404(with_match(cluster.pk).select_related("file"), pk=number)
    if request.method == "POST":
        allow(request)
        try:
            _act(request, row)
        except BillingError as error:
            messages.error(request, finding_in_words(str(error)))
        return redirect(request.get_full_path())
    matched = row.matched_by not in (None, PaymentMatch.How.UNDO)
    asked = request.GET.get("q", "").strip()
    decided = None if matched else decisions(cluster, [row])[0]
    return TemplateResponse(
        request,
        "admin/payment.html",
        {
            **admin.site.each_context(request),
            "title": f"{dated(row.booked_on, 'SHORT_DATE_FORMAT')} {numbers.pln(row.amount_pln)}",
            "row": row,
            "matched": matched,
            "why": "" if decided is None else _why(decided),
            "asked": asked,
            "candidates": [] if matched else _candidates(cluster, row, decided, asked),
            "people": [] if matched else _people(cluster, asked),
            "outside": [] if matched else list(_outside(cluster).values()),
            "likely": decided and decided.outside,
            "history": row.matches.select_related("user", "credit_of", "entry", "account__partner").order_by("number"),
            "paid": _paid(row),
            "may_book": may(request.access, "book_payments"),  # type: ignore[attr-defined]
        },
    )


def _act(request: HttpRequest, row: BankTransaction) -> None:
    user_id, now = int(request.user.pk or 0), timezone.now()
    reason = request.POST.get("reason", "")
    if "aside" in request.POST:
        set_aside(row, reason, user_id, now)
    elif "outside" in request.POST:
        chosen = _outside(row.cluster).get(request.POST.get("account", ""))
        if chosen is None:
            raise BillingError("choose the account on which the transfer is booked")
        book_outside(row, chosen.key, user_id, now)
    elif "undo" in request.POST:
        take_back(row, reason, user_id, now)
    else:
        bills = [int(text) for text in request.POST.getlist("bill") if text.isdecimal() and len(text) < 19]
        credit = request.POST.get("credit_of", "")
        owner = int(credit) if credit.isdecimal() and len(credit) < 19 else None
        if owner is not None and not Participant.objects.filter(cluster=row.cluster_id, pk=owner).exists():
            raise Http404
        match_by_hand(row, bills, owner, user_id, now)
    messages.success(request, gettext("Stored."))


@dataclass(frozen=True, slots=True)
class OutsideAccount:
    """An account that a transfer can be booked on if it pays no bill; `code` stands in the form."""

    code: str
    key: AccountKey
    label: str


def _outside(cluster: Cluster) -> dict[str, OutsideAccount]:
    """By code: the distributor, the external partners, then taxes and what else is the cluster's own."""
    found = []
    for kind in PAID_OUTSIDE:
        label = capfirst(Account.Kind(kind).label)
        if kind == AccountKind.PARTNER:
            partners = ExternalPartner.objects.filter(cluster=cluster).order_by("name", "kind")
            found += [
                OutsideAccount(f"{kind}-{each.pk}", (kind, each.pk), f"{each} ({each.get_kind_display()})")
                for each in partners
            ]
        elif kind == AccountKind.DISTRIBUTOR:
            found.append(OutsideAccount(kind, (kind, None), f"{cluster.dso} ({Account.Kind(kind).label})"))
        else:
            found.append(OutsideAccount(kind, (kind, None), str(label)))
    return {each.code: each for each in found}


def _paid(row: BankTransaction) -> list[tuple[Any, date, Decimal]]:
    """Bill, day and amount of what the transfer pays; what was taken back is left out."""
    parts = Allocation.objects.filter(cluster=row.cluster_id, match__transaction=row)
    sums: dict[tuple[Any, date], Decimal] = defaultdict(Decimal)
    for part in parts.select_related("bill__participant").order_by("pk"):
        sums[part.bill, part.paid_on] += part.amount_pln
    return [(bill, day, amount) for (bill, day), amount in sums.items() if amount]


def _why(decided: Decision) -> Any:
    """Why it waits; who took a match back decides anew, however sure it looks."""
    return WHY[decided.why] if decided.why else gettext("was taken back; its number or account fits")


def _bills(cluster: Cluster, pks: set[int]) -> dict[int, Any]:
    found = own_bills(cluster.pk).filter(pk__in=pks).select_related("participant")
    return {bill.pk: with_open(bill) for bill in found}


def with_open(bill: Any) -> Any:
    """The bill with `open_pln`."""
    bill.open_pln = bill.payable_pln - bill.paid_pln
    return bill


def _candidates(cluster: Cluster, row: BankTransaction, decided: Decision | None, asked: str) -> list[Any]:
    """Bills that the transfer could pay: those asked for, else those suggested."""
    side = Q(payable_pln__gt=0) if row.amount_pln > 0 else Q(payable_pln__lt=0)
    bills = own_bills(cluster.pk).filter(side).select_related("participant").order_by("due_on", "pk")
    if asked:
        named = _any_of(asked, "reference", "documents__number", "participant__code", "participant__name")
        pks = own_bills(cluster.pk).filter(named).values("pk")
        bills = bills.filter(pk__in=pks)
    else:
        suggested = set(decided.suggested) if decided else set()
        if decided:
            suggested |= {part.bill for part in decided.allocated}
        bills = bills.filter(pk__in=suggested)
    return [bill for bill in map(with_open, bills) if bill.open_pln][:CANDIDATES]


def _people(cluster: Cluster, asked: str) -> list[Participant]:
    if not asked:
        return []
    return list(Participant.objects.filter(_any_of(asked, "code", "name"), cluster=cluster)[:CANDIDATES])


def _any_of(asked: str, *fields: str) -> Q:
    """One of the fields has one of the texts between commas; a transfer may be for bills of several participants."""
    found = Q(pk__in=[])
    for text in filter(None, map(str.strip, asked.split(",")[:MOST_TEXTS])):
        for field in fields:
            found |= Q(**{f"{field}__icontains": text})
    return found


def _credits(cluster: Cluster) -> list[tuple[Participant, Decimal]]:
    net = net_credits(credits(cluster.pk))
    people = Participant.objects.filter(cluster=cluster, pk__in=net).order_by("code")
    return [(person, net[person.pk]) for person in people]


def cluster_of(request: HttpRequest) -> Cluster:
    """The cluster in scope."""
    cluster: Cluster | None = request.cluster  # type: ignore[attr-defined]
    if cluster is None:
        raise Http404
    return cluster


def allow(request: HttpRequest) -> None:
    """Who may not book money may only look."""
    if not may(request.access, "book_payments"):  # type: ignore[attr-defined]
        raise PermissionDenied
