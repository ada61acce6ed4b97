"""Invoices go to KSeF, each once: made, handed over, asked after until it is accepted or refused, receipt kept.

What is about to be sent is marked so, with its XML and the session, before KSeF is spoken to. After a worker has died
the session is asked for the digest of the XML: found, it was sent; not found, it is sent once more. Should KSeF still
get one twice, it names the number of the first, which is then the document's.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q

from billing.domain.errors import BillingError
from billing.models import EInvoice
from billing.papers.einvoice import einvoice
from billing.selectors.bills import document_content
from billing.selectors.einvoices import token_of, unqueued
from billing.services.ksef import Ksef, KsefRefusal, KsefUnavailable, Outcome, connect, hash_of
from participants.models import Cluster, Coordinator, User
from participants.tenancy.scope import scope

log = logging.getLogger(__name__)

State = EInvoice.State
PASS_SECONDS = 120.0
PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=6)
#: How long a pass waits for what KSeF says of the invoices that it has just sent.
WAIT_SECONDS, POLL_SECONDS = 20.0, 1.0
BATCH = 200
LONGEST_REASON = 500


def queue_einvoices(cluster: Cluster, now: datetime) -> int:
    """Queue every invoice that goes to KSeF and is not on its way; how many. Needs the scope."""
    rows = [
        EInvoice(cluster=cluster, document=document, not_before=now, queued_at=now, changed_at=now)
        for document in unqueued(cluster)
    ]
    return len(EInvoice.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True))


def send_again(cluster: Cluster, chosen: Any, user: User, now: datetime) -> int:
    """Queue what was refused, could not be made or was kept out; what waits is due now. Needs the scope."""
    decided = {"reason": "", "attempts": 0, "not_before": now, "changed_at": now, "changed_by": user}
    anew = {"state": State.QUEUED, "xml": None, "xml_hash": "", "session": "", "reference": ""}
    # What is queued may have been sent without an answer: it keeps its bytes.
    waiting = chosen.filter(cluster=cluster, state=State.QUEUED).update(**decided)
    held = chosen.filter(cluster=cluster, state__in=[State.REFUSED, State.FAULTY, State.OUTSIDE])
    return int(waiting + held.update(**decided, **anew))


def keep_outside(cluster: Cluster, chosen: Any, user: User, now: datetime) -> int:
    """What KSeF does not have stays out of it on a person's word; its corrections no longer wait. Needs the scope."""
    rows = chosen.filter(cluster=cluster, state__in=[State.REFUSED, State.FAULTY, State.QUEUED])
    return int(rows.update(state=State.OUTSIDE, changed_at=now, changed_by=user))


def look_after(cluster: Cluster, clock: Callable[[], datetime]) -> bool:
    """Ask after what was sent, send what is due; True if time ran out before everything was.

    Opens its own scopes. One call at a time and cluster (the task sees to that). Does nothing without a connection.
    """
    token = token_of(cluster)
    if not (settings.KSEF_URL and token):
        return False
    with scope(cluster.pk):
        queue_einvoices(cluster, clock())
        if not _open_rows(cluster, clock()).exists():
            return False
        nip = Coordinator.objects.values_list("nip", flat=True).get(cluster=cluster)
    try:
        with connect(settings.KSEF_URL, token, nip) as ksef:
            return _look_after(cluster, ksef, clock)
    except KsefUnavailable as error:
        log.warning("%s: KSeF takes no invoices at present: %s", cluster.slug, error)
        with scope(cluster.pk):
            _put_off(cluster, str(error), clock())
        return False


def _open_rows(cluster: Cluster, now: datetime) -> Any:
    """What KSeF is asked for in this pass."""
    due = Q(state=State.QUEUED, not_before__lte=now)
    asked = Q(state__in=[State.SENDING, State.SENT]) | Q(state=State.ACCEPTED, receipt=None)
    return EInvoice.objects.filter(due | asked, cluster=cluster)


def _look_after(cluster: Cluster, ksef: Ksef, clock: Callable[[], datetime]) -> bool:
    stop = time.monotonic() + PASS_SECONDS
    _ask(cluster, ksef, clock, lost=True)
    more = True
    while more and time.monotonic() < stop:
        more = _send_next(cluster, ksef, clock)
    ksef.close_session()
    stop_waiting = time.monotonic() + WAIT_SECONDS
    while _ask(cluster, ksef, clock) and time.monotonic() < stop_waiting:
        time.sleep(POLL_SECONDS)
    _fetch_receipts(cluster, ksef, clock)
    return more


