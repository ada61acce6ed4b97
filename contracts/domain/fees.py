"""Grid fees per kWh of a metering point: from outside, and at each sharing level.

`fee_ext = Σ rate`, `fee_level = Σ rate × (1 if full or hourly, 1 − discount[level] if discounted, 0 if waived)`; each
discounted rate is rounded half up to 6 decimals, then summed. A trade pays an `hourly` rate in full: what it is
relieved of is counted by the hour, over all members, and is no matter of the trade. All fees are micro-PLN/kWh.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from contracts.domain.money import times_half_up
from contracts.domain.tariff import (
    DISCOUNTED,
    FULL,
    HOURLY,
    WAIVED,
    KwhClass,
    KwhComponent,
    Profile,
    Slot,
    TariffBook,
    TariffError,
)

EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class FeeTable:
    """Grid fees [micro-PLN/kWh] of profiles × slots: `external[p, s]`, `local[p, s, l]`, `l` in order of `levels`."""

    levels: tuple[str, ...]
    external: NDArray[np.int64]
    local: NDArray[np.int64]


def level_micro(component: KwhComponent, level: str, discounts: Mapping[str, Decimal]) -> int:
    """What a kWh that comes over `level` pays of one component [micro-PLN]; `external` pays it in full."""
    if level == EXTERNAL or component.treatment in (FULL, HOURLY):
        return component.micro
    if component.treatment == WAIVED:
        return 0
    if component.treatment != DISCOUNTED:
        raise TariffError(f"unknown local treatment '{component.treatment}'")
    if level not in discounts:
        raise TariffError(f"the settings have no sharing discount for level '{level}'")
    return times_half_up(component.micro, 1 - discounts[level])


def level_fee(components: Iterable[KwhComponent], level: str, discounts: Mapping[str, Decimal]) -> int:
    """Σ of `level_micro` [micro-PLN/kWh]."""
    return sum(level_micro(component, level, discounts) for component in components)


def fee_table(
    book: TariffBook,
    profiles: Sequence[Profile],
    slots: Sequence[Slot],
    levels: Sequence[str],
    discounts: Mapping[str, Decimal],
) -> FeeTable:
    """Fees of every profile in every slot, from outside and at every level. Worked out once per kind of profile."""
    external = np.zeros((len(profiles), len(slots)), dtype=np.int64)
    local = np.zeros((len(profiles), len(slots), len(levels)), dtype=np.int64)
    members: dict[KwhClass, list[int]] = {}
    for position, profile in enumerate(profiles):
        members.setdefault(book.kwh_class(profile), []).append(position)
    for positions in members.values():
        for s, slot in enumerate(slots):
            components = book.kwh_components(profiles[positions[0]], slot)
            external[positions, s] = level_fee(components, EXTERNAL, discounts)
            local[positions, s, :] = [level_fee(components, level, discounts) for level in levels]
    return FeeTable(tuple(levels), external, local)


@dataclass(frozen=True, slots=True)
class DiscountProblem:
    """Why discounts don't suit the grid; `above` is the level over which more is saved than over `level`."""

    level: str
    discount: Decimal | None
    above: str = ""
    above_discount: Decimal | None = None

    def __str__(self) -> str:
        if self.discount is None:
            return f"level '{self.level}' of the grid has no sharing discount; add one"
        if not self.above:
            return f"the sharing discount of level '{self.level}' is {self.discount}; it must lie between 0 and 1"
        return (
            f"the sharing discount grows with distance: {self.discount} at '{self.level}', {self.above_discount} at "
            f"'{self.above}' above it; make that of '{self.level}' at least as large"
        )


def discount_problems(
    parents: Mapping[str, str | None], levels: Mapping[str, str], discounts: Mapping[str, Decimal]
) -> Iterator[DiscountProblem]:
    """Why these discounts don't suit the grid: none for a level, outside 0 to 1, or larger at the parent than below."""
    for level, discount in discounts.items():
        if not 0 <= discount <= 1:
            yield DiscountProblem(level, discount)
    missing = {level for level in levels.values() if level not in discounts}
    for level in sorted(missing):
        yield DiscountProblem(level, None)
    steps = {(levels[node], levels[parent]) for node, parent in parents.items() if parent is not None}
    for near, far in sorted(steps):
        if near not in missing and far not in missing and discounts[near] < discounts[far]:
            yield DiscountProblem(near, discounts[near], far, discounts[far])
