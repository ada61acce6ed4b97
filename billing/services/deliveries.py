"""Bills go out by e-mail, each once by itself and again only on request.

At most once: what is about to be sent is marked so before the mail server is spoken to. A worker that dies in between
leaves an e-mail of which nobody knows; it is not sent again by itself, because a household that gets a bill twice may
pay it twice, and the coordinator sees it in its list.
"""

import logging
import secrets
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from smtplib import (
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Exists, OuterRef

from billing.models import Bill, BillDelivery, BillPaper
from billing.papers.letter import file_name, letter_of
from billing.selectors.papers import languages
from participants.mails import message
from participants.models import Cluster, ErasureRequest, User
from participants.tenancy.scope import scope

log = logging.getLogger(__name__)

State = BillDelivery.State
PASS_SECONDS = 40.0
#: A server that says "later" is asked so often, each time after a longer pause.
MOST_ATTEMPTS = 6
PAUSE = timedelta(minutes=10)


def queue_bills(cluster: Cluster, now: datetime) -> int:
    """Each bill that has its PDF and never was on its way is queued for the participant's address. Needs the scope."""
    known = BillDelivery.objects.filter(bill=OuterRef("pk"), requested_by=None)
    papers = BillPaper.objects.filter(bill=OuterRef("pk"))
    bills = Bill.objects.filter(Exists(papers), ~Exists(known), cluster=cluster).select_related("participant")
    return len(_queue(cluster, bills.order_by("pk"), now, None))


def send_again(cluster: Cluster, bills: Iterable[Bill], user: User, now: datetime) -> list[BillDelivery]:
    """Queue the bills once more, to the addresses that the participants have now. Needs the scope."""
    return _queue(cluster, bills, now, user)


def _queue(cluster: Cluster, bills: Iterable[Bill], now: datetime, user: User | None) -> list[BillDelivery]:
    bills = list(bills)
    spoken = languages(cluster.pk, {bill.participant_id for bill in bills})
    rows = [
        BillDelivery(
            cluster=cluster, bill=bill, address=bill.participant.email, language=spoken[bill.participant_id],
            state=State.QUEUED if bill.participant.email else State.NO_ADDRESS, not_before=now, queued_at=now,
            changed_at=now, requested_by=user, message_id=_message_id(cluster.pk),
        )
        for bill in bills
    ]  # fmt: skip
    return BillDelivery.objects.bulk_create(rows, ignore_conflicts=user is None)


def _message_id(cluster_id: int) -> str:
    return f"<bill.{cluster_id}.{secrets.token_hex(12)}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2].strip('> ')}>"


def mark_bounced(deliveries: Any, reason: str, user: User | None, now: datetime) -> int:
    """What was sent has come back; what was not sent, or is marked already, stays. Needs the scope."""
    found = deliveries.filter(state__in=[State.SENT, State.UNCLEAR, State.SENDING])
    return int(found.update(state=State.BOUNCED, reason=reason[:500], changed_at=now, changed_by=user))


def forget_addresses(cluster: Cluster) -> int:
    """Addresses of who was erased go. Needs the scope."""
    erased = ErasureRequest.objects.filter(cluster=cluster).exclude(erased_at=None).values("participant")
    found = BillDelivery.objects.filter(cluster=cluster, bill__participant__in=erased).exclude(address="")
    return found.update(address="", reason="")


def send_queued(cluster: Cluster, now: datetime) -> bool:
    """Send what is queued, one at a time; True if time ran out before everything was.

    Opens its own scopes. One call at a time and cluster (the task sees to that): what is marked as being sent when it
    begins was left by a worker that died.
    """
    with scope(cluster.pk):
        left = BillDelivery.objects.filter(cluster=cluster, state=State.SENDING)
        left.update(state=State.UNCLEAR, reason="the worker was stopped while sending", changed_at=now)
    stop = time.monotonic() + PASS_SECONDS
    connection = get_connection()
    try:
        while (delivery := _claim(cluster, now)) is not None:
            if not _deliver(cluster, connection, delivery, now):
                return False
            if time.monotonic() > stop:
                return True
    finally:
        connection.close()
    return False


def _claim(cluster: Cluster, now: datetime) -> BillDelivery | None:
    """The next one, marked as being sent."""
    with scope(cluster.pk):
        waiting = BillDelivery.objects.filter(cluster=cluster, state=State.QUEUED, not_before__lte=now)
        row = waiting.order_by("not_before", "pk").select_for_update(skip_locked=True).first()
        if row is not None:
            row.state, row.attempts, row.changed_at = State.SENDING, row.attempts + 1, now
            row.save(update_fields=["state", "attempts", "changed_at"])
        return row


def _deliver(cluster: Cluster, connection: Any, delivery: BillDelivery, now: datetime) -> bool:
    """Send one; False if the mail server takes none at present, which leaves it queued."""
    with scope(cluster.pk):
        mail = _mail(cluster, delivery)
    try:
        _ready(connection)
    except (SMTPException, OSError):
        log.exception("%s: the mail server takes no bills at present", cluster.slug)
        _note(cluster, delivery, State.QUEUED, "the mail server does not answer", now, again=now + PAUSE)
        return False
    try:
        connection.send_messages([mail])
    except SMTPSenderRefused as error:
        log.exception("%s: the mail server refuses the platform as sender", cluster.slug)
        _note(cluster, delivery, State.QUEUED, _said(error), now, again=now + PAUSE)
        return False
    except SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        _refused(cluster, delivery, code, f"{code} {_text(text)}", now)
    except SMTPServerDisconnected as error:
        connection.close()
        _note(cluster, delivery, State.UNCLEAR, f"the connection broke: {error}", now)
    except SMTPResponseException as error:
        _refused(cluster, delivery, error.smtp_code, _said(error), now)
    except ValueError as error:  # an address that no header takes
        _note(cluster, delivery, State.REFUSED, str(error), now)
    except (SMTPException, OSError) as error:
        connection.close()
        _note(cluster, delivery, State.UNCLEAR, f"the connection broke: {error}", now)
    else:
        _note(cluster, delivery, State.SENT, "", now)
    return True


def _mail(cluster: Cluster, delivery: BillDelivery) -> EmailMessage:
    bill = Bill.objects.get(pk=delivery.bill_id)
    paper = BillPaper.objects.get(bill=bill)
    subject, parts = letter_of(bill, delivery.language, cluster.name)
    mail = message(subject, parts, delivery.address)
    mail.extra_headers["Message-ID"] = delivery.message_id
    mail.attach(file_name(bill), bytes(paper.pdf), "application/pdf")
    return mail


def _ready(connection: Any) -> None:
    """Open, also where the server has closed it between two letters."""
    smtp = getattr(connection, "connection", None)
    if smtp is not None:
        try:
            if smtp.noop()[0] == 250:
                return
        except (SMTPException, OSError):
            pass
        connection.close()
    connection.open()


def _refused(cluster: Cluster, delivery: BillDelivery, code: int, reason: str, now: datetime) -> None:
    """For good, or (400 to 499) for now."""
    if 400 <= code < 500 and delivery.attempts < MOST_ATTEMPTS:
        _note(cluster, delivery, State.QUEUED, reason, now, again=now + PAUSE * 2**delivery.attempts)
    else:
        _note(cluster, delivery, State.REFUSED, reason, now)


def _said(error: SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _note(
    cluster: Cluster, delivery: BillDelivery, state: str, reason: str, now: datetime, again: datetime | None = None
) -> None:
    """Where it stands; `again` is when a queued one is tried once more."""
    changes: dict[str, Any] = {"state": state, "reason": reason[:500], "changed_at": now}
    if again is not None:
        changes["not_before"] = again
    with scope(cluster.pk):
        BillDelivery.objects.filter(pk=delivery.pk).update(**changes)
