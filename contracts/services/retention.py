"""What nobody needs any more goes when its time is over: docs/privacy.md, *How long what is kept*."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from contracts.models import Contract
from contracts.services.erasure import NO_NAME, erase_participant
from metering.domain.calendar import local_day, local_midnight, months_before, time_zone
from metering.models import PointAssignment, ReadingAccess
from participants.models import (
    Application,
    Change,
    Cluster,
    Complaint,
    ErasureRequest,
    Invitation,
    Participant,
    RoleInvitation,
    User,
)
from participants.role_models import VALID_FOR
from participants.services.forgetting import blank, erase_applications, remove
from participants.services.logins import (
    close_unused_logins,
    delete_expired_sessions,
    expired_sessions,
    unused_logins,
)
from participants.tenancy.scope import scope

Status = Application.Status


@dataclass(frozen=True)
class Limit:
    """The local day on which kept things expire that ended before it, as a day and as a time, and the time now."""

    cluster: Cluster
    day: date
    before: datetime
    now: datetime


def delete_expired(
    cluster: Cluster, months: Mapping[str, int], now: datetime, dry_run: bool = False
) -> dict[str, tuple[date, int]]:
    """Delete, by kind, what ended more than so many months ago; 0 months: never.

    Months are whole calendar months of the cluster, so all of a month goes at once. Returns for each kind the day
    before which it ended, and how many rows (of applications: applicants) went, or would go if `dry_run`.
    """
    done = {}
    for kind, (find, delete) in KINDS.items():
        if not months[kind]:
            continue
        limit = _limit(cluster, months[kind], now)
        with scope(cluster.pk):
            rows = find(limit)
            count = sum(found.count() for found in rows)
            if count and not dry_run:
                delete(rows, limit)
        done[kind] = limit.day, count
    return done


def close_expired(months: Mapping[str, int], now: datetime, dry_run: bool = False) -> dict[str, tuple[date, int]]:
    """The same for what belongs to no cluster: logins that open nothing, and sessions that ran out."""
    done = {"sessions": (now.date(), expired_sessions(now).count())}
    if not dry_run:
        delete_expired_sessions(now)
    if months["logins"]:
        day = months_before(now.date(), months["logins"])
        before = datetime.combine(day, time(), UTC)
        done["logins"] = day, unused_logins(before).count()
        if not dry_run:
            close_unused_logins(before)
    return done


def _limit(cluster: Cluster, months: int, now: datetime) -> Limit:
    tz = time_zone(cluster.timezone)
    day = months_before(local_day(now, tz), months)
    return Limit(cluster, day, local_midnight(day, tz), now)


def _applicants(limit: Limit) -> list[QuerySet[Any]]:
    """Who was never admitted, and whose last step is long ago; nobody who waits for an answer."""
    rows = Application.objects.filter(cluster=limit.cluster, erased_at=None).exclude(status=Status.ADMITTED)
    over = Q(status__in=[Status.DRAFT, Status.REFUSED, Status.WITHDRAWN])
    users = rows.values("user").annotate(
        waiting=Count("pk", filter=~over), last=Max(Coalesce("events__at", "created_at"))
    )
    wanted = users.filter(waiting=0, last__lt=limit.before).values("user")
    return [User.objects.filter(pk__in=list(wanted.values_list("user", flat=True)))]


def _erase_applicants(rows: list[QuerySet[Any]], limit: Limit) -> None:
    for user in rows[0]:
        erase_applications(limit.cluster, user, True, limit.now)


def _invitations(limit: Limit) -> list[QuerySet[Any]]:
    """Links that nobody followed in time."""
    return [
        Invitation.objects.filter(cluster=limit.cluster, used_at=None, expires_at__lt=limit.before),
        RoleInvitation.objects.filter(cluster=limit.cluster, taken_at=None, created_at__lt=limit.before - VALID_FOR),
    ]


def _remove_invitations(rows: list[QuerySet[Any]], limit: Limit) -> None:
    to_apply, to_roles = rows
    remove(to_apply, ["email", "name"])
    remove(to_roles, ["email"])


def _complaints(limit: Limit) -> list[QuerySet[Any]]:
    answered = Complaint.objects.filter(cluster=limit.cluster, answered_at__lt=limit.before)
    return [answered.exclude(subject=NO_NAME, text=NO_NAME, answer=NO_NAME)]


def _blank_complaints(rows: list[QuerySet[Any]], limit: Limit) -> None:
    blank(rows[0], dict.fromkeys(("subject", "text", "answer"), NO_NAME))


def _accesses(limit: Limit) -> list[QuerySet[Any]]:
    return [ReadingAccess.objects.filter(cluster=limit.cluster, at__lt=limit.before)]


def _delete_accesses(rows: list[QuerySet[Any]], limit: Limit) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT delete_reading_accesses(%s)", [limit.before])


def _changes(limit: Limit) -> list[QuerySet[Any]]:
    return [Change.objects.filter(cluster=limit.cluster, at__lt=limit.before)]


def _delete_changes(rows: list[QuerySet[Any]], limit: Limit) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT delete_changes(%s)", [limit.before])


def _members(limit: Limit) -> list[QuerySet[Any]]:
    """Participants whose last contract and last metering point ended long ago, and who wait for no answer."""
    theirs = {"cluster": limit.cluster, "participant": OuterRef("pk")}
    lately = Q(valid_to=None) | Q(valid_to__gte=limit.day)
    contracts, points = Contract.objects.filter(**theirs), PointAssignment.objects.filter(**theirs)
    return [
        Participant.objects.filter(Exists(contracts) | Exists(points), cluster=limit.cluster)
        .exclude(Exists(contracts.filter(lately)))
        .exclude(Exists(points.filter(lately)))
        .exclude(Exists(Complaint.objects.filter(**theirs, answered_at=None)))
        .exclude(Exists(ErasureRequest.objects.filter(**theirs, erased_at__isnull=False)))
    ]


def _erase_members(rows: list[QuerySet[Any]], limit: Limit) -> None:
    for participant in rows[0]:
        erase_participant(participant, None, limit.now)


Find = Callable[[Limit], list[QuerySet[Any]]]
Delete = Callable[[list[QuerySet[Any]], Limit], None]
#: What expires, how it is found, and how it goes. Members first: what they leave is not looked at twice.
KINDS: dict[str, tuple[Find, Delete]] = {
    "members": (_members, _erase_members),
    "applications": (_applicants, _erase_applicants),
    "invitations": (_invitations, _remove_invitations),
    "complaints": (_complaints, _blank_complaints),
    "accesses": (_accesses, _delete_accesses),
    "changes": (_changes, _delete_changes),
}
