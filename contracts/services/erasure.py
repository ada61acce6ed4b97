"""Erasure of a participant's personal data: what names the person goes, what was settled stays as it was."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model, Q, QuerySet

from contracts.models import Contract
from metering.domain.calendar import local_day, time_zone
from metering.models import PointAssignment
from participants.access import Access, accesses_of
from participants.models import (
    Application,
    ApplicationDocument,
    ApplicationEvent,
    Cluster,
    Complaint,
    ErasureRequest,
    Invitation,
    Membership,
    Participant,
    RoleInvitation,
    User,
)
from participants.tenancy.audit import erase_from_history

#: Stands where a name must not be empty.
NO_NAME = "—"
_ADDRESS = ("email", "street", "postcode", "city", "country", "iban")
#: Verified addresses, second factors, sessions: all that hangs on a login.
_LOGIN_APPS = ("account", "mfa", "socialaccount", "usersessions")


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
    _blank(Complaint.objects.filter(participant=participant), dict.fromkeys(("subject", "text", "answer"), NO_NAME))
    _blank(Participant.objects.filter(pk=participant.pk), _personal_fields(participant))
    request.erased_at, request.erased_by = now, user
    request.save()
    return True


def _personal_fields(participant: Participant) -> dict[str, str]:
    """The new values. A tax number stays with a company, and with whoever pays VAT: their documents must bear it."""
    blank = dict.fromkeys(_ADDRESS, "") | {"name": NO_NAME}
    keeps_nip = participant.vat_payer or participant.legal_form != Participant.LegalForm.PERSON
    return blank if keeps_nip else {**blank, "nip": ""}


def _blank(rows: QuerySet[Any], fields: dict[str, str]) -> None:
    """Overwrite these fields of the rows, and in all that was noted of their past."""
    keys = list(rows.values_list("pk", flat=True))
    rows.model._base_manager.filter(pk__in=keys).update(**fields)
    _forget_past(rows.model, keys, list(fields))


def _remove(rows: QuerySet[Any], fields: list[str]) -> None:
    keys = list(rows.values_list("pk", flat=True))
    rows.model._base_manager.filter(pk__in=keys).delete()
    _forget_past(rows.model, keys, fields)


def _forget_past(model: type[Model], keys: list[int], fields: list[str]) -> None:
    for key in keys:
        erase_from_history(connection, model._meta.db_table, key, fields)


def _close_logins(participant: Participant) -> list[User]:
    """Take everybody's way in to the participant; whose own login opens nothing else any more, is given back."""
    memberships: QuerySet[Membership] = Membership.objects.filter(participant=participant)
    own = [row.user for row in memberships.filter(level=Membership.Level.FULL).select_related("user")]
    memberships.delete()
    _remove(RoleInvitation.objects.filter(participant=participant), ["email"])
    closed = [user for user in own if not user.is_superuser and not _other_ways_in(user, participant.cluster_id)]
    for user in closed:
        _anonymise(user)
    return closed


def _other_ways_in(user: User, cluster_id: int) -> list[Access]:
    """What the login still opens, but for applications to this cluster, which are forgotten too."""
    return [row for row in accesses_of(user) if row.role != "applicant" or row.cluster_id != cluster_id]


def _anonymise(user: User) -> None:
    for relation in User._meta.related_objects:
        model: Any = relation.related_model
        if model._meta.app_label in _LOGIN_APPS:
            model._base_manager.filter(**{relation.field.name: user}).delete()
    user.email = f"erased-{user.pk}@erased.invalid"
    user.first_name = user.last_name = ""
    user.is_active = user.is_staff = False
    user.last_login = None
    user.set_unusable_password()
    user.save()


def _forget_application(participant: Participant, people: list[User]) -> None:
    """How the participant, or one of these people, applied: that it was so stays, what was written and sent goes."""
    applications = Application.objects.filter(
        Q(participant=participant) | Q(user__in=people), cluster=participant.cluster_id
    )
    keys = list(applications.values_list("pk", flat=True))
    invitations = [key for key in applications.values_list("invitation", flat=True) if key is not None]
    _remove(ApplicationDocument.objects.filter(application__in=keys), ["name"])
    events = list(ApplicationEvent.objects.filter(application__in=keys).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT forget_application_texts(%s)", [keys])
    _forget_past(ApplicationEvent, events, ["text"])
    _blank(applications, dict.fromkeys((*_ADDRESS, "name", "nip", "regon"), ""))
    _blank(Invitation.objects.filter(pk__in=invitations), {"email": "", "name": ""})


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
