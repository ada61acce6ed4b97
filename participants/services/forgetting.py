"""Overwriting and removing what names a person, in the rows and in all that was noted of their past."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Model, QuerySet

from participants.access import Access, accesses_of
from participants.domain.application_steps import OPEN
from participants.models import (
    Application,
    ApplicationDocument,
    ApplicationEvent,
    ApplicationPoint,
    Change,
    Cluster,
    Invitation,
    User,
)
from participants.services.applications import take_step
from participants.tenancy.audit import erase_from_history

ADDRESS = ("email", "street", "postcode", "city", "country", "iban")
#: Verified addresses, second factors, sessions: all that hangs on a login.
_LOGIN_APPS = ("account", "mfa", "socialaccount", "usersessions")


def blank(rows: QuerySet[Any], fields: dict[str, str]) -> None:
    """Overwrite these fields of the rows, and in all that was noted of their past."""
    keys = list(rows.values_list("pk", flat=True))
    rows.model._base_manager.filter(pk__in=keys).update(**fields)
    _forget_past(rows.model, keys, list(fields))


def remove(rows: QuerySet[Any], fields: list[str]) -> None:
    """Delete the rows, and overwrite these fields in what was noted of them."""
    keys = list(rows.values_list("pk", flat=True))
    rows.model._base_manager.filter(pk__in=keys).delete()
    _forget_past(rows.model, keys, fields)


def remove_all(model: Any, owner: str, owners: list[int], fields: list[str]) -> None:
    """The same for all rows of these owners, and for those that were deleted before."""
    past = Change.objects.filter(table_name=model._meta.db_table, operation=Change.Operation.DELETE)
    deleted = list(past.filter(**{f"before__{owner}_id__in": owners}).values_list("row_id", flat=True))
    remove(model.objects.filter(**{f"{owner}__in": owners}), fields)
    _forget_past(model, deleted, fields)


def forget_applications(applications: QuerySet[Application]) -> None:
    """That they were made stays, with their steps; what was written and sent goes."""
    keys = list(applications.values_list("pk", flat=True))
    invitations = [key for key in applications.values_list("invitation", flat=True) if key is not None]
    remove_all(ApplicationDocument, "application", keys, ["name"])
    events = list(ApplicationEvent.objects.filter(application__in=keys).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SELECT forget_application_texts(%s)", [keys])
    _forget_past(ApplicationEvent, events, ["text"])
    blank(applications, dict.fromkeys((*ADDRESS, "name", "nip", "regon"), ""))
    blank(Invitation.objects.filter(pk__in=invitations), {"email": "", "name": ""})


@transaction.atomic
def erase_applications(cluster: Cluster, user: User, close_login: bool, now: datetime) -> bool:
    """What the user wrote to the cluster in scope without being admitted goes, metering points included.

    An application that is still open is withdrawn first. `close_login` gives the login back too, if it opens nothing
    else; True if it was.
    """
    mine = Application.objects.filter(cluster=cluster, user=user, erased_at=None).exclude(
        status=Application.Status.ADMITTED
    )
    for application in mine.filter(status__in=OPEN):
        take_step(cluster, application.pk, "withdraw", "applicant", user, now)
    keys = list(mine.values_list("pk", flat=True))
    remove_all(ApplicationPoint, "application", keys, ["code"])
    forget_applications(mine)
    Application.objects.filter(pk__in=keys).update(erased_at=now)
    if not close_login or user.is_superuser or other_ways_in(user, cluster.pk):
        return False
    close(user)
    return True


def other_ways_in(user: User, cluster_id: int) -> list[Access]:
    """What the login still opens, but for applications to this cluster."""
    return [row for row in accesses_of(user) if row.role != "applicant" or row.cluster_id != cluster_id]


def close(user: User) -> None:
    """Give a login back: nobody can sign in with it any more, and its address is free."""
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


def _forget_past(model: type[Model], keys: list[int], fields: list[str]) -> None:
    for key in keys:
        erase_from_history(connection, model._meta.db_table, key, fields)
