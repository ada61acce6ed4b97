"""From flows to shares to pairs: leaves to root, all pools of one depth at once."""

from dataclasses import dataclass

import numpy as np

from clearing.domain.grid import IntArray
from clearing.domain.members import Members
from clearing.domain.result import Trades
from clearing.domain.shares import split


@dataclass(frozen=True)
class Pairs:
    """Trades in the points' own order, before fees are known: seller, buyer, pool and energy (Wh)."""

    seller: IntArray
    buyer: IntArray
    pool: IntArray
    wh: IntArray


_NOTHING = np.zeros(0, dtype=np.int64)
NO_PAIRS = Pairs(_NOTHING, _NOTHING, _NOTHING, _NOTHING)


def share_out(
    members: Members, flows: IntArray, need: IntArray, offer: IntArray, kind: IntArray
) -> tuple[IntArray, IntArray, Pairs]:
    """Local energy bought and sold by each point, and who trades with whom.

    flows [pools, classes] (Wh); need, offer (Wh) and kind, the class [points]. A pool's energy for a class goes to
    the members of that class below it in proportion to their unmet need, and is taken from the sellers below it in
    proportion to their unsold surplus.
    """
    unmet, unsold = need.copy(), offer.copy()
    pairs: list[tuple[IntArray, IntArray, IntArray, IntArray]] = []
    for depth in reversed(range(len(members.pool_at))):
        active = flows * (members.pools.depth == depth)[:, None]
        if not active.any():
            continue
        pool_at, by_pool = members.pool_at[depth], members.by_pool[depth]
        buyers = by_pool[(unmet[by_pool] > 0) & (pool_at[by_pool] >= 0)]
        sellers = by_pool[(unsold[by_pool] > 0) & (pool_at[by_pool] >= 0)]
        got = split(active.reshape(-1), unmet[buyers], pool_at[buyers] * flows.shape[1] + kind[buyers])
        gave = split(active.sum(axis=1), unsold[sellers], pool_at[sellers])
        unmet[buyers] -= got
        unsold[sellers] -= gave
        buyers, got = buyers[got > 0], got[got > 0]
        sellers, gave = sellers[gave > 0], gave[gave > 0]
        seller, buyer, wh = _zip(sellers, gave, buyers, got)
        pairs.append((seller, buyer, pool_at[buyer], wh))
    return need - unmet, offer - unsold, Pairs(*(np.concatenate(parts) for parts in zip(*pairs, strict=True)))


def _zip(sellers: IntArray, gave: IntArray, buyers: IntArray, got: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Lay what was given and what was got end to end and cut where either changes hands.

    Both run pool by pool, and a pool gives what it gets, so no piece reaches over the end of a pool.
    """
    given_to, got_to = np.cumsum(gave), np.cumsum(got)
    cuts = np.union1d(given_to, got_to)
    wh = np.diff(cuts, prepend=0)
    return sellers[np.searchsorted(given_to, cuts)], buyers[np.searchsorted(got_to, cuts)], wh


def priced(members: Members, pairs: Pairs, local_fee: IntArray) -> Trades:
    """Trades with their level and the buyer's grid fee, sorted; local_fee [profiles, levels] in micro-PLN/kWh."""
    level = members.pools.level[pairs.pool]
    order = np.lexsort((level, pairs.buyer, pairs.seller))
    buyer, level = pairs.buyer[order], level[order]
    return Trades(
        seller=members.order[pairs.seller[order]],
        buyer=members.order[buyer],
        level=level,
        wh=pairs.wh[order],
        grid_fee=local_fee[members.profile[buyer], level],
    )
