"""The lines of a statement: exact amounts by component, zone, sharing level and days of the rate.

- energy, local and external, and equalisation: what was traded and posted, in the zone of the point's tariff group
- excise and the buyer's fee: on every kWh bought; the seller's fee: on every kWh sold locally
- grid fees per kWh: the rate in full from outside, discounted or waived by its treatment over a sharing level
- monthly rates: `rate × [kW ×] days / days of the month`, half up to 9 decimals
- relief: for each component that the tariff relieves by the hour, what is waived of its rate on the shared energy, as a
  negative line of its own

A cost is positive, an income negative. Quantities are in 10⁻⁹ of the unit, amounts in nano-PLN.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from billing.domain.inputs import BUY, SELL, BillingSlot, Span, Terms
from contracts.domain.fees import EXTERNAL, level_micro
from contracts.domain.money import NANO, divide_half_up, scaled, times_half_up
from contracts.domain.tariff import DISCOUNTED, HOURLY, PER_KW_MONTH, RELIEF_ENDING, KwhComponent
from contracts.domain.zones import FLAT

LOCAL_ENERGY, EXTERNAL_ENERGY = "local_energy", "external_energy"
LOCAL_SOLD, EXTERNAL_SOLD = "local_energy_sold", "external_energy_sold"
EQUALISATION, EXCISE, SERVICE_FEE, ASSURANCE = "equalisation", "excise", "service_fee", "assurance"
BILLED_FIRST = (LOCAL_ENERGY, EXTERNAL_ENERGY, LOCAL_SOLD, EXTERNAL_SOLD, EQUALISATION, EXCISE, SERVICE_FEE)
KWH, MONTH, KW_MONTH = "kWh", "month", "kW*month"
WH_QUANTITY = NANO // 1000
NANO_PER_CENT = NANO // 100


class Line(NamedTuple):
    """One line; `rate_from`, `rate_to` are the local days for which its rate applied, clipped to the span billed."""

    side: str
    metering_point: str
    component: str
    zone: str
    sharing_level: str
    rate_from: date
    rate_to: date
    quantity_nano: int
    unit: str
    amount_nano: int

    @property
    def net_cents(self) -> int:
        """The amount in whole 0.01 PLN, half up."""
        return divide_half_up(self.amount_nano, NANO_PER_CENT)


#: What energy is added up under, a line per key: side, component, zone, level, and the days of the rate in the span.
_Key = tuple[str, str, str, str, date, date]
#: A slot's number and a sharing level.
_Place = tuple[int, str]
#: Local days [first, end).
_Days = tuple[date, date]


class _Sums:
    """Energy and amount by key, for one span."""

    def __init__(self, span: Span, terms: Terms) -> None:
        self.span = span
        self.terms = terms
        #: Wh and nano-PLN.
        self._found: dict[_Key, tuple[int, int]] = {}

    def add(self, side: str, component: str, zone: str, level: str, days: _Days, wh: int, nano: int) -> None:
        key = (side, component, zone, level, max(days[0], self.span.first), min(days[1], self.span.end))
        known_wh, known_nano = self._found.get(key, (0, 0))
        self._found[key] = known_wh + wh, known_nano + nano

    def components(self, slot: int) -> tuple[KwhComponent, ...]:
        """The per-kWh rates of the point in a slot."""
        return self.terms.book.kwh_components(self.span.profile, self.terms.slots[slot].tariff)

    def lines(self) -> Iterator[Line]:
        point = self.span.metering_point
        for (side, component, zone, level, first, end), (wh, nano) in self._found.items():
            yield Line(side, point, component, zone, level, first, end, wh * WH_QUANTITY, KWH, nano)


def span_lines(span: Span, terms: Terms) -> Iterator[Line]:
    """All lines of one span, in no particular order. Refuses a level without discount or a slot without rates."""
    sums = _Sums(span, terms)
    bought, sold = _add_energy(sums)
    for (number, level), wh in bought.items():
        slot = terms.slots[number]
        _add_fee(sums, BUY, EXCISE, level, (span.first, span.end), wh, terms.excise_micro)
        _add_fee(sums, BUY, SERVICE_FEE, level, _days(slot), wh, slot.charges.buyer_fee_micro)
        _add_grid_fees(sums, number, level, wh)
    for (number, level), wh in sold.items():
        slot = terms.slots[number]
        _add_fee(sums, SELL, SERVICE_FEE, level, _days(slot), wh, slot.charges.seller_fee_micro)
    _add_relief(sums)
    yield from sums.lines()
    yield from _monthly_lines(span, terms)


def _add_energy(sums: _Sums) -> tuple[dict[_Place, int], dict[_Place, int]]:
    """Add what was traded and posted; returns the energy bought, and that sold locally, by slot and level."""
    span, terms = sums.span, sums.terms
    days = (span.first, span.end)
    bought: dict[_Place, int] = defaultdict(int)
    sold: dict[_Place, int] = defaultdict(int)
    for trade in span.trades:
        zone = terms.slots[trade.slot].tariff.zone_of(span.profile.group)
        if trade.side == BUY:
            sums.add(BUY, LOCAL_ENERGY, zone, trade.level, days, trade.wh, trade.nano)
            bought[trade.slot, trade.level] += trade.wh
        else:
            sums.add(SELL, LOCAL_SOLD, zone, trade.level, days, trade.wh, -trade.nano)
            sold[trade.slot, trade.level] += trade.wh
    for row in span.positions:
        zone = terms.slots[row.slot].tariff.zone_of(span.profile.group)
        if row.external_bought_wh:
            sums.add(BUY, EXTERNAL_ENERGY, zone, EXTERNAL, days, row.external_bought_wh, row.external_bought_nano)
            bought[row.slot, EXTERNAL] += row.external_bought_wh
        if row.external_sold_wh:
            sums.add(SELL, EXTERNAL_SOLD, zone, EXTERNAL, days, row.external_sold_wh, -row.external_sold_nano)
        if row.bought_equalisation_nano:
            wh = row.local_bought_wh + row.external_bought_wh
            sums.add(BUY, EQUALISATION, zone, "", days, wh, row.bought_equalisation_nano)
        if row.sold_equalisation_nano:
            wh = row.local_sold_wh + row.external_sold_wh
            sums.add(SELL, EQUALISATION, zone, "", days, wh, row.sold_equalisation_nano)
    return bought, sold


def _add_fee(sums: _Sums, side: str, component: str, level: str, days: _Days, wh: int, micro: int) -> None:
    if micro:
        sums.add(side, component, FLAT, level, days, wh, wh * micro)


def _add_grid_fees(sums: _Sums, number: int, level: str, wh: int) -> None:
    """Every per-kWh rate of the point: what is waived stands with 0, so that its owner sees it."""
    slot = sums.terms.slots[number]
    for part in sums.components(number):
        first, end = _settled(slot, part.rate.valid_from, part.rate.valid_to or sums.terms.end)
        if part.treatment == DISCOUNTED and level != EXTERNAL:
            first, end = max(first, slot.charges.first), min(end, slot.charges.end)
        micro = level_micro(part, level, slot.charges.discounts)
        sums.add(BUY, part.component, part.zone, level, (first, end), wh, wh * micro)


def _add_relief(sums: _Sums) -> None:
    """What the statutory hour waives: each waived part of a rate is rounded half up to 6 decimals, like a discount."""
    terms = sums.terms
    for row in sums.span.relief:
        slot = terms.slots[row.slot]
        if slot.relief is None:
            continue
        for part in sums.components(row.slot):
            if part.treatment != HOURLY:
                continue
            micro = times_half_up(part.micro, slot.relief.waived(part.component, terms.self_consumption))
            if micro:
                first = max(part.rate.valid_from, slot.relief.first)
                end = min(part.rate.valid_to or terms.end, slot.relief.end)
                days = _settled(slot, first, end)
                sums.add(BUY, part.component + RELIEF_ENDING, part.zone, "", days, row.wh, -row.wh * micro)


def _monthly_lines(span: Span, terms: Terms) -> Iterator[Line]:
    month_days = (terms.end - terms.first).days
    spans = ((max(first, span.first), min(end, span.end)) for first, end in terms.settled_spans)
    days_of = [(first, end) for first, end in spans if first < end]
    for part in (each for days in days_of for each in terms.book.monthly_components(span.profile, *days)):
        days, watts, unit = (part.end - part.first).days, 1000, MONTH
        if part.unit == PER_KW_MONTH:
            watts, unit = scaled(span.profile.contracted_power_kw, 3), KW_MONTH
        # kW = watts / 1000 and nano = micro × 1000 cancel.
        amount = divide_half_up(part.micro * watts * days, month_days)
        quantity = divide_half_up(watts * days * (NANO // 1000), month_days)
        yield Line(
            BUY, span.metering_point, part.component, part.rate.zone, "", part.first, part.end, quantity, unit, amount
        )


def _settled(slot: BillingSlot, first: date, end: date) -> _Days:
    """Grid fees of days that are settled in another way stand on lines of their own."""
    return max(first, slot.charges.settled[0]), min(end, slot.charges.settled[1])


def _days(slot: BillingSlot) -> _Days:
    return slot.charges.first, slot.charges.end
