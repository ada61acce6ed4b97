"""What came back is noted at the bill's delivery."""

from collections.abc import Iterable
from datetime import datetime

from billing.domain.bounces import Bounce
from billing.models import BillDelivery
from billing.services.deliveries import mark_bounced
from participants.models import Cluster
from participants.tenancy.scope import scope


def note_bounces(bounces: Iterable[Bounce], now: datetime) -> int:
    """How many deliveries are marked that were not before; a bounce of none of ours changes nothing."""
    noted = 0
    for bounce in bounces:
        if not Cluster.objects.filter(pk=bounce.cluster_id).exists():
            continue
        with scope(bounce.cluster_id):
            found = BillDelivery.objects.filter(cluster=bounce.cluster_id, message_id=bounce.message_id)
            noted += mark_bounced(found, bounce.reason, None, now)
    return noted
