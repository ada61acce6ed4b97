"""How long one call of the pure clearing engine takes, arrays in to trades out, beside the bare solver."""

import time
from collections.abc import Iterator
from decimal import Decimal
from unittest import mock

import mip
import numpy as np

from clearing.domain.clear import clear
from clearing.domain.grid import GridNode, IntArray, build_pools
from clearing.domain.members import FeeTable, Members, fee_table, prepare
from clearing.domain.program import SOLVERS
from clearing.domain.result import ExternalPrices
from clearing.domain.rules import Rules

STATIONS = 50
CLASSES = 8
SIZES = {10_000: 0.050, 100_000: 0.300}
DISCOUNTS = {"station": Decimal("0.25"), "substation": Decimal("0.15"), "cluster": Decimal("0.05")}


def scenario(points: int, stations: int = STATIONS, classes: int = CLASSES) -> tuple[Members, FeeTable, IntArray]:
    """Members on stations under a fifth as many substations, one in four with a surplus, the same in every run."""
    random = np.random.default_rng(points)
    nodes = {"C": GridNode(None, "cluster")}
    nodes |= {f"G{number:03}": GridNode("C", "substation") for number in range(stations // 5)}
    nodes |= {f"S{number:03}": GridNode(f"G{number % (stations // 5):03}", "station") for number in range(stations)}
    pools = build_pools(nodes, DISCOUNTS)
    external = random.integers(50_000, 400_000, classes)
    discount = np.array([int(DISCOUNTS[level] * 100) for level in pools.levels])
    members = prepare(
        pools,
        [f"{code:018}" for code in random.permutation(points)],
        [f"S{number:03}" for number in random.integers(0, stations, points)],
        random.integers(0, classes, points).tolist(),
    )
    net = np.where(random.random(points) < 0.25, random.integers(0, 4000, points), -random.integers(0, 1500, points))
    return members, fee_table(external, external[:, None] - external[:, None] * discount // 100), net


def timed(points: int, solver: str, repeats: int = 5) -> tuple[float, float]:
    """Best seconds of a whole call, and of the solver alone in it."""
    members, fees, net = scenario(points)
    prices, rules = ExternalPrices(446_980, 336_980), Rules()
    runs = []
    for _ in range(repeats):
        inside = 0.0
        optimize = mip.Model.optimize

        def measured(model: mip.Model, optimize: object = optimize) -> object:
            nonlocal inside
            start = time.perf_counter()
            status = optimize(model)
            inside += time.perf_counter() - start
            return status

        with mock.patch.object(mip.Model, "optimize", measured):
            start = time.perf_counter()
            clear(members, fees, net, prices, rules, solver)
            runs.append((time.perf_counter() - start, inside))
    return min(runs)


def report() -> Iterator[str]:
    """One line per size and solver: whole call, the bare solver as its floor, and the aim."""
    for points, aim in SIZES.items():
        for solver in SOLVERS:
            whole, floor = timed(points, solver)
            yield (
                f"clear() {points:>7} participants, {STATIONS} stations, {CLASSES} classes, {solver:>5}: "
                f"{whole * 1000:6.1f} ms (solver {floor * 1000:.1f} ms, aim {aim * 1000:.0f} ms)"
            )


if __name__ == "__main__":
    for line in report():
        print(line)