def _send_next(cluster: Cluster, ksef: Ksef, clock: Callable[[], datetime]) -> bool:
    """Make and send the next one; False if none is due. A correction waits until KSeF has what it corrects."""
    session = ksef.session() if _next(cluster, clock()) else ""
    with scope(cluster.pk):
        row = _next(cluster, clock(), locked=True)
        if row is None:
            return False
        try:
            # What may have been sent before goes once more as it was, so that KSeF can tell that it is the same.
            xml = bytes(row.xml) if row.xml else _made(row, clock())
        except BillingError as error:
            _note(row, clock(), state=State.FAULTY, reason=str(error))
            return True
        _note(
            row, clock(), state=State.SENDING, reason="", xml=xml, xml_hash=hash_of(xml), session=session,
            attempts=row.attempts + 1,
        )  # fmt: skip
    try:
        reference = ksef.send(xml)
    except KsefRefusal as error:
        changes: dict[str, Any] = {"state": State.REFUSED, "reason": str(error)}
    else:
        changes = {"state": State.SENT, "reference": reference}
    with scope(cluster.pk):
        _note(row, clock(), **changes)
    return True


def _next(cluster: Cluster, now: datetime, locked: bool = False) -> EInvoice | None:
    with scope(cluster.pk):
        ready = Q(document__corrects=None) | Q(document__corrects__einvoices=None)
        ready |= Q(document__corrects__einvoices__state__in=[State.ACCEPTED, State.OUTSIDE])
        rows = EInvoice.objects.filter(ready, cluster=cluster, state=State.QUEUED, not_before__lte=now)
        if locked:
            rows = rows.select_for_update(of=("self",))
        return rows.select_related("document__bill").order_by("pk").first()


def _made(row: EInvoice, now: datetime) -> bytes:
    (content,) = document_content(type(row.document).objects.filter(pk=row.document_id))
    bill = row.document.bill
    return einvoice(content, bill.due_on, bill.reference, now)


def _ask(cluster: Cluster, ksef: Ksef, clock: Callable[[], datetime], lost: bool = False) -> int:
    """Note what KSeF says of what was sent; how many it is still at. `lost`: also of what a dead worker left."""
    states = [State.SENT, State.SENDING] if lost else [State.SENT]
    with scope(cluster.pk):
        rows = EInvoice.objects.filter(cluster=cluster, state__in=states).defer("xml", "receipt")
        waiting: dict[str, dict[str, EInvoice]] = {}
        for row in rows:
            waiting.setdefault(row.session, {})[row.xml_hash] = row
    left = 0
    for session, by_hash in waiting.items():
        try:
            found = {each.xml_hash: each for each in ksef.outcomes(session)}
        except KsefUnavailable as error:
            # One session that KSeF does not tell of keeps no other invoice from being sent.
            log.warning("%s: KSeF tells nothing of session %s: %s", cluster.slug, session, error)
            continue
        with scope(cluster.pk):
            for xml_hash, row in by_hash.items():
                left += not _settle(row, found.get(xml_hash), clock())
    return left


def _settle(row: EInvoice, outcome: Outcome | None, now: datetime) -> bool:
    """Note the outcome; False if there is none yet."""
    if outcome is None:
        if row.state == State.SENDING:
            _note(row, now, state=State.QUEUED, session="")
            return True
        return False
    if outcome.ksef_number:
        _note(
            row, now, state=State.ACCEPTED, reason="", reference=outcome.reference, ksef_number=outcome.ksef_number,
            session=outcome.session,
        )  # fmt: skip
    elif outcome.again:
        _note(row, now, state=State.QUEUED, reason=outcome.reason, session="", not_before=now + _pause(row.attempts))
    elif outcome.final:
        _note(row, now, state=State.REFUSED, reason=outcome.reason, reference=outcome.reference)
    elif row.state == State.SENDING:
        _note(row, now, state=State.SENT, reference=outcome.reference)
    return outcome.final


def _fetch_receipts(cluster: Cluster, ksef: Ksef, clock: Callable[[], datetime]) -> None:
    with scope(cluster.pk):
        rows = list(EInvoice.objects.filter(cluster=cluster, state=State.ACCEPTED, receipt=None).defer("xml")[:BATCH])
    for row in rows:
        receipt = ksef.receipt(row.session, row.ksef_number)
        with scope(cluster.pk):
            _note(row, clock(), receipt=receipt)


def _put_off(cluster: Cluster, reason: str, now: datetime) -> None:
    """What is queued is tried again after a pause, the longer the more often it was tried."""
    rows = EInvoice.objects.filter(cluster=cluster, state=State.QUEUED, not_before__lte=now)
    for attempts in rows.order_by().values_list("attempts", flat=True).distinct():
        rows.filter(attempts=attempts).update(
            reason=reason[:LONGEST_REASON],
            attempts=F("attempts") + 1,
            not_before=now + _pause(attempts),
            changed_at=now,
        )


def _pause(attempts: int) -> timedelta:
    return min(LONGEST_PAUSE, PAUSE * 2 ** min(attempts, 10))


def _note(row: EInvoice, now: datetime, **changes: Any) -> None:
    if "reason" in changes:
        changes["reason"] = changes["reason"][:LONGEST_REASON]
    for name, value in (changes | {"changed_at": now}).items():
        setattr(row, name, value)
    row.save(update_fields=[*changes, "changed_at"])
