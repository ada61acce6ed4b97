"""What the coordinator owes the distributor for a month: grid fees by group, component, zone and sharing level."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from contracts.domain.money import half_up

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class GridFeeRow:
    """One row; `quantity` in `unit`, `amount_pln` rounded so that the rows sum to the whole.

    `rate_pln`: the rate of all that is summed, None where there are several.
    """

    group: str
    component: str
    zone: str
    sharing_level: str
    unit: str
    quantity: Decimal
    exact_pln: Decimal
    rate_pln: Decimal | None = None
    amount_pln: Decimal = Decimal(0)


def total_pln(rows: Sequence[GridFeeRow]) -> Decimal:
    """What is owed: the exact sum, rounded once [PLN]."""
    return half_up(sum((row.exact_pln for row in rows), Decimal(0)), 2)


def split_cents(exact: Sequence[Decimal]) -> list[Decimal]:
    """Amounts in whole 0.01 that sum to the rounded whole, by largest remainder, ties in the order given.

    >>> split_cents([Decimal("0.005"), Decimal("0.005"), Decimal("-0.014")])
    [Decimal('0.01'), Decimal('0.00'), Decimal('-0.01')]
    """
    floors = [(amount // CENT - (amount % CENT < 0)) * CENT for amount in exact]
    rest = half_up(sum(exact, Decimal(0)), 2) - sum(floors, Decimal(0))
    order = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
    up = set(order[: int(rest / CENT)])
    return [(floor + CENT if i in up else floor).quantize(CENT) for i, floor in enumerate(floors)]
