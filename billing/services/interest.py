"""Interest for late payment: charged by a document, or waived with a reason; no day twice."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from billing.domain import documents as domain
from billing.domain.documents import Document, DocumentKind, DocumentLine
from billing.domain.errors import BillingError
from billing.domain.ledger import LATE_INTEREST
from billing.models import Bill, InterestDecision
from billing.selectors.late import LateInterest, late_interest
from billing.selectors.parties import coordinator_party, participant_party
from billing.services.bills import BillDraft, issue
from billing.services.locks import lock_payments
from metering.domain.calendar import local_day, time_zone
from participants.models import Cluster

TO_PAY = timedelta(days=14)


@transaction.atomic
def waive_interest(cluster: Cluster, bills: set[int], reason: str, user_id: int, now: datetime) -> int:
    """Waive what has accrued on these bills up to yesterday; returns of how many. Raises BillingError."""
    if not reason.strip():
        raise BillingError("say why the interest is waived")
    rows = [
        _decision(each, InterestDecision.What.WAIVED, reason.strip(), user_id, now)
        for each in _accrued(cluster, bills, now)
    ]
    InterestDecision.objects.bulk_create(rows)
    return len(rows)


@transaction.atomic
def charge_interest(cluster: Cluster, bills: set[int], user_id: int, now: datetime) -> list[Bill]:
    """Issue what has accrued on these bills up to yesterday: a bill a participant, with a note for each late one.

    Raises BillingError. What was charged or waived is not charged again.
    """
    by_participant: dict[int, list[LateInterest]] = defaultdict(list)
    for each in _accrued(cluster, bills, now):
        by_participant[each.bill.participant_id].append(each)
    today = local_day(now, time_zone(cluster.timezone))
    drafts = [_draft(cluster, late, today) for late in by_participant.values()]
    issued = issue(cluster, drafts, now, user_id)
    for bill, late in zip(issued, by_participant.values(), strict=True):
        notes = bill.documents.order_by("position")
        InterestDecision.objects.bulk_create(
            _decision(each, InterestDecision.What.CHARGED, "", user_id, now, note.pk)
            for each, note in zip(late, notes, strict=True)
        )
    return issued


def _draft(cluster: Cluster, late: Sequence[LateInterest], today: date) -> BillDraft:
    participant = late[0].bill.participant
    seller, buyer = coordinator_party(cluster.pk), participant_party(participant)
    notes = tuple(
        Document(
            DocumentKind.INTEREST, "", today, each.first, each.end, seller, buyer, (_line(each),),
            reason=each.bill.reference,
        )
        for each in late
    )  # fmt: skip
    return BillDraft(domain.Bill("", today, today + TO_PAY, seller, buyer, notes), participant)


def _line(each: LateInterest) -> DocumentLine:
    days = Decimal(sum(span.days for span in each.spans))
    return DocumentLine(1, "", LATE_INTEREST, "", "", each.first, each.end, days, "day", None, each.amount_pln, None)


def _accrued(cluster: Cluster, bills: set[int], now: datetime) -> list[LateInterest]:
    lock_payments(cluster.pk)
    return late_interest(cluster, local_day(now, time_zone(cluster.timezone)), pk__in=bills)


def _decision(
    each: LateInterest,
    what: InterestDecision.What,
    reason: str,
    user_id: int,
    now: datetime,
    document: int | None = None,
) -> InterestDecision:
    return InterestDecision(
        cluster_id=each.bill.cluster_id, bill=each.bill, valid_from=each.first, valid_to=each.end,
        amount_pln=each.amount_pln, what=what, document_id=document, reason=reason[:200], user_id=user_id, at=now,
    )  # fmt: skip
