"""The ways in that a user may choose from."""

from dataclasses import dataclass

from django.http import HttpRequest

from participants.access import Access
from participants.middleware import access_key
from participants.models import Cluster, Participant
from participants.tenancy.scope import scope


@dataclass(frozen=True)
class Choice:
    """One entry of the switcher."""

    key: str
    cluster: str
    role: str
    participant: str
    chosen: bool


def labelled_accesses(request: HttpRequest) -> list[Choice]:
    """All accesses of the user with their names; empty where there is nothing to choose."""
    accesses: list[Access] = getattr(request, "accesses", [])
    if len(accesses) < 2:
        return []
    clusters = Cluster.objects.in_bulk({access.cluster_id for access in accesses})
    with scope(*clusters):
        participants = Participant.objects.in_bulk(
            [access.participant_id for access in accesses if access.participant_id is not None]
        )
    return [
        Choice(
            key=access_key(access),
            cluster=clusters[access.cluster_id].name,
            role=access.role,
            participant=participants[access.participant_id].name if access.participant_id in participants else "",
            chosen=access == request.access,  # type: ignore[attr-defined]
        )
        for access in accesses
    ]
