"""Page of the coordinator's admin: what members are compared with, month by month, and which prices lack."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing.selectors.accounts import accounts
from billing.selectors.standards import StandardRows, Standards, retail_prices
from billing.selectors.terms import month_of
from cluster_platform.portal.periods import Span, asked_month, last_settled, month_span, previous_month
from cluster_platform.portal.standard import compared, sale_words
from contracts.models import ClusterTerms, StandardSalePrice
from contracts.selectors.market import market_prices
from metering.domain.calendar import local_day, time_zone
from participants.models import Cluster, Participant

MONTHS = 12
NAMED = 5


@dataclass
class Group:
    """Members who are compared alike."""

    offer: str
    sale: str
    netting: str
    members: list[Participant] = field(default_factory=list)
    lacks: set[str] = field(default_factory=set)

    @property
    def named(self) -> list[Participant]:
        return self.members[:NAMED]

    @property
    def more(self) -> int:
        return max(0, len(self.members) - NAMED)


@require_safe
def standard(request: HttpRequest) -> TemplateResponse:
    """The members of a month by what they are compared with, or with `?participant=` the months of one of them."""
    cluster = request.cluster  # type: ignore[attr-defined]
    if cluster is None:
        raise Http404
    tz = time_zone(cluster.timezone)
    asked = asked_month(request.GET.get("month"))
    month = month_span(asked or local_day(last_settled(cluster.pk) or timezone.now(), tz), tz)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Standard mechanism"),
        "month": month,
    }
    if "participant" in request.GET:
        number = request.GET["participant"]
        participant = get_object_or_404(Participant, pk=int(number) if number.isdecimal() and len(number) < 19 else 0)
        months = [month.first]
        while len(months) < MONTHS:
            months.append(previous_month(months[-1]))
        context |= {"participant": participant, "months": compared(cluster, participant, months)}
    else:
        context |= {"groups": _groups(cluster, month), "quarter_hours_lack": _without_market_price(month)}
    return TemplateResponse(request, "admin/standard.html", context)


def _groups(cluster: Cluster, month: Span) -> list[Group]:
    terms = ClusterTerms.objects.filter(cluster=cluster).first()
    if terms is None:
        return []
    standards = Standards(StandardRows(cluster, month.first, month.after), terms, month.first)
    priced: dict[str, set[str]] = {}
    for price in retail_prices(cluster, standards.offer_names, month.first, month.after):
        priced.setdefault(price.offer.name, set()).add(price.group)
    rows = StandardSalePrice.objects.filter(cluster=cluster, month=month.first).order_by("version")
    listed = {row.legal_form: row for row in rows}
    found: dict[tuple[object, ...], Group] = {}
    for account in accounts(cluster, month_of(cluster, month.period)):
        for row, first, end in account.rows:
            for piece in standards.pieces(account.participant, first, end):
                kind = standards.found[piece.standard]
                sale = sale_words(kind, listed.get(account.participant.legal_form))
                group = found.setdefault((kind, sale), Group(kind.offer, sale, kind.netting))
                if account.participant not in group.members[-1:]:
                    group.members.append(account.participant)
                if row.tariff_group not in priced.get(kind.offer, set()):
                    group.lacks.add(row.tariff_group)
    return sorted(found.values(), key=lambda group: -len(group.members))


def _without_market_price(month: Span) -> int:
    """Quarter-hours of the month that have no market price yet."""
    return len(month.quarter_hours) - len(market_prices(month.start, month.end))
