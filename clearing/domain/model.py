"""Who gets local energy at least cost: pools x classes, never pairs."""

import numpy as np

from clearing.domain.grid import IntArray, Pools
from clearing.domain.program import Program, solve_uniquely

# Far above the pseudo-random part, so that of equally good optima one with nearer pools is taken.
DEPTH_COST = 1 << 32


def best_flows(pools: Pools, saving: IntArray, need: IntArray, offer: IntArray, matched: int, solver: str) -> IntArray:
    """Energy Y [pools, classes] (Wh) that each pool gives to each class below it, of greatest saving.

    saving [classes, levels] micro-PLN/kWh, need [pools, classes] and offer [pools] (Wh) of those who sit at the
    pool itself. max Σ saving·Y with, for every pool k: what class c gets in the subtree of k is at most its need
    there, what all get there is at most the offer there, and Σ Y = matched (at the root). These are the sums
    R[k,c] >= 0 and U[k] >= 0 of the design with the passing up carried out.
    """
    need_below, offer_below = pools.subtree_sums(need), pools.subtree_sums(offer)
    pool, kind = np.nonzero(_useful(pools, need_below, offer_below))
    row, column, limit, upper = _limits(pools, pool, kind, need_below, offer_below, matched)
    program = Program(
        cost=-saving[kind, pools.level[pool]],
        upper=upper,
        row=row,
        column=column,
        limit=limit,
        tight=np.arange(len(limit)) == 0,
    )
    flows = np.zeros_like(need)
    flows[pool, kind] = solve_uniquely(program, scattered(len(pool)) - DEPTH_COST * pools.depth[pool], solver)
    return flows


def _useful(pools: Pools, need_below: IntArray, offer_below: IntArray) -> np.ndarray:
    """Where Y can be more than zero [pools, classes]: need and offer meet, and not already all in one child."""
    useful = (need_below > 0) & (offer_below > 0)[:, None]
    above = pools.parent[1:]
    all_in_child = (need_below[1:] == need_below[above]) & (offer_below[1:] == offer_below[above])[:, None]
    settled_below = np.zeros_like(useful)
    np.logical_or.at(settled_below, above, all_in_child & useful[1:])
    return useful & ~settled_below


def _limits(
    pools: Pools, pool: IntArray, kind: IntArray, need_below: IntArray, offer_below: IntArray, matched: int
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Rows of the program as (row, column) entries with limits, the root's offer first; upper bounds of the columns.

    A row that others imply is left out, and a row of one column is an upper bound.
    """
    kinds = need_below.shape[1]
    above = pools.ancestor[:, pool]
    depth, column = np.nonzero(above >= 0)
    at = above[depth, column]
    limits = np.concatenate([offer_below, need_below.reshape(-1)])
    limits[0] = matched
    row = np.concatenate([at, len(offer_below) + at * kinds + kind[column]])
    column = np.concatenate([column, column])

    offer_binds = offer_below < need_below.sum(axis=1)
    offer_binds[0] = True
    need_binds = ~offer_binds[:, None] | (need_below < offer_below[:, None])
    need_binds[0] = need_below[0] < matched
    keep = np.concatenate([offer_binds, need_binds.reshape(-1)])[row]
    row, column = row[keep], column[keep]

    single = np.bincount(row, minlength=len(limits))[row] == 1
    single[row == 0] = False
    upper = need_below[pool, kind]
    np.minimum.at(upper, column[single], limits[row[single]])
    row, column = row[~single], column[~single]

    order = np.argsort(row, kind="stable")
    used, row = np.unique(row[order], return_inverse=True)
    return row.reshape(-1), column[order], limits[used], upper


def scattered(count: int) -> IntArray:
    """Fixed, distinct, whole numbers below 2^32 without pattern: Murmur3's 32-bit finaliser, a bijection, of 1..count.

    Patterns would let different optima tie again.
    """
    h = np.arange(1, count + 1, dtype=np.uint64)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> np.uint64(shift)
        h = h * np.uint64(factor) & np.uint64(0xFFFFFFFF)
    return (h ^ (h >> np.uint64(16))).astype(np.int64)
