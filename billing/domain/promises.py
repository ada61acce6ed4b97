"""The two promises: what a member pays and gets, against the standard mechanism, and what is added to keep them.

- buy: `standard = Σ drawn × (retail + Σ full grid rates) + monthly rates`
- sell: `standard = −Σ fed in × price × factor`

The statutory relief is on neither side: a member of the cluster has it with and without a P2P contract.
VAT payers are compared net, others as they pay and get it: purchases × (1 + VAT), sales as paid. `p2p` and `standard`
are nano-PLN, half up; `difference = standard − p2p`. What is missing is made up in full, rounded up to 0.01 PLN.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from billing.domain.errors import BillingError
from billing.domain.inputs import BUY, GROSS, NET, SELL, Member, Span, Terms
from billing.domain.lines import KWH, NANO_PER_CENT, Line
from billing.domain.relief import is_relief
from billing.domain.standard import LIST, MARKET, Standard
from contracts.domain.money import divide_half_up, scaled

VAT_PLACES = 4
#: Wh × PLN/MWh (3 decimals) × two factors (6 decimals each) is 10⁻²¹ PLN.
SALE_TO_NANO = 10**12
FACTOR_PLACES = 6


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
        if is_relief(line.component):
            continue
        paid[line.side] += line.amount_nano
        monthly += line.amount_nano if line.unit != KWH else 0
    buy = sum(_standard_purchase(member, span, terms) for span in spans) + monthly
    sell = -_standard_sale(member, spans, terms)
    if member.vat_payer:
        return Promise(BUY, NET, paid[BUY], buy), Promise(SELL, NET, paid[SELL], sell)
    gross = Promise(BUY, GROSS, _with_vat(paid[BUY], terms), _with_vat(buy, terms))
    return gross, Promise(SELL, NET, paid[SELL], sell)


def _standard_purchase(member: Member, span: Span, terms: Terms) -> int:
    """Energy at the retail price and the grid fees per kWh, in full [nano-PLN]."""
    total = 0
    for row in span.standard:
        if row.drawn_wh:
            slot = terms.slots[row.slot]
            group, zone = span.profile.group, slot.tariff.zone_of(span.profile.group)
            offer = terms.standards[row.standard].offer
            if (offer, group, zone) not in slot.retail:
                raise BillingError(
                    f"There is no retail price of group '{group}', zone '{zone}' in the offer '{offer}', which "
                    f"{member.code} needs for metering point {span.metering_point} in {terms.first:%Y-%m}: add one."
                )
            grid_fee = sum(part.micro for part in terms.book.kwh_components(span.profile, slot.tariff))
            total += row.drawn_wh * (slot.retail[offer, group, zone] + grid_fee)
    return total


def _standard_sale(member: Member, spans: Sequence[Span], terms: Terms) -> int:
    """What the standard mechanisms would have paid for what was fed in under each [nano-PLN]."""
    fed_in: dict[int, int] = defaultdict(int)
    at_market: dict[int, int] = defaultdict(int)
    for span in spans:
        for row in span.standard:
            fed_in[row.standard] += row.fed_in_wh
            at_market[row.standard] += row.sale_nano
    return sum(
        _paid(member, terms.standards[number], wh, at_market[number], terms) for number, wh in fed_in.items() if wh
    )


def _paid(member: Member, standard: Standard, fed_in_wh: int, market_nano: int, terms: Terms) -> int:
    own_factor = scaled(standard.factor, FACTOR_PLACES)
    if standard.kind == MARKET:
        return divide_half_up(market_nano * own_factor, 10**FACTOR_PLACES)
    pln_mwh, factor = standard.pln_mwh, 10**FACTOR_PLACES
    if standard.kind == LIST:
        listed = terms.sale_prices.get(member.legal_form)
        if listed is None:
            raise BillingError(
                f"There is no standard sale price of {terms.first:%Y-%m} for legal form '{member.legal_form}', which "
                f"{member.code} needs: load one."
            )
        pln_mwh, factor = listed.pln_mwh, scaled(listed.factor, FACTOR_PLACES)
    if pln_mwh is None:
        raise BillingError(
            f"There is no market price of the month {terms.first:%Y-%m}, which {member.code} needs: load it when it is "
            "published."
        )
    price = scaled(standard.price(pln_mwh), 3)
    return divide_half_up(fed_in_wh * price * factor * own_factor, SALE_TO_NANO)


def _with_vat(nano: int, terms: Terms) -> int:
    return divide_half_up(nano * scaled(1 + terms.vat_rate, VAT_PLACES), 10**VAT_PLACES)
