"""Typical members for worked examples: made-up round figures that show what a tariff book does to a bill.

The shapes are drawn by hand after what is commonly said of such users (an evening peak at home, opening hours in a
shop, two shifts in a plant); they stand for nobody and are used for nothing but the examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

#: Weights of the hours 0 to 23.
Hours = tuple[int, ...]

_EVEN: Hours = (10,) * 24
_HOME: Hours = (5, 4, 4, 4, 4, 5, 8, 10, 9, 8, 8, 8, 9, 9, 9, 10, 12, 15, 17, 18, 17, 14, 10, 7)
_HOME_FREE: Hours = (6, 5, 4, 4, 4, 4, 5, 7, 10, 12, 13, 14, 15, 14, 13, 13, 13, 15, 16, 17, 16, 14, 11, 8)
_NIGHT: Hours = (16, 18, 18, 18, 16, 12, 7, 6, 6, 6, 6, 7, 8, 14, 14, 8, 8, 9, 10, 11, 10, 8, 12, 14)
_SUN: Hours = (9, 8, 8, 8, 8, 8, 9, 8, 5, 2, 1, 1, 1, 1, 2, 3, 6, 11, 16, 19, 18, 16, 13, 11)
_SHOP: Hours = (2, 2, 2, 2, 2, 3, 6, 12, 18, 20, 20, 20, 20, 20, 20, 20, 20, 20, 18, 14, 8, 4, 2, 2)
_SHOP_FREE: Hours = (2, 2, 2, 2, 2, 2, 2, 4, 8, 10, 10, 10, 10, 8, 6, 3, 2, 2, 2, 2, 2, 2, 2, 2)
_PLANT: Hours = (8, 8, 8, 8, 8, 10, 20, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 20, 20, 20, 18, 10, 8)
_HEATED = (13, 12, 11, 8, 6, 5, 5, 5, 6, 8, 10, 11)
_LIT = (10, 9, 9, 8, 8, 7, 7, 7, 8, 9, 9, 9)
_SUNNY = (15, 13, 10, 6, 4, 3, 3, 3, 5, 9, 13, 16)
_STEADY = (9, 8, 9, 8, 8, 8, 8, 8, 8, 9, 9, 8)


@dataclass(frozen=True, slots=True)
class TypicalMember:
    """What one of its kind draws from the grid in a year [kWh], and when: weights of months, and of hours by day."""

    code: str
    groups: tuple[str, ...]
    yearly_use_kwh: int
    contracted_power_kw: Decimal
    capacity_factor: Decimal
    months: tuple[int, ...]
    workday: Hours
    free: Hours
    phases: int = 3


MEMBERS: tuple[TypicalMember, ...] = (
    TypicalMember("household", ("G11", "G"), 2000, Decimal(5), Decimal(1), _LIT, _HOME, _HOME_FREE),
    TypicalMember("night_heating", ("G12",), 5000, Decimal(10), Decimal(1), _HEATED, _NIGHT, _NIGHT),
    TypicalMember("prosumer", ("G12w", "G13"), 3500, Decimal(10), Decimal(1), _SUNNY, _SUN, _SUN),
    TypicalMember("shop", ("C11", "C13", "C"), 15_000, Decimal(14), Decimal(1), _STEADY, _SHOP, _SHOP_FREE),
    TypicalMember("plant", ("B", "A"), 250_000, Decimal(100), Decimal("0.5"), _STEADY, _PLANT, _EVEN),
)


def member_of(group: str, members: Sequence[TypicalMember] = MEMBERS) -> TypicalMember | None:
    """Who is typical of a tariff group: by its name, else by its first letter; None: nobody."""
    for name in (group, group[:1]):
        for member in members:
            if name in member.groups:
                return member
    return None
