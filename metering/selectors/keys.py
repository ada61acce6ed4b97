"""What an API key may write."""

from django.db.models import Q

from metering.models import KeyScope, PointAssignment
from metering.selectors.areas import nodes_below
from participants.models import ApiKey


def points_of_key(key: ApiKey) -> frozenset[int] | None:
    """Ids of the metering points that the key may write; None: all of its cluster. Needs the scope.

    A point belongs to an area whenever it hung there: deliveries of earlier days come late.
    """
    scopes = KeyScope.objects.filter(api_key=key).values_list("metering_point", "grid_node")
    points, tops = ({row[place] for row in scopes} - {None} for place in range(2))
    if not points and not tops:
        return None
    below = nodes_below(key.cluster_id, tops)
    inside = PointAssignment.objects.filter(Q(grid_node__in=below), cluster=key.cluster_id)
    return frozenset(points | set(inside.values_list("metering_point", flat=True)))
