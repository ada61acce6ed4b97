"""What a member is compared with: the retail offer that it would buy by, and how what it feeds in would be paid.

Polish prosumers: the deposit is energy fed in × market price, where a negative price counts as 0, times the deposit
factor (1.23 where they chose to get less of it back in money). Per quarter-hour, or netted by the hour; an hour's
price is the arithmetic mean of its quarter-hours, rounded to 6 decimals of PLN/kWh like every unit price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from contracts.domain.money import divide_half_up

#: How what is fed in is paid: by the cluster's list of monthly prices, the market's price of the month, the market's
#: price of the quarter-hour or hour, or a fixed price.
LIST, MONTH, MARKET, FIXED = "list", "month", "market", "fixed"
INTERVAL, HOUR = "interval", "hour"


@dataclass(frozen=True, slots=True)
class Standard:
    """The standard mechanism of some member for some days.

    `offer` names the retail offer. `pln_mwh` is the price of `month` and `fixed`, None where none was published;
    `floored`: a negative price counts as 0. The prices of `list` have a factor of their own beside this one.
    """

    offer: str
    netting: str = INTERVAL
    kind: str = LIST
    factor: Decimal = Decimal(1)
    pln_mwh: Decimal | None = None
    floored: bool = False

    def price(self, pln_mwh: Decimal) -> Decimal:
        """What counts of a price."""
        return max(Decimal(0), pln_mwh) if self.floored else pln_mwh


def hour_prices(quarters: Sequence[int | None], hours: Sequence[int]) -> list[int | None]:
    """Each quarter-hour's price of its hour: the mean of the hour's prices [micro-PLN/kWh], half up; None if one lacks.

    >>> hour_prices([1, 2, 4, None], [0, 0, 0, 1])
    [2, 2, 2, None]
    """
    found: dict[int, list[int | None]] = {}
    for hour, price in zip(hours, quarters, strict=True):
        found.setdefault(hour, []).append(price)
    means = {
        hour: None if None in prices else divide_half_up(sum(price or 0 for price in prices), len(prices))
        for hour, prices in found.items()
    }
    return [means[hour] for hour in hours]
