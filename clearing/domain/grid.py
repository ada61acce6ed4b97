"""The grid as pools: the nodes at which local energy has a price of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from clearing.domain.errors import InputError

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class GridNode:
    """One node of the grid tree; `parent` is empty for the root, `level` names its sharing level."""

    parent: str | None
    level: str


@dataclass(frozen=True)
class Pools:
    """The pools of a grid, in the preorder of its nodes (brothers by code), which merging leaves a preorder.

    levels        sharing levels in text order
    parent        [pools] index of the parent pool, -1 for the root, which is pool 0
    level         [pools] index into `levels`
    end           [pools] the subtree of pool k is the slice k:end[k]
    depth         [pools] 0 for the root
    ancestor      [depths, pools] the pool itself or the ancestor that lies at that depth, -1 above it
    pool_of_node  node code -> pool
    """

    levels: tuple[str, ...]
    parent: IntArray
    level: IntArray
    end: IntArray
    depth: IntArray
    ancestor: IntArray
    pool_of_node: Mapping[str, int]

    def subtree_sums(self, values: IntArray) -> IntArray:
        """Sum over each pool's subtree, of values [pools, ...]."""
        running = np.zeros((len(values) + 1, *values.shape[1:]), dtype=np.int64)
        np.cumsum(values, axis=0, out=running[1:])
        return running[self.end] - running[:-1]


def build_pools(nodes: Mapping[str, GridNode], discounts: Mapping[str, Decimal]) -> Pools:
    """Turn a grid tree into pools; a node whose discount equals its parent's is merged into the parent.

    `discounts` gives each level's discount as a share of the full rate, 0 to 1. Raises InputError unless
    the nodes form one tree, each level has a discount, and no discount grows with distance.
    """
    for code, node in nodes.items():
        if node.level not in discounts:
            raise InputError(f"node {code}: level {node.level!r} has no discount")
        if not 0 <= discounts[node.level] <= 1:
            raise InputError(f"level {node.level!r}: discount {discounts[node.level]} is not between 0 and 1")
    levels = tuple(sorted({node.level for node in nodes.values()}))
    parent: list[int] = []
    level: list[int] = []
    depth: list[int] = []
    pool_of_node: dict[str, int] = {}
    for code in _preorder(nodes):
        node = nodes[code]
        above = -1 if node.parent is None else pool_of_node[node.parent]
        if above >= 0:
            step = discounts[node.level] - discounts[levels[level[above]]]
            if step < 0:
                raise InputError(f"node {code}: discount of {node.level!r} is less than that of its parent's level")
            if step == 0:
                pool_of_node[code] = above
                continue
        pool_of_node[code] = len(parent)
        parent.append(above)
        level.append(levels.index(node.level))
        depth.append(depth[above] + 1 if above >= 0 else 0)
    parents, depths = np.array(parent, dtype=np.int64), np.array(depth, dtype=np.int64)
    end = np.arange(1, len(parent) + 1, dtype=np.int64)
    for pool in range(len(parent) - 1, 0, -1):
        end[parents[pool]] = max(end[parents[pool]], end[pool])
    ancestor = np.full((depths.max() + 1, len(parent)), -1, dtype=np.int64)
    for pool in range(len(parent)):
        if pool:
            ancestor[:, pool] = ancestor[:, parents[pool]]
        ancestor[depths[pool], pool] = pool
    return Pools(levels, parents, np.array(level, dtype=np.int64), end, depths, ancestor, pool_of_node)


def _preorder(nodes: Mapping[str, GridNode]) -> list[str]:
    """Node codes, parents first, brothers by code."""
    children: dict[str | None, list[str]] = {}
    for code in sorted(nodes, reverse=True):
        parent = nodes[code].parent
        if parent is not None and parent not in nodes:
            raise InputError(f"node {code}: parent {parent!r} is not a node")
        children.setdefault(parent, []).append(code)
    if len(children.get(None, [])) != 1:
        raise InputError("the grid needs exactly one root")
    order: list[str] = []
    stack = list(children[None])
    while stack:
        code = stack.pop()
        order.append(code)
        stack.extend(children.get(code, []))
    if len(order) != len(nodes):
        raise InputError("the grid has a cycle")
    return order
