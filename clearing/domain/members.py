"""What stays the same over many intervals: the members' places in the grid, and a fee table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearing.domain.errors import InputError
from clearing.domain.grid import IntArray, Pools

# Products of two sums of energy, and of a sum of energy and a price, must fit into 63 bits.
MOST_ENERGY_WH = 3_000_000_000
HIGHEST_PRICE = 1_000_000_000


@dataclass(frozen=True)
class Members:
    """Metering points under P2P contract, in the order of their codes, so that a stable sort breaks ties by code.

    order         [points] where each of them stood in the caller's order
    pool          [points] its pool
    profile       [points] its row of the fee table
    holder        [points] who holds its key of the static allocation, numbered by the first point's code
    key           [holders] their keys, as whole weights
    pool_at       [depths, points] the pool that it lies in at that depth, -1 where its own pool is less deep
    by_pool       [depths, points] the points sorted by that pool, then by code
    """

    pools: Pools
    codes: tuple[str, ...]
    order: IntArray
    pool: IntArray
    profile: IntArray
    holder: IntArray
    key: IntArray
    pool_at: IntArray
    by_pool: IntArray


def prepare(
    pools: Pools,
    codes: Sequence[str],
    nodes: Sequence[str],
    profiles: Sequence[int],
    holders: Sequence[str] | None = None,
    keys: Sequence[int] | None = None,
) -> Members:
    """Sort out the members of an interval; all sequences are parallel, in any order.

    `holders` names who holds a point's key (its participant; by default each point for itself) and `keys` gives
    that holder's key of the static allocation as a whole weight. Raises InputError for a repeated code, an unknown
    node, or a holder with two different keys.
    """
    if len(set(codes)) != len(codes):
        raise InputError("a metering point stands twice among the members")
    unknown = set(nodes) - pools.pool_of_node.keys()
    if unknown:
        raise InputError(f"members at unknown grid nodes: {', '.join(sorted(unknown))}")
    order = sorted(range(len(codes)), key=codes.__getitem__)
    names = codes if holders is None else holders
    number: dict[str, int] = {}
    holder = [number.setdefault(names[place], len(number)) for place in order]
    key = np.zeros(len(number), dtype=np.int64)
    if keys is not None:
        for own, place in zip(holder, order, strict=True):
            if keys[place] < 0 or key[own] not in (0, keys[place]):
                raise InputError(f"{names[place]}: the static key is negative or not the same for all points")
            key[own] = keys[place]
    pool = np.array([pools.pool_of_node[nodes[place]] for place in order], dtype=np.int64)
    pool_at = pools.ancestor[:, pool]
    return Members(
        pools=pools,
        codes=tuple(codes[place] for place in order),
        order=np.array(order, dtype=np.int64),
        pool=pool,
        profile=np.array([profiles[place] for place in order], dtype=np.int64),
        holder=np.array(holder, dtype=np.int64),
        key=key,
        pool_at=pool_at,
        by_pool=np.argsort(pool_at, axis=1, kind="stable"),
    )


@dataclass(frozen=True)
class FeeTable:
    """Grid fees in one interval, micro-PLN/kWh, by fee profile.

    external   [profiles] fee of energy from outside
    local      [profiles, levels] fee of local energy at each sharing level, levels as in `Pools.levels`
    saving     [classes, levels] the classes' savings `external - local`, sorted
    class_of   [profiles] class of each profile: profiles with the same saving at every level are one class
    """

    external: IntArray
    local: IntArray
    saving: IntArray
    class_of: IntArray


def fee_table(external: NDArray[np.integer], local: NDArray[np.integer]) -> FeeTable:
    """Classify the fee profiles; raises InputError if local energy ever costs more than energy from outside."""
    outside = np.asarray(external, dtype=np.int64)
    inside = np.asarray(local, dtype=np.int64)
    if outside.ndim != 1 or inside.ndim != 2 or len(inside) != len(outside):
        raise InputError("fee table: external is [profiles] and local is [profiles, levels]")
    saving, class_of = np.unique(outside[:, None] - inside, axis=0, return_inverse=True)
    if saving.size and saving.min() < 0:
        raise InputError("fee table: local energy may not cost more grid fee than energy from outside")
    return FeeTable(outside, inside, saving, class_of.reshape(-1).astype(np.int64))
