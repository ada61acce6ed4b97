"""Erasure of a participant's personal data: what names the person goes, what was settled stays as it was."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet

from contracts.models import Contract
from metering.domain.calendar import local_day, time_zone
from metering.models import PointAssignment
from participants.models import (
    Application,
    Cluster,
    Complaint,
    ErasureRequest,
    Membership,
    Participant,
    RoleInvitation,
    User,
)
from participants.services.forgetting import ADDRESS, blank, close, forget_applications, other_ways_in, remove_all

#: Stands where a name must not be empty.
NO_NAME = "—"


class ErasureRefused(Exception):
    """The participant can't be erased yet; `obstacles` say why."""

    def __init__(self, obstacles: "Obstacles") -> None:
        super().__init__(obstacles.text)
        self.obstacles = obstacles


@dataclass(frozen=True)
class Obstacles:
    """What still ties the participant to the cluster on a day, or will: counts of rows."""

    contracts: int
    points: int
    complaints: int

    def __bool__(self) -> bool:
        return bool(self.contracts or self.points or self.complaints)

    @property
    def text(self) -> str:
        return (
            f"contracts in force: {self.contracts}, metering points held: {self.points}, "
            f"complaints to be answered: {self.complaints}"
        )


def obstacles(participant: Participant, today: date) -> Obstacles:
    """What stands against the erasure on the local day `today`."""
    goes_on = Q(valid_to=None) | Q(valid_to__gt=today)
    return Obstacles(
        contracts=Contract.objects.filter(goes_on, participant=participant).count(),
        points=PointAssignment.objects.filter(goes_on, participant=participant).count(),
        complaints=Complaint.objects.filter(participant=participant, answered_at=None).count(),
    )


def erase_participant(participant: Participant, user: User | None, now: datetime) -> bool:
    """Pseudonymise the participant and close its logins; False, and nothing is done, if that was done before.

    `user` is who carries it out, None for a command. Statements, settlement and readings stay under the participant's
    number. Raises ErasureRefused while there are obstacles. Needs the scope.
    """
    participant = Participant.objects.select_for_update().get(pk=participant.pk)
    request, _created = ErasureRequest.objects.get_or_create(
        cluster_id=participant.cluster_id,
        participant=participant,
        defaults={"requested_at": now, "requested_by": user},
    )
    if request.erased_at is not None:
        return False
    cluster = Cluster.objects.get(pk=participant.cluster_id)
    against = obstacles(participant, local_day(now, time_zone(cluster.timezone)))
    if against:
        raise ErasureRefused(against)
    _forget_in_admin_log(participant)
    people = _close_logins(participant)
    _forget_application(participant, people)
    blank(Complaint.objects.filter(participant=participant), dict.fromkeys(("subject", "text", "answer"), NO_NAME))
    blank(Participant.objects.filter(pk=participant.pk), _personal_fields(participant))
    request.erased_at, request.erased_by = now, user
    request.save()
    return True


def _personal_fields(participant: Participant) -> dict[str, str]:
    """The new values. A tax number stays with a company, and with whoever pays VAT: their documents must bear it."""
    empty = dict.fromkeys(ADDRESS, "") | {"name": NO_NAME}
    keeps_nip = participant.vat_payer or participant.legal_form != Participant.LegalForm.PERSON
    return empty if keeps_nip else {**empty, "nip": ""}


def _close_logins(participant: Participant) -> list[User]:
    """Take everybody's way in to the participant; whose own login opens nothing else any more, is given back."""
    memberships: QuerySet[Membership] = Membership.objects.filter(participant=participant)
    own = [row.user for row in memberships.filter(level=Membership.Level.FULL).select_related("user")]
    memberships.delete()
    remove_all(RoleInvitation, "participant", [participant.pk], ["email"])
    closed = [user for user in own if not user.is_superuser and not other_ways_in(user, participant.cluster_id)]
    for user in closed:
        close(user)
    return closed


def _forget_application(participant: Participant, people: list[User]) -> None:
    """How the participant, or one of these people, applied: that it was so stays, what was written and sent goes."""
    applications = Application.objects.filter(
        Q(participant=participant) | Q(user__in=people), cluster=participant.cluster_id
    )
    forget_applications(applications)


def _forget_in_admin_log(participant: Participant) -> None:
    """The admin's own log keeps a row's text, with the name in it."""
    for model in (Contract, Membership, ErasureRequest, Application, Complaint, RoleInvitation):
        _forget_entries(participant, model._base_manager.filter(participant=participant))
    _forget_entries(participant, Participant.objects.filter(pk=participant.pk))


def _forget_entries(participant: Participant, rows: QuerySet[Any]) -> None:
    LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(rows.model),
        object_id__in=[str(key) for key in rows.values_list("pk", flat=True)],
    ).update(object_repr=participant.code, change_message="")
