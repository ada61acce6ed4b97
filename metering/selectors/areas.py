"""Which part of a cluster's grid a distributor's user looks after."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Q

from metering.models import DsoArea, PointAssignment
from participants.access import Access
from participants.models import Cluster, DsoUser, User

_BELOW = """
WITH RECURSIVE below AS (
    SELECT id FROM metering_gridnode WHERE cluster_id = %s AND id = ANY(%s)
    UNION
    SELECT n.id FROM metering_gridnode n JOIN below b ON n.parent_id = b.id WHERE n.cluster_id = %s
)
SELECT id FROM below
"""


def confirmers(cluster: Cluster) -> list[User]:
    """The distributor's logins that look after a part of the cluster in scope, or after the whole grid."""
    areas = DsoArea.objects.filter(cluster=cluster).values("user")
    rows = DsoUser.objects.filter(Q(whole_grid=True) | Q(user__in=areas), dso=cluster.dso_id, user__is_active=True)
    return [row.user for row in rows.select_related("user").order_by("user")]


def nodes_of(access: Access, user: User, cluster_id: int) -> frozenset[int] | None:
    """Ids of the grid nodes of one cluster in scope that the distributor's user looks after; None: all of them."""
    if access.level == "full":
        return None
    return nodes_below(
        cluster_id, DsoArea.objects.filter(cluster=cluster_id, user=user).values_list("grid_node", flat=True)
    )


def nodes_below(cluster_id: int, tops: Iterable[int]) -> frozenset[int]:
    """Ids of these grid nodes and of all below them. Needs the scope."""
    with connection.cursor() as cursor:
        cursor.execute(_BELOW, [cluster_id, list(tops), cluster_id])
        return frozenset(node for (node,) in cursor.fetchall())


def points_in(cluster_id: int, nodes: Iterable[int]) -> frozenset[int]:
    """Ids of the metering points that hang, or hung, on these grid nodes: deliveries of earlier days come late. Needs
    the scope."""
    inside = PointAssignment.objects.filter(cluster=cluster_id, grid_node__in=nodes)
    return frozenset(inside.values_list("metering_point", flat=True))
