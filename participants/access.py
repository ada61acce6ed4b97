"""Who may enter which cluster, and as what."""

from dataclasses import dataclass
from typing import Literal

from django.db import connection

from participants.models import Cluster, DsoUser, User

#: The family of a role: which pages are shown.
Role = Literal["member", "coordinator", "dso", "applicant", "operator"]
#: How much of it: `act` only for members' delegates, `accounts` only for coordinators, `area` only for distributors.
Level = Literal["full", "act", "accounts", "read", "area"]
#: Role and level in one word, as in the table of `participants.permissions`.
Who = Literal[
    "member",
    "delegate_act",
    "delegate_read",
    "coordinator_admin",
    "coordinator_accountant",
    "coordinator_readonly",
    "dso",
    "dso_area",
    "applicant",
    "operator",
]
_WHO: dict[tuple[Role, Level], Who] = {
    ("member", "full"): "member",
    ("member", "act"): "delegate_act",
    ("member", "read"): "delegate_read",
    ("coordinator", "full"): "coordinator_admin",
    ("coordinator", "accounts"): "coordinator_accountant",
    ("coordinator", "read"): "coordinator_readonly",
    ("dso", "full"): "dso",
    ("dso", "area"): "dso_area",
    ("applicant", "full"): "applicant",
    ("operator", "full"): "operator",
}


@dataclass(frozen=True)
class Access:
    """One way in: a user's role in a cluster, and the participant that a member acts for."""

    cluster_id: int
    role: Role
    participant_id: int | None = None
    level: Level = "full"

    @property
    def who(self) -> Who:
        return _WHO[self.role, self.level]


def accesses_of(user: User) -> list[Access]:
    """All that a user may enter, in a stable order.

    Memberships and applications are tenant rows and no scope is open yet, so functions of the owner read those of this
    one user. An application opens nothing but itself.
    """
    if user.is_superuser:
        ids = Cluster.objects.order_by("slug").values_list("id", flat=True)
        return [Access(cluster_id, "operator") for cluster_id in ids]
    with connection.cursor() as cursor:
        cursor.execute("SELECT cluster_id, role, participant_id, level FROM memberships_of_user(%s)", [user.pk])
        found = [Access(*row) for row in cursor.fetchall()]
        cursor.execute("SELECT cluster_id FROM applications_of_user(%s)", [user.pk])
        applied = [Access(cluster_id, "applicant") for (cluster_id,) in cursor.fetchall()]
    dso_user = DsoUser.objects.filter(user=user).first()
    if dso_user is None:
        return found + applied
    ids = Cluster.objects.filter(dso=dso_user.dso_id).order_by("slug").values_list("id", flat=True)
    level: Level = "full" if dso_user.whole_grid else "area"
    return [*found, *(Access(cluster_id, "dso", level=level) for cluster_id in ids), *applied]
