"""Clearing one interval: arrays in, arrays out, whole numbers only."""

import numpy as np
from numpy.typing import NDArray

from clearing.domain.allocation import allocate
from clearing.domain.equalisation import equalisation
from clearing.domain.errors import InputError
from clearing.domain.grid import IntArray
from clearing.domain.laws import check_laws
from clearing.domain.members import HIGHEST_PRICE, MOST_ENERGY_WH, FeeTable, Members
from clearing.domain.model import best_flows
from clearing.domain.pairing import NO_PAIRS, Pairs, priced, share_out
from clearing.domain.price import local_price
from clearing.domain.program import HIGHS
from clearing.domain.result import Cleared, ExternalPrices
from clearing.domain.rules import Residual, Rules
from clearing.domain.shares import group_sums


def clear(
    members: Members,
    fees: FeeTable,
    net_wh: NDArray[np.integer],
    prices: ExternalPrices,
    rules: Rules,
    solver: str = HIGHS,
) -> Cleared:
    """Settle one interval so that the cluster as a whole pays least, by its allocation, price and residual rules.

    net_wh is exported - imported [points]. Raises a ClearingError (see `clearing.domain.errors`); every result that
    is returned obeys the laws of the interval.
    """
    given = np.asarray(net_wh, dtype=np.int64)
    _check(members, fees, given, prices)
    net = given[members.order]
    surplus, shortage = np.maximum(net, 0), np.maximum(-net, 0)
    total_surplus, total_shortage = int(surplus.sum()), int(shortage.sum())
    matched = min(total_surplus, total_shortage)
    need, offer = allocate(rules, members, shortage, surplus) if matched else (shortage * 0, surplus * 0)
    bought, sold, pairs, saved = _match(members, fees, need, offer, matched, solver)
    price = local_price(rules, total_surplus, total_shortage, prices.sell, prices.buy) if matched else None
    even = np.zeros_like(net)
    if price is not None and rules.residual is Residual.POOLED:
        even = equalisation(shortage, surplus, bought, sold, price, prices.buy, prices.sell)
    external_bought, external_sold = shortage - bought, surplus - sold
    external_fee = np.where(shortage > 0, fees.external[members.profile], 0)
    trades = priced(members, pairs, fees.local)
    cost = (
        int((trades.wh * trades.grid_fee).sum())
        + int((external_bought * (prices.buy + external_fee)).sum())
        - prices.sell * int(external_sold.sum())
    )
    result = Cleared(
        state=("shortage", "balanced", "surplus")[int(np.sign(total_surplus - total_shortage)) + 1],
        surplus_wh=total_surplus,
        shortage_wh=total_shortage,
        matched_wh=matched,
        external_import_wh=total_shortage - matched,
        external_export_wh=total_surplus - matched,
        local_price=price,
        inverted=prices.sell > prices.buy,
        operating_cost=cost,
        net_wh=given,
        local_bought=_as_given(members, bought),
        local_sold=_as_given(members, sold),
        external_bought=_as_given(members, external_bought),
        external_sold=_as_given(members, external_sold),
        external_fee=_as_given(members, external_fee),
        equalisation=_as_given(members, even),
        trades=trades,
    )
    all_outside = int((shortage * external_fee).sum()) + prices.buy * (total_shortage - matched)
    check_laws(result, prices, all_outside - prices.sell * (total_surplus - matched) - saved)
    return result


def _check(members: Members, fees: FeeTable, net: IntArray, prices: ExternalPrices) -> None:
    """Refuse what does not fit together, or could leave 63 bits."""
    pools = members.pools
    if net.shape != members.pool.shape:
        raise InputError(f"net_wh has shape {net.shape}, there are {len(members.pool)} members")
    if fees.local.shape[1] != len(pools.levels):
        raise InputError(f"the fee table has {fees.local.shape[1]} levels, the grid {len(pools.levels)}")
    if len(net) and not 0 <= members.profile.min() <= members.profile.max() < len(fees.external):
        raise InputError("a member's fee profile is not in the fee table")
    if np.abs(net.astype(np.float64)).sum() > MOST_ENERGY_WH:
        raise InputError(f"more than {MOST_ENERGY_WH} Wh in one interval")
    highest = max(abs(prices.buy), abs(prices.sell), int(np.abs(fees.external).max(initial=0)))
    if highest > HIGHEST_PRICE:
        raise InputError(f"a price or fee is beyond {HIGHEST_PRICE} micro-PLN/kWh")
    if (fees.saving[:, pools.level[1:]] < fees.saving[:, pools.level[pools.parent[1:]]]).any():
        raise InputError("the fee table saves more at a farther level than at a nearer one")


def _match(
    members: Members, fees: FeeTable, need: IntArray, offer: IntArray, matched: int, solver: str
) -> tuple[IntArray, IntArray, Pairs, int]:
    """Local energy bought and sold by each point, its pairs, and the grid fees saved (nano-PLN)."""
    if not matched:
        return need, offer, NO_PAIRS, 0
    pools = members.pools
    all_kinds = fees.class_of[members.profile]
    present = np.zeros(len(fees.saving), dtype=bool)
    present[all_kinds[need > 0]] = True
    kind, saving = (np.cumsum(present) - 1)[all_kinds], fees.saving[present]
    buyers = np.flatnonzero(need)
    cells = members.pool[buyers] * len(saving) + kind[buyers]
    need_at = group_sums(need[buyers], cells, len(pools.parent) * len(saving)).reshape(-1, len(saving))
    offer_at = group_sums(offer, members.pool, len(pools.parent))
    flows = best_flows(pools, saving, need_at, offer_at, matched, solver)
    saved = int((flows * saving.T[pools.level]).sum())
    return *share_out(members, flows, need, offer, kind), saved


def _as_given(members: Members, values: IntArray) -> IntArray:
    """From the points' own order back to the caller's."""
    back = np.empty_like(values)
    back[members.order] = values
    return back
