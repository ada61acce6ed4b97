"""Sellers and buyers as they stand now, to be frozen in what is issued."""

from billing.domain.documents import Party
from participants.models import Coordinator, Participant


def coordinator_party(cluster_id: int) -> Party:
    """The cluster's coordinator."""
    row = Coordinator.objects.get(cluster=cluster_id)
    return Party("", row.name, row.street, row.postcode, row.city, row.country, row.nip, row.iban)


def participant_party(row: Participant) -> Party:
    """A member."""
    return Party(row.code, row.name, row.street, row.postcode, row.city, row.country, row.nip, row.iban)
