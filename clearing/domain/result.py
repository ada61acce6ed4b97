"""What clearing one interval needs in prices and gives in results."""

from dataclasses import dataclass
from typing import NamedTuple

from clearing.domain.grid import IntArray


class ExternalPrices(NamedTuple):
    """What the coordinator pays and gets outside, micro-PLN/kWh."""

    buy: int
    sell: int


@dataclass(frozen=True)
class Trades:
    """Parallel arrays, sorted by seller's code, buyer's code and sharing level.

    seller, buyer   index of the metering point in the order that the caller gave to `prepare`
    level           index into `Pools.levels`
    wh              energy, > 0
    grid_fee        the buyer's grid fee at that level, micro-PLN/kWh
    """

    seller: IntArray
    buyer: IntArray
    level: IntArray
    wh: IntArray
    grid_fee: IntArray


@dataclass(frozen=True)
class Cleared:
    """One interval's result. Energy in Wh, prices in micro-PLN/kWh, amounts in nano-PLN (1 Wh x 1 micro-PLN/kWh).

    Arrays are [points] in the order that the caller gave to `prepare`. `local_price` is None where nothing is
    matched; `external_fee` is a buyer's grid fee of energy from outside, and 0 for whoever buys nothing.
    """

    state: str
    surplus_wh: int
    shortage_wh: int
    matched_wh: int
    external_import_wh: int
    external_export_wh: int
    local_price: int | None
    inverted: bool
    operating_cost: int
    net_wh: IntArray
    local_bought: IntArray
    local_sold: IntArray
    external_bought: IntArray
    external_sold: IntArray
    external_fee: IntArray
    equalisation: IntArray
    trades: Trades
