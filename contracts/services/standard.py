"""The standard mechanism's own rows: offers, published prices."""

from contracts.models import RetailOffer
from participants.models import Cluster

DEFAULT_NAME = "Standard"


def default_offer(cluster: Cluster) -> RetailOffer:
    """The offer of all who have no own one; made if the cluster has none yet. Needs the scope."""
    found = RetailOffer.objects.filter(cluster=cluster, is_default=True).first()
    return found or RetailOffer.objects.create(cluster=cluster, name=DEFAULT_NAME, is_default=True)
