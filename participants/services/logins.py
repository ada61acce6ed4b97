"""Logins and sessions that nobody uses any more."""

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import QuerySet

from participants.models import User
from participants.services.forgetting import close

# Memberships and applications are tenant rows and no scope is open: functions of the owner read them.
_UNUSED = """
    SELECT u.id FROM participants_user u
    WHERE u.is_active AND NOT u.is_superuser AND u.date_joined < %(before)s
      AND (u.last_login IS NULL OR u.last_login < %(before)s)
      AND NOT EXISTS (SELECT FROM memberships_of_user(u.id))
      AND NOT EXISTS (SELECT FROM applications_of_user(u.id))
      AND NOT EXISTS (SELECT FROM participants_dsouser d WHERE d.user_id = u.id)
"""


def unused_logins(before: datetime) -> QuerySet[User]:
    """Logins that open nothing, made before then and not used since."""
    with connection.cursor() as cursor:
        cursor.execute(_UNUSED, {"before": before})
        return User.objects.filter(pk__in=[key for (key,) in cursor.fetchall()])


@transaction.atomic
def close_unused_logins(before: datetime) -> None:
    """Give them back."""
    for user in unused_logins(before):
        close(user)


def expired_sessions(now: datetime) -> QuerySet[Session]:
    """Sessions that have run out."""
    return Session.objects.filter(expire_date__lt=now)


@transaction.atomic
def delete_expired_sessions(now: datetime) -> None:
    """Delete them, and what was kept about their browsers."""
    expired_sessions(now).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
