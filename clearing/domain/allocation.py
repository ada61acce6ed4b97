"""Allocation rules: what need and what surplus enters the model."""

import numpy as np

from clearing.domain.errors import InputError
from clearing.domain.grid import IntArray
from clearing.domain.members import Members
from clearing.domain.rules import Allocation, Rules
from clearing.domain.shares import group_sums, split, split_one


def allocate(rules: Rules, members: Members, shortage: IntArray, surplus: IntArray) -> tuple[IntArray, IntArray]:
    """Need and surplus that may be traded [points], Wh: all of them, or as much as the rule gives each.

    min_cost: everything. pro_rata: `D_b·M/D` and `S_s·M/S`. static: the buyers' keys divide M, the sellers are
    treated as in pro_rata. M = min(S, D).
    """
    matched = min(int(shortage.sum()), int(surplus.sum()))
    if rules.allocation is Allocation.MIN_COST:
        return shortage, surplus
    if rules.allocation is Allocation.PRO_RATA:
        return split_one(matched, shortage), split_one(matched, surplus)
    return by_keys(matched, shortage, members.holder, members.key), split_one(matched, surplus)


def by_keys(matched: int, shortage: IntArray, holder: IntArray, key: IntArray) -> IntArray:
    """Divide `matched` by the holders' keys; what one can't use goes round again by the keys of the others.

    What is left when nobody with a key has need any more is divided by need. Within a holder its points get
    energy in proportion to their need. Raises InputError if nobody holds a key.
    """
    if not key.any():
        raise InputError("static allocation without a single key")
    unmet = group_sums(shortage, holder, len(key))
    given = np.zeros_like(unmet)
    left = matched
    while left and (key * unmet > 0).any():
        parts = np.minimum(split_one(left, np.where(unmet > 0, key, 0)), unmet)
        given += parts
        unmet -= parts
        left -= int(parts.sum())
    if left:
        given += split_one(left, unmet)
    return split(given, shortage, holder)
