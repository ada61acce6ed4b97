"""The statutory relief by the hour (Poland: act on renewable energy sources, the support of energy clusters).

In a local hour the *shared* energy is the smaller of what all members injected from renewable sources and what all
members drew. It is given to the members in proportion to what each metering point drew in that hour, by largest
remainder, ties by metering point code. On a member's part the components that the tariff marks `hourly` are waived, in
whole or in part, by steps of the month's *self-consumption*: shared ÷ injected renewable energy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from contracts.domain.tariff import RELIEF_ENDING


@dataclass(frozen=True, slots=True)
class ReliefTable:
    """The steps in force on the local days `[first, end)`: component → (self-consumption from, share waived)."""

    first: date
    end: date
    steps: Mapping[str, tuple[tuple[Decimal, Decimal], ...]]

    def waived(self, component: str, self_consumption: Fraction) -> Decimal:
        """The share of the component's rate that is not charged on shared energy: that of the highest step reached."""
        reached = [step for step in self.steps.get(component, ()) if step[0] <= self_consumption]
        return max(reached, default=(Decimal(0), Decimal(0)))[1]


def self_consumption(shared_wh: int, injected_wh: int) -> Fraction:
    """The part of the injected renewable energy that members drew in the same hour; 0 if none was injected."""
    return Fraction(shared_wh, injected_wh) if injected_wh else Fraction(0)


def is_relief(component: str) -> bool:
    """Whether a line's component is what the statutory hour waived."""
    return component.endswith(RELIEF_ENDING)
