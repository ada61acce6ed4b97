"""Who may enter which cluster, and as what."""

from dataclasses import dataclass
from typing import Literal

from django.db import connection

from participants.models import Cluster, User

Role = Literal["member", "coordinator", "dso", "operator"]


@dataclass(frozen=True)
class Access:
    """One way in: a user's role in a cluster, and the participant that a member acts for."""

    cluster_id: int
    role: Role
    participant_id: int | None = None


def accesses_of(user: User) -> list[Access]:
    """All that a user may enter, in a stable order.

    Memberships are tenant rows and no scope is open yet, so a function of the owner reads those of this one user.
    """
    if user.is_superuser:
        ids = Cluster.objects.order_by("slug").values_list("id", flat=True)
        return [Access(cluster_id, "operator") for cluster_id in ids]
    with connection.cursor() as cursor:
        cursor.execute("SELECT cluster_id, role, participant_id FROM memberships_of_user(%s)", [user.pk])
        found = [Access(*row) for row in cursor.fetchall()]
    ids = Cluster.objects.filter(dso__users__user=user).order_by("slug").values_list("id", flat=True)
    return found + [Access(cluster_id, "dso") for cluster_id in ids]
