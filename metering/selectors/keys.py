"""What an API key may write."""

from metering.models import KeyScope
from metering.selectors.areas import nodes_below, points_in
from participants.models import ApiKey


def points_of_key(key: ApiKey) -> frozenset[int] | None:
    """Ids of the metering points that the key may write; None: all of its cluster. Needs the scope.

    A point belongs to an area whenever it hung there: deliveries of earlier days come late.
    """
    scopes = KeyScope.objects.filter(api_key=key).values_list("metering_point", "grid_node")
    points, tops = ({row[place] for row in scopes} - {None} for place in range(2))
    if not points and not tops:
        return None
    return points_in(key.cluster_id, nodes_below(key.cluster_id, tops)) | points
