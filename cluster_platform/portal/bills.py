"""A member's bills: how they stand, which are new, and what corrects what."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.domain.bill_state import BillState
from billing.models import Bill, BillOpening, BillPaper, Document
from billing.selectors.payments import standings
from participants.models import Cluster, Participant, User

#: How a bill stands, by whether the participant pays it or is paid.
TO_PAY = {
    BillState.OPEN: pgettext_lazy("bill", "open"),
    BillState.PARTLY_PAID: _("paid in part"),
    BillState.PAID: _("paid"),
    BillState.OVERDUE: _("overdue"),
    BillState.SETTLED: _("nothing to pay"),
}
TO_RECEIVE = TO_PAY | {BillState.OPEN: _("to be paid out"), BillState.PAID: _("paid out")}


@dataclass(frozen=True)
class Standing:
    """A bill in the list; `state` is empty where the distributor, not the platform, knows it."""

    bill: Bill
    state: str
    overdue: bool
    new: bool
    has_pdf: bool
    corrects: tuple[str, ...]


@dataclass(frozen=True)
class Related:
    """A document of another bill that corrects one of this bill's, or is corrected by one."""

    document: Document
    mine: Document

    @property
    def is_correction(self) -> bool:
        """The other one corrects mine."""
        return self.document.corrects_id is not None and self.document.corrects_id == self.mine.pk


def list_of(cluster: Cluster, participant: Participant, user: User, today: date) -> list[Standing]:
    """All bills of the participant, the newest first."""
    opened = BillOpening.objects.filter(bill=OuterRef("pk"), user=user)
    papers = BillPaper.objects.filter(bill=OuterRef("pk"))
    rows = Bill.objects.filter(participant=participant).annotate(new=~Exists(opened), has_pdf=Exists(papers))
    states = {each.bill.pk: each.state for each in standings(cluster, today, participant=participant)}
    corrected: dict[int, list[str]] = defaultdict(list)
    corrections = Document.objects.filter(bill__participant=participant, corrects__isnull=False).order_by("pk")
    for bill, number in corrections.values_list("bill", "corrects__number"):
        corrected[bill].append(number)
    return [
        Standing(
            row,
            str((TO_PAY if row.payable_pln > 0 else TO_RECEIVE)[states[row.pk]]) if row.pk in states else "",
            states.get(row.pk) == BillState.OVERDUE,
            row.new,
            row.has_pdf,
            tuple(corrected[row.pk]),
        )
        for row in rows.order_by("-issued_on", "-pk")
    ]


def newest_unopened(participant: Participant, user: User) -> Bill | None:
    """The newest bill, unless this login has opened it."""
    newest = Bill.objects.filter(participant=participant).order_by("-issued_on", "-pk").first()
    if newest is None or BillOpening.objects.filter(bill=newest, user=user).exists():
        return None
    return newest


def related(bill: Bill) -> list[Related]:
    """What corrects this bill's documents, and what they correct, in other bills."""
    mine = {row.pk: row for row in Document.objects.filter(bill=bill)}
    originals = [row.corrects_id for row in mine.values() if row.corrects_id]
    others = Document.objects.filter(Q(corrects__in=mine) | Q(pk__in=originals)).exclude(bill=bill)
    found = []
    for other in others.select_related("bill").order_by("issued_on", "pk"):
        own = mine.get(other.corrects_id or 0) or next(row for row in mine.values() if row.corrects_id == other.pk)
        found.append(Related(other, own))
    return found


def note_opened(bill: Bill, user: User, now: datetime) -> None:
    """The first time counts."""
    BillOpening.objects.bulk_create(
        [BillOpening(cluster_id=bill.cluster_id, bill=bill, user=user, at=now)], ignore_conflicts=True
    )
