"""Interest on what was paid late: by day on what was open, actual/365.

A bill is late from the day after it was due; where that was a Saturday or a public holiday, from the day after the next
working day (art. 115 of the Polish Civil Code). The day of a payment still counts, with what was open before it.
Rates are percent a year and hold until the next one (art. 481 § 2: statutory; act of 8 March 2013: commercial
transactions).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from billing.domain.errors import BillingError
from contracts.domain.money import half_up

ZERO = Decimal("0.00")
DAY = timedelta(days=1)
_PER_YEAR = Decimal(36500)


@dataclass(frozen=True, slots=True)
class Rate:
    """Percent a year from this day on."""

    valid_from: date
    percent: Decimal


@dataclass(frozen=True, slots=True)
class InterestSpan:
    """Days `[first, end)` with one open amount and one rate; `exact_pln` is not rounded."""

    first: date
    end: date
    open_pln: Decimal
    percent: Decimal

    @property
    def days(self) -> int:
        """How many."""
        return (self.end - self.first).days

    @property
    def exact_pln(self) -> Decimal:
        """`open × percent / 100 × days / 365` [PLN]."""
        return self.open_pln * self.percent * self.days / _PER_YEAR


def late_from(due_on: date, is_free: Callable[[date], bool]) -> date:
    """The first day of delay; `is_free` says whether a day is a Saturday, a Sunday or a public holiday."""
    while is_free(due_on):
        due_on += DAY
    return due_on + DAY


def interest_spans(
    payable_pln: Decimal, paid: Iterable[tuple[date, Decimal]], rates: Sequence[Rate], first: date, end: date
) -> list[InterestSpan]:
    """The days `[first, end)` of delay, cut wherever the open amount or the rate changes; nothing open gives no span.

    `paid` has day and amount of each payment (negative where one is taken back), `rates` are in the order of days.
    Raises BillingError if there is no rate for a day.
    """
    if first >= end:
        return []
    if not rates or rates[0].valid_from > first:
        raise BillingError(f"there is no interest rate for {first}: load the rates that held then")
    payments = list(paid)
    cuts = {first, end} | {rate.valid_from for rate in rates} | {day + DAY for day, _ in payments}
    days = sorted(day for day in cuts if first <= day <= end)
    found = []
    for start, stop in pairwise(days):
        open_pln = payable_pln - sum((amount for day, amount in payments if day < start), ZERO)
        if open_pln > 0:
            rate = rates[bisect_right(rates, start, key=lambda each: each.valid_from) - 1]
            found.append(InterestSpan(start, stop, open_pln, rate.percent))
    return found


def interest_pln(spans: Iterable[InterestSpan]) -> Decimal:
    """The sum, rounded once, half up [PLN]."""
    return half_up(sum((span.exact_pln for span in spans), ZERO), 2)
