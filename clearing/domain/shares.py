"""Splitting whole amounts in proportion, by largest remainder."""

import numpy as np

from clearing.domain.grid import IntArray


def group_sums(values: IntArray, group: IntArray, groups: int) -> IntArray:
    """Exact sums of values [n] by group [n]; np.bincount would add them as floats."""
    sums = np.zeros(groups, dtype=np.int64)
    np.add.at(sums, group, values)
    return sums


def split(totals: IntArray, weights: IntArray, group: IntArray) -> IntArray:
    """Split each group's total over its members in proportion to their weights; ties go to the earlier member.

    totals [groups] are whole and may be negative, weights [n] are whole and not negative, group [n]. The parts
    sum exactly to the totals; a group without weight gets nothing. With 0 <= total <= sum of weights no part
    exceeds its weight. `floor(T·w/W)` is taken as `q·w + floor(r·w/W)` with `T = q·W + r`, which stays in 63 bits
    as long as the square of a group's weight does.

    >>> split(np.array([10]), np.array([1, 1, 1]), np.array([0, 0, 0])).tolist()
    [4, 3, 3]
    >>> split(np.array([-10]), np.array([1, 1, 1]), np.array([0, 0, 0])).tolist()
    [-3, -3, -4]
    """
    whole = group_sums(weights, group, len(totals))
    quotient, rest = np.divmod(totals, np.maximum(whole, 1))
    part, remainder = np.divmod(rest[group] * weights, np.maximum(whole, 1)[group])
    part += quotient[group] * weights
    left = np.where(whole > 0, totals, 0) - group_sums(part, group, len(totals))
    takers = np.flatnonzero((remainder > 0) & (left[group] > 0))
    if len(takers):
        of = group[takers]
        ordered = takers[np.argsort((of + 1) * (whole.max() + 1) - remainder[takers], kind="stable")]
        of = group[ordered]
        first = np.searchsorted(of, of)
        part[ordered[np.arange(len(of)) - first < left[of]]] += 1
    return part


def split_one(total: int, weights: IntArray) -> IntArray:
    """`split` for a single group."""
    return split(np.array([total], dtype=np.int64), weights, np.zeros(len(weights), dtype=np.int64))
