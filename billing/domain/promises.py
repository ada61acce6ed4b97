"""The two promises: what a member pays and gets, against the standard mechanism, and what is added to keep them.

- buy: `standard = Σ drawn × (retail + Σ full grid rates) + monthly rates`
- sell: `standard = −Σ fed in × price × factor`

VAT payers are compared net, others as they pay and get it: purchases × (1 + VAT), sales as paid. `p2p` and `standard`
are nano-PLN, half up; `difference = standard − p2p`. What is missing is made up in full, rounded up to 0.01 PLN.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from billing.domain.errors import BillingError
from billing.domain.inputs import BUY, GROSS, NET, SELL, Member, Span, Terms
from billing.domain.lines import KWH, NANO_PER_CENT, Line
from contracts.domain.money import divide_half_up, scaled

VAT_PLACES = 4
#: Wh × PLN/MWh (3 decimals) × factor (6 decimals) is 10⁻¹⁵ PLN.
SALE_TO_NANO = 10**6


@dataclass(frozen=True, slots=True)
class Promise:
    """One side of a statement against the standard mechanism; amounts in nano-PLN, a cost positive."""

    side: str
    basis: str
    p2p_nano: int
    standard_nano: int

    @property
    def difference_nano(self) -> int:
        """What the member is better off by; negative = worse off."""
        return self.standard_nano - self.p2p_nano

    @property
    def assurance_cents(self) -> int:
        """What is missing, rounded up to 0.01 PLN; 0 when nothing is."""
        return max(0, -(self.difference_nano // NANO_PER_CENT))


def promises(member: Member, spans: Sequence[Span], lines: Iterable[Line], terms: Terms) -> tuple[Promise, Promise]:
    """Both promises of a statement with these lines (assurance not among them)."""
    paid = {BUY: 0, SELL: 0}
    monthly = 0
    for line in lines:
        paid[line.side] += line.amount_nano
        monthly += line.amount_nano if line.unit != KWH else 0
    buy = sum(_standard_purchase(span, terms) for span in spans) + monthly
    sell = -_standard_sale(member, sum(row.fed_in_wh for span in spans for row in span.standard), terms)
    if member.vat_payer:
        return Promise(BUY, NET, paid[BUY], buy), Promise(SELL, NET, paid[SELL], sell)
    gross = Promise(BUY, GROSS, _with_vat(paid[BUY], terms), _with_vat(buy, terms))
    return gross, Promise(SELL, NET, paid[SELL], sell)


def _standard_purchase(span: Span, terms: Terms) -> int:
    """Energy at the retail price and the grid fees per kWh, in full [nano-PLN]."""
    total = 0
    for row in span.standard:
        if row.drawn_wh:
            slot = terms.slots[row.slot]
            place = span.profile.group, slot.tariff.zone_of(span.profile.group)
            if place not in slot.retail:
                raise BillingError(
                    f"There is no retail price of group '{place[0]}', zone '{place[1]}' for metering point "
                    f"{span.metering_point} in {terms.first:%Y-%m}: load one."
                )
            grid_fee = sum(part.micro for part in terms.book.kwh_components(span.profile, slot.tariff))
            total += row.drawn_wh * (slot.retail[place] + grid_fee)
    return total


def _standard_sale(member: Member, fed_in_wh: int, terms: Terms) -> int:
    """What the standard mechanism would have paid for what was fed in [nano-PLN]."""
    if not fed_in_wh:
        return 0
    price = terms.sale_prices.get(member.legal_form)
    if price is None:
        raise BillingError(
            f"There is no standard sale price of {terms.first:%Y-%m} for legal form '{member.legal_form}', which "
            f"{member.code} needs: load one."
        )
    return divide_half_up(fed_in_wh * scaled(price.pln_mwh, 3) * scaled(price.factor, 6), SALE_TO_NANO)


def _with_vat(nano: int, terms: Terms) -> int:
    return divide_half_up(nano * scaled(1 + terms.vat_rate, VAT_PLACES), 10**VAT_PLACES)
