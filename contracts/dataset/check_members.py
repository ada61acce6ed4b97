"""Checks across the files that say who is in the cluster and where."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from contracts.dataset import records as r
from contracts.dataset.clusterfile import FILE, ClusterFile
from contracts.dataset.faults import Faults
from contracts.dataset.spans import span_problems
from contracts.dataset.tables import Tables
from contracts.domain.fees import discount_problems


def check_members(cluster: ClusterFile, tables: Tables, faults: Faults) -> None:
    """Grid, participants, points, contracts and keys fit each other."""
    _check_grid(tables.grid_nodes, faults)
    _check_discounts(cluster, tables.grid_nodes, faults)
    check_unique(tables.participants, "id", [row.id for row in tables.participants], faults)
    people, nodes = ({row.id for row in tables.participants}, {row.node for row in tables.grid_nodes})
    check_points(tables.metering_points, people, nodes, faults)
    _check_contracts(tables, faults)
    _check_static_keys(cluster, tables, faults)


def check_unique(table: r.Table[r.Row], column: str, keys: Sequence[Hashable], faults: Faults) -> None:
    """Tells each row whose key an earlier row has."""
    first: dict[Hashable, int] = {}
    for key, line in zip(keys, table.lines, strict=True):
        if key in first:
            faults.add(table.file, line, column, f"the same as in line {first[key]}; each may appear once")
        first.setdefault(key, line)


def check_known(
    table: r.Table[r.Row], column: str, value: Callable[[r.Row], str | None], known: set[str], faults: Faults
) -> None:
    """Tells each row whose value is not among the known ones."""
    for row, line in zip(table.rows, table.lines, strict=True):
        name = value(row)
        if name is not None and name not in known:
            faults.add(table.file, line, column, f"'{name}' is unknown; add it or correct it")


def _check_grid(nodes: r.Table[r.GridNodeRecord], faults: Faults) -> None:
    check_unique(nodes, "node", [row.node for row in nodes], faults)
    check_known(nodes, "parent", lambda row: row.parent, {row.node for row in nodes}, faults)
    parents = {row.node: row.parent for row in nodes}
    roots = [line for row, line in zip(nodes, nodes.lines, strict=True) if row.parent is None]
    for line in roots[1:]:
        text = f"a second root; line {roots[0]} has no parent either, and the grid is one tree: name its parent"
        faults.add(nodes.file, line, "parent", text)
    safe: set[str | None] = {None}
    told = False
    for row, line in zip(nodes, nodes.lines, strict=True):
        path: list[str] = []
        node: str | None = row.node
        while node not in safe and node is not None and node not in path:
            path.append(node)
            node = parents.get(node)
        if node in path and not told:
            told = True
            circle = " → ".join([*path[path.index(str(node)) :], str(node)])
            faults.add(nodes.file, line, "parent", f"the grid has a cycle: {circle}; correct a parent")
        elif node not in path:
            safe.update(path)
    if not roots and not told:
        faults.add(nodes.file, 0, "parent", "the grid has no root; leave the parent of one node empty")


def _check_discounts(cluster: ClusterFile, nodes: r.Table[r.GridNodeRecord], faults: Faults) -> None:
    levels = {row.node: row.level for row in nodes}
    parents = {row.node: row.parent if row.parent in levels else None for row in nodes}
    told = set()
    for line, shares in _discounts_together(cluster):
        for text in map(str, discount_problems(parents, levels, shares)):
            if (line, text) not in told:
                told.add((line, text))
                faults.add(FILE, line, "settings.sharing_discount", text)


def _discounts_together(cluster: ClusterFile) -> Iterator[tuple[int, dict[str, Decimal]]]:
    """The line of the settings and the discounts that come of them and of each book that holds while they do."""
    ends = [*(row.valid_from for row in cluster.settings[1:]), date.max]
    books = [(row.valid_from, row.sharing_discount) for row in cluster.books] or [(date.min, {})]
    book_ends = [*(first for first, _ in books[1:]), date.max]
    for settings, line, end in zip(cluster.settings, cluster.settings_lines, ends, strict=True):
        for (first, shares), book_end in zip(books, book_ends, strict=True):
            if first < end and settings.valid_from < book_end:
                yield line, {**shares, **settings.sharing_discount}


def check_points(points: r.Table[r.MeteringPointRecord], people: set[str], nodes: set[str], faults: Faults) -> None:
    """Points name known participants and grid nodes, and their rows do not overlap."""
    check_known(points, "participant", lambda row: row.participant, people, faults)
    check_known(points, "grid_node", lambda row: row.grid_node, nodes, faults)
    for row, line in zip(points, points.lines, strict=True):
        if row.role == r.MEMBER and row.participant is None:
            faults.add(points.file, line, "participant", "a member's point needs its participant; fill it in")
        if row.role == r.BOUNDARY and row.participant is not None:
            faults.add(points.file, line, "participant", "a boundary point has no participant; leave it empty")
    for index, text in span_problems(points.rows, lambda i: points.rows[i].code, gaps=False):
        faults.add(points.file, points.lines[index], "valid_from", f"{points.rows[index].code}: {text}")


def _check_contracts(tables: Tables, faults: Faults) -> None:
    contracts = tables.contracts
    check_known(contracts, "participant", lambda row: row.participant, {p.id for p in tables.participants}, faults)
    for index, text in span_problems(contracts.rows, lambda i: contracts.rows[i].participant, gaps=True):
        participant = contracts.rows[index].participant
        faults.add(contracts.file, contracts.lines[index], "valid_from", f"contracts of {participant}: {text}")


def _check_static_keys(cluster: ClusterFile, tables: Tables, faults: Faults) -> None:
    keys = tables.static_keys
    check_unique(keys, "participant", [(row.participant, row.valid_from) for row in keys], faults)
    check_known(keys, "participant", lambda row: row.participant, {p.id for p in tables.participants}, faults)
    for day in sorted({row.valid_from for row in keys}):
        total = sum((row.share for row in keys if row.valid_from == day), Decimal(0))
        if total != 1:
            line = max(line for row, line in zip(keys, keys.lines, strict=True) if row.valid_from == day)
            faults.add(keys.file, line, "share", f"the keys of {day} sum to {total}; they must sum to 1")
    for settings, line in zip(cluster.settings, cluster.settings_lines, strict=True):
        if settings.allocation == "static" and not any(row.valid_from <= settings.valid_from for row in keys):
            text = f"'static' needs keys from {settings.valid_from} on; give them in static_keys.csv"
            faults.add(FILE, line, "settings.allocation", text)
