"""What a statement is built from: sums per metering point and slot, and the terms in force.

The database adds up the intervals; nothing here grows with their number. Energy is whole Wh, prices are micro-PLN/kWh,
amounts nano-PLN (`wh × micro = nano`, exactly). Local days `[first, end)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from billing.domain.relief import ReliefTable
from billing.domain.standard import Standard
from contracts.domain.tariff import Profile, Slot, TariffBook

BUY, SELL = "buy", "sell"
NET, GROSS = "net", "gross"


@dataclass(frozen=True, slots=True)
class Charges:
    """Fees [micro-PLN/kWh] and sharing discounts of the cluster's settings, for the local days `[first, end)`.

    `settled`: the local days around them on which grid fees are settled in the same way, through the coordinator or
    directly; their lines do not reach beyond.
    """

    first: date
    end: date
    buyer_fee_micro: int
    seller_fee_micro: int
    discounts: Mapping[str, Decimal]
    settled: tuple[date, date] = (date.min, date.max)


@dataclass(frozen=True, slots=True)
class BillingSlot:
    """All that prices energy in an interval.

    `retail`: (offer, group, zone) → retail price with excise [micro-PLN/kWh]; `relief`: None where there is none.
    """

    tariff: Slot
    charges: Charges
    retail: Mapping[tuple[str, str, str], int]
    relief: ReliefTable | None = None


@dataclass(frozen=True, slots=True)
class SalePrice:
    """A row of the cluster's list for the month: PLN/MWh and the factor that multiplies it."""

    pln_mwh: Decimal
    factor: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the whole cluster in the period `[first, end)`, a calendar month of local days.

    `sale_prices`: the cluster's list by legal form; `standards`: every standard mechanism that some member is compared
    with; `self_consumption`: of the month, for the statutory relief.
    """

    first: date
    end: date
    book: TariffBook
    slots: tuple[BillingSlot, ...]
    excise_micro: int
    vat_rate: Decimal
    sale_prices: Mapping[str, SalePrice]
    standards: tuple[Standard, ...]
    self_consumption: Fraction = Fraction(0)

    @property
    def settled_spans(self) -> list[tuple[date, date]]:
        """The month's local days, apart where the way of settling grid fees changes."""
        spans = sorted({slot.charges.settled for slot in self.slots}) or [(self.first, self.end)]
        return [(max(first, self.first), min(end, self.end)) for first, end in spans]


@dataclass(frozen=True, slots=True)
class Member:
    """Who the statement is for."""

    code: str
    legal_form: str
    vat_payer: bool


@dataclass(frozen=True, slots=True)
class PositionSums:
    """What a metering point bought and sold, and its equalisation on either side, in the intervals of one slot."""

    slot: int
    local_bought_wh: int
    local_sold_wh: int
    external_bought_wh: int
    external_bought_nano: int
    external_sold_wh: int
    external_sold_nano: int
    bought_equalisation_nano: int
    sold_equalisation_nano: int


@dataclass(frozen=True, slots=True)
class TradeSums:
    """What a metering point bought or sold (`side`) over one sharing level, in the intervals of one slot."""

    slot: int
    side: str
    level: str
    wh: int
    nano: int


@dataclass(frozen=True, slots=True)
class StandardSums:
    """What a standard mechanism (its number in the terms) would have counted in the intervals of one slot.

    `sale_nano`: Σ fed in × market price, where that is how it pays, before its factor.
    """

    slot: int
    standard: int
    drawn_wh: int
    fed_in_wh: int
    sale_nano: int = 0


@dataclass(frozen=True, slots=True)
class ReliefSums:
    """A metering point's part of the energy shared in the statutory hours, in the intervals of one slot."""

    slot: int
    wh: int


@dataclass(frozen=True, slots=True)
class Span:
    """The local days `[first, end)` of the period for which one row of a metering point was under one P2P contract."""

    metering_point: str
    first: date
    end: date
    profile: Profile
    positions: tuple[PositionSums, ...]
    trades: tuple[TradeSums, ...]
    standard: tuple[StandardSums, ...]
    relief: tuple[ReliefSums, ...] = ()
