"""Stores the grid tree of a cluster."""

from django.db import connection

from contracts.dataset.faults import DatasetError, Fault
from contracts.dataset.records import Dataset, GridNodeRecord
from contracts.selectors import stored
from metering.models import GridNode, PointAssignment
from participants.models import Cluster


def store_grid(cluster: Cluster, dataset: Dataset) -> int:
    """Make the grid equal to the folder's; how many nodes differ.

    A changed tree is written anew, parents first and under the same keys: moving nodes one by one could pass through
    a circle or a second root. Refuses to drop a node that points outside of the folder still hang on.
    """
    pairs = stored.grid_nodes(cluster)
    before = {record.node: record for _, record in pairs}
    after = {record.node: record for record in dataset.grid_nodes}
    different = [node for node in before.keys() | after.keys() if before.get(node) != after.get(node)]
    if not different:
        return 0
    _refuse_used(cluster, dataset, before.keys() - after.keys())
    keys = {row.code: row.pk for row, _ in pairs}
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("DELETE FROM metering_gridnode WHERE cluster_id = %s", [cluster.pk])
    for record in _parents_first(after):
        row = GridNode(cluster=cluster, code=record.node, level=record.level, pk=keys.get(record.node))
        row.parent_id = keys[record.parent] if record.parent else None
        row.save(force_insert=True)
        keys[record.node] = row.pk
    return len(different)


def _refuse_used(cluster: Cluster, dataset: Dataset, dropped: set[str]) -> None:
    named = {row.code for row in dataset.metering_points}
    used = (
        PointAssignment.objects.filter(cluster=cluster, grid_node__code__in=dropped)
        .exclude(metering_point__code__in=named)
        .values_list("grid_node__code", "metering_point__code")
        .first()
    )
    if used:
        text = f"node '{used[0]}' is missing, but metering point {used[1]}, which the folder does not name, hangs on it"
        raise DatasetError((Fault(dataset.grid_nodes.file, 0, "node", text),))


def _parents_first(nodes: dict[str, GridNodeRecord]) -> list[GridNodeRecord]:
    ordered: dict[str, GridNodeRecord] = {}
    while len(ordered) < len(nodes):
        ready = [n for n in nodes.values() if n.node not in ordered and (n.parent is None or n.parent in ordered)]
        ordered |= {record.node: record for record in ready}
    return list(ordered.values())
