"""What each member is compared with, on which days: its own retail offer and sale mechanism, or the cluster's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import Q

from billing.domain.standard import LIST, MONTH, Standard
from contracts.models import (
    ClusterTerms,
    MonthlyMarketPrice,
    OfferAssignment,
    RetailOffer,
    RetailPrice,
    SaleMechanism,
)
from participants.models import Cluster, Participant


@dataclass(frozen=True, slots=True)
class Piece:
    """Local days `[first, end)` and the number of the standard mechanism that holds on them."""

    first: date
    end: date
    standard: int


class StandardRows:
    """All rows that say what members are compared with on some local days `[first, end)`. Needs the scope."""

    def __init__(self, cluster: Cluster, first: date, end: date, participant: Participant | None = None) -> None:
        """Reads those of everybody, or of one participant."""
        in_force = Q(valid_to=None) | Q(valid_to__gt=first)
        offers = OfferAssignment.objects.filter(in_force, cluster=cluster, valid_from__lt=end).select_related("offer")
        mechanisms = SaleMechanism.objects.filter(in_force, cluster=cluster, valid_from__lt=end)
        if participant is not None:
            offers = offers.filter(participant=participant)
            mechanisms = mechanisms.filter(Q(participant=participant) | Q(participant=None))
        default = RetailOffer.objects.filter(cluster=cluster, is_default=True).first()
        self.offers = _by(offers, "participant_id")
        self.mechanisms = _by((row for row in mechanisms if row.participant_id), "participant_id")
        self.of_legal_form = _by((row for row in mechanisms if not row.participant_id), "legal_form")
        self.default = default.name if default else ""
        months = MonthlyMarketPrice.objects.filter(month__gte=first.replace(day=1), month__lt=end)
        self.month_prices = {row.month: row.pln_mwh for row in months.order_by("version")}


class Standards:
    """The standard mechanisms of a cluster in a month, numbered as they are met."""

    def __init__(self, rows: StandardRows, terms: ClusterTerms, month: date) -> None:
        """`month` is its first day."""
        self._rows = rows
        self._netting = str(terms.netting)
        self._month_price = rows.month_prices.get(month)
        self._numbers: dict[Standard, int] = {}

    @property
    def found(self) -> tuple[Standard, ...]:
        """Every one met so far, in the order of their numbers."""
        return tuple(self._numbers)

    @property
    def offer_names(self) -> set[str]:
        """The offers that somebody may be compared with in the month."""
        return {self._rows.default, *(row.offer.name for rows in self._rows.offers.values() for row in rows)}

    def pieces(self, participant: Participant, first: date, end: date) -> list[Piece]:
        """The days `[first, end)` of a participant, divided where its standard mechanism changes."""
        offers = self._rows.offers.get(participant.pk, [])
        own = self._rows.mechanisms.get(participant.pk, [])
        general = self._rows.of_legal_form.get(participant.legal_form, [])
        edges = {day for row in (*offers, *own, *general) for day in (row.valid_from, row.valid_to) if day}
        days = [first, *sorted(day for day in edges if first < day < end), end]
        found: list[Piece] = []
        for start, stop in pairwise(days):
            offer = _on(offers, start)
            standard = self._standard(
                offer.offer.name if offer else self._rows.default, _on(own, start) or _on(general, start)
            )
            number = self._numbers.setdefault(standard, len(self._numbers))
            if found and found[-1].standard == number:
                found[-1] = Piece(found[-1].first, stop, number)
            else:
                found.append(Piece(start, stop, number))
        return found

    def _standard(self, offer: str, mechanism: SaleMechanism | None) -> Standard:
        if mechanism is None:
            return Standard(offer, self._netting, LIST)
        price: Decimal | None = self._month_price if mechanism.kind == MONTH else mechanism.pln_mwh
        return Standard(
            offer, mechanism.netting, mechanism.kind, mechanism.factor, price, mechanism.negative_counts_as_zero
        )


def retail_prices(cluster: Cluster, offers: Iterable[str], first: date, end: date) -> Sequence[RetailPrice]:
    """The rows of these offers that hold on some of the local days `[first, end)`, each with its offer."""
    in_force = Q(valid_to=None) | Q(valid_to__gt=first)
    found = RetailPrice.objects.filter(in_force, cluster=cluster, offer__name__in=offers, valid_from__lt=end)
    return list(found.select_related("offer"))


def _by(rows: Iterable[Any], field: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for row in rows:
        found.setdefault(getattr(row, field), []).append(row)
    return found


def _on(rows: Iterable[Any], day: date) -> Any:
    """The one that holds on the day, if any: no two do."""
    return next((row for row in rows if row.valid_from <= day and (row.valid_to is None or day < row.valid_to)), None)
