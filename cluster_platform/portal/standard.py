"""What a member is compared with in each month, in the reader's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from billing.domain.standard import FIXED, HOUR, LIST, MARKET, Standard
from billing.models import Promise
from billing.numbers import number
from billing.selectors.standards import StandardRows, Standards, retail_prices
from cluster_platform.portal.money import newest_statements
from contracts.models import ClusterTerms, RetailPrice, StandardSalePrice
from metering.domain.calendar import next_month
from metering.models import PointAssignment
from participants.models import Cluster, Participant


@dataclass(frozen=True)
class Retail:
    """A price of the offer (PLN/kWh, with excise, before VAT)."""

    group: str
    zone: str
    pln_kwh: Decimal


@dataclass(frozen=True)
class Compared:
    """Local days `[first, end)` on which one standard mechanism holds."""

    first: date
    end: date
    offer: str
    retail: list[Retail]
    sale: str
    netting: str
    lacks: bool

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)


@dataclass(frozen=True)
class Month:
    """A month's mechanisms, and what they came to on the statement (PLN by side; empty before it is billed)."""

    first: date
    parts: list[Compared]
    standard_pln: dict[str, Decimal]


def compared(cluster: Cluster, participant: Participant, months: Sequence[date]) -> list[Month]:
    """What the participant is compared with in these months, given by their first days in any order."""
    terms = ClusterTerms.objects.filter(cluster=cluster).first()
    if terms is None:
        return []
    first, end = min(months), next_month(max(months))
    rows = StandardRows(cluster, first, end, participant)
    names = {rows.default, *(row.offer.name for found in rows.offers.values() for row in found)}
    retail = retail_prices(cluster, names, first, end)
    groups = PointAssignment.objects.filter(cluster=cluster, participant=participant).values_list("tariff_group")
    wanted = {group for (group,) in groups.distinct()}
    listed = StandardSalePrice.objects.filter(
        cluster=cluster, legal_form=participant.legal_form, month__gte=first, month__lt=end
    )
    prices = {row.month: row for row in listed.order_by("version")}
    billed = _billed(participant)
    return [
        Month(
            month,
            _parts(participant, month, Standards(rows, terms, month), retail, wanted, prices),
            billed.get(month, {}),
        )
        for month in months
    ]


def parts_of_month(cluster: Cluster, participant: Participant, month: date) -> list[Compared]:
    """What the participant is compared with in one month."""
    found = compared(cluster, participant, [month])
    return found[0].parts if found else []


def _parts(
    participant: Participant,
    month: date,
    standards: Standards,
    retail: Sequence[RetailPrice],
    groups: set[str],
    listed: dict[date, StandardSalePrice],
) -> list[Compared]:
    found = []
    for piece in standards.pieces(participant, month, next_month(month)):
        standard = standards.found[piece.standard]
        of_offer = [
            Retail(row.group, row.zone, row.energy_pln_kwh)
            for row in retail
            if row.offer.name == standard.offer and row.group in groups
            and row.valid_from < piece.end and (row.valid_to is None or piece.first < row.valid_to)
        ]  # fmt: skip
        of_offer.sort(key=lambda price: (price.group, price.zone))
        price = listed.get(month)
        known = standard.kind == MARKET or (price if standard.kind == LIST else standard.pln_mwh) is not None
        lacks = not known or groups - {each.group for each in of_offer} != set()
        netting = _("per hour") if standard.netting == HOUR else _("per quarter-hour")
        found.append(
            Compared(piece.first, piece.end, standard.offer, of_offer, sale_words(standard, price), netting, lacks)
        )
    return found


def sale_words(standard: Standard, listed: StandardSalePrice | None) -> str:
    """How what is fed in would be paid."""
    factor = standard.factor
    pln_mwh = standard.pln_mwh
    if standard.kind == LIST:
        if listed is None:
            return _("price of the month: not there yet")
        pln_mwh, factor = listed.pln_mwh, listed.factor * factor
    if standard.kind == MARKET:
        words = _("market price of each hour") if standard.netting == HOUR else _("market price of each quarter-hour")
    elif pln_mwh is None:
        return _("market price of the month: not published yet")
    else:
        price = {"price": number(standard.price(pln_mwh), 2)}
        if standard.kind == FIXED:
            words = _("fixed price, %(price)s PLN/MWh") % price
        elif standard.kind == LIST:
            words = _("price of the month, %(price)s PLN/MWh") % price
        else:
            words = _("market price of the month, %(price)s PLN/MWh") % price
    if factor != 1:
        words = f"{words} × {number(factor.normalize(), max(0, -int(factor.normalize().as_tuple().exponent)))}"
    return _("%(words)s; a negative price counts as 0") % {"words": words} if standard.floored else words


def _billed(participant: Participant) -> dict[date, dict[str, Decimal]]:
    """Standard cost and income by month and side, from the newest statements."""
    statements = newest_statements(participant.pk)
    months = {row.pk: month for month, row in statements.items()}
    found: dict[date, dict[str, Decimal]] = {}
    for promise in Promise.objects.filter(statement__in=months):
        found.setdefault(months[promise.statement_id], {})[promise.side] = abs(promise.standard_pln)
    return found
