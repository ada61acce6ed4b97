"""How a bill stands, from what is payable and what was paid."""

from datetime import date
from decimal import Decimal
from enum import StrEnum


class BillState(StrEnum):
    """`overdue` is open or partly paid after its day; `settled` has nothing to pay."""

    OPEN = "open"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    OVERDUE = "overdue"
    SETTLED = "settled"


def state_of(payable_pln: Decimal, paid_pln: Decimal, late_from: date, today: date) -> BillState:
    """The state on the day `today`; amounts signed alike (positive: the participant pays) [PLN].

    `late_from` is the first day of delay (`billing.domain.interest.late_from`). Credit of the participant is no
    bill's: a bill is never paid beyond what is payable.
    """
    if not payable_pln:
        return BillState.SETTLED
    if paid_pln == payable_pln:
        return BillState.PAID
    if payable_pln > 0 and today >= late_from:
        return BillState.OVERDUE
    return BillState.PARTLY_PAID if paid_pln else BillState.OPEN
