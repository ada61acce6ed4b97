"""A linear program with whole data, solved by python-mip and proved optimal in whole numbers."""

from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version

import mip
import numpy as np

from clearing.domain.errors import NotOptimal, NotWhole, SolverFailed
from clearing.domain.grid import IntArray
from clearing.domain.quiet import c_stdout_discarded

HIGHS = "HIGHS"
CBC = "CBC"
SOLVERS = {HIGHS: ("HiGHS", "highspy"), CBC: ("CBC", "cbcbox")}

# Farther than this from a whole number is no rounding error of the solver.
WHOLE = 1e-3


@dataclass(frozen=True)
class Program:
    """min cost·x with 0 <= x <= upper and, for each row, the sum of some x <= limit (= limit where tight).

    Entry e of the matrix is a one at (row[e], column[e]); entries are sorted by row.
    """

    cost: IntArray
    upper: IntArray
    row: IntArray
    column: IntArray
    limit: IntArray
    tight: np.ndarray

    def row_sums(self, x: IntArray) -> IntArray:
        sums = np.zeros(len(self.limit), dtype=np.int64)
        np.add.at(sums, self.row, x[self.column])
        return sums


@dataclass(frozen=True)
class Optimum:
    """Optimal x with the reduced costs of the columns and the dual values of the rows, all whole."""

    x: IntArray
    reduced: IntArray
    dual: IntArray


def solver_version(solver: str) -> str:
    """Name and version of a solver as installed, and of python-mip."""
    if solver not in SOLVERS:
        raise SolverFailed(f"unknown solver {solver!r}, known are {', '.join(SOLVERS)}")
    name, package = SOLVERS[solver]
    return f"{name} {version(package)} (python-mip {version('mip')})"


def solve(program: Program, solver: str) -> Optimum:
    """Solve and prove; raises SolverFailed, NotWhole or NotOptimal."""
    x, dual = _run(program, solver)
    for name, values in (("energy", x), ("dual value", dual)):
        if values.size and np.abs(values - np.rint(values)).max() > WHOLE:
            raise NotWhole(f"{solver}: a {name} is not whole")
    return proved(program, np.rint(x).astype(np.int64), np.rint(dual).astype(np.int64))


def proved(program: Program, x: IntArray, dual: IntArray) -> Optimum:
    """Check limits and complementary slackness exactly; they hold only for an optimum (duality theorem)."""
    slack = program.limit - program.row_sums(x)
    if (x < 0).any() or (x > program.upper).any() or (slack < 0).any() or slack[program.tight].any():
        raise NotOptimal("the solution breaks a limit")
    reduced = program.cost.copy()
    np.subtract.at(reduced, program.column, dual[program.row])
    wrong_row = ~program.tight & ((dual > 0) | ((dual < 0) & (slack > 0)))
    wrong_column = ((reduced > 0) & (x > 0)) | ((reduced < 0) & (x < program.upper))
    if wrong_row.any() or wrong_column.any():
        raise NotOptimal("the dual values do not prove the solution to be the optimum")
    return Optimum(x, reduced, dual)


def solve_uniquely(program: Program, second_cost: IntArray, solver: str) -> IntArray:
    """The optimum of `program` that is least by `second_cost`.

    Of all optima, those with complementary slackness to one dual solution, whichever it is, are all: what has a
    reduced cost stays at its bound, what has a dual value stays tight. The second solve moves only the rest.
    """
    first = solve(program, solver)
    free = first.reduced == 0
    open_rows = first.dual == 0
    if np.count_nonzero(free) + np.count_nonzero(open_rows) <= len(program.limit):
        return first.x  # only basic columns are without reduced cost: there is no other optimum
    at_bound = np.where(free, 0, first.x)
    entries = free[program.column]
    face = Program(
        cost=second_cost[free],
        upper=program.upper[free],
        row=program.row[entries],
        column=(np.cumsum(free) - 1)[program.column[entries]],
        limit=program.limit - program.row_sums(at_bound),
        tight=program.tight | ~open_rows,
    )
    at_bound[free] = solve(face, solver).x
    return at_bound


def _run(program: Program, solver: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and duals as the solver gives them."""
    if solver not in SOLVERS:
        raise SolverFailed(f"unknown solver {solver!r}, known are {', '.join(SOLVERS)}")
    try:
        model = mip.Model(sense=mip.MINIMIZE, solver_name=solver)
    except (FileNotFoundError, NameError) as missing:
        raise SolverFailed(f"solver {solver} is not installed") from missing
    model.verbose = 0
    model.threads = 1
    add_column = model.vars.add
    columns = [
        add_column(ub=upper, obj=cost)
        for upper, cost in zip(program.upper.tolist(), program.cost.tolist(), strict=True)
    ]
    starts = np.searchsorted(program.row, np.arange(len(program.limit) + 1)).tolist()
    of_row = [columns[column] for column in program.column.tolist()]
    for row, (limit, tight) in enumerate(zip(program.limit.tolist(), program.tight.tolist(), strict=True)):
        terms = of_row[starts[row] : starts[row + 1]]
        model.constrs.add(mip.LinExpr(terms, [1] * len(terms), const=-limit, sense="=" if tight else "<"))
    with c_stdout_discarded() if solver == CBC else nullcontext():
        status = model.optimize()
    if status != mip.OptimizationStatus.OPTIMAL:
        raise SolverFailed(f"{solver} ended with status {status.name}")
    return np.array([column.x for column in columns]), np.array([row.pi for row in model.constrs])
