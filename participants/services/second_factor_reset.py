"""The way back for who has lost phone, key and recovery codes."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils.translation import gettext

from participants.mails import tell_of_second_factor_reset
from participants.models import User


@transaction.atomic
def reset_second_factor(user: User, operator: User, reason: str) -> int:
    """Removes all second factors of a login and ends its sessions; answers how many factors there were.

    The operator's log keeps who did it and why (`reason`: how it was made sure who asks); the user is told by e-mail.
    """
    found = Authenticator.objects.filter(user=user)
    count = found.count()
    found.delete()
    get_adapter().end_sessions(UserSession.objects.filter(user=user))
    LogEntry.objects.create(
        user=operator,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=user.email,
        action_flag=CHANGE,
        change_message=gettext("Second factor removed: %(reason)s") % {"reason": reason},
    )
    tell_of_second_factor_reset(user)
    return count
