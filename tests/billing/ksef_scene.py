"""A cluster whose invoices of June go to KSeF."""

import datetime as dt
from typing import Any

from billing.domain.documents import Bill as BillContent
from billing.models import BillingTerms, Document, EInvoice
from billing.services.bills import BillDraft, issue
from billing.services.einvoices import look_after
from participants.tenancy.scope import scope
from tests.billing.bills import COORDINATOR, FIRST, HOUSEHOLD
from tests.billing.paper_bills import producer, prosumer
from tests.cast import NOON, Cast, make_cast


def make_billed_cast() -> Cast:
    """A prosumer with an invoice and a note, a producer with a self-billing invoice; June's invoices go to KSeF."""
    made = make_cast("ours")
    with scope(made.cluster.pk):
        BillingTerms.objects.create(cluster=made.cluster, valid_from=FIRST, to_ksef=True)
        drafts = [BillDraft(each, who, FIRST) for each, who in ((prosumer(), made.seller), (producer(), made.buyer))]
        issue(made.cluster, drafts, NOON)
    return made


class Clock:
    """Says when it is."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> dt.datetime:
        return self.now


def run(cast: Cast, later: dt.timedelta = dt.timedelta()) -> None:
    clock = Clock()
    clock.now += later
    look_after(cast.cluster, clock)


def only(cast: Cast, number: str) -> EInvoice:
    with scope(cast.cluster.pk):
        return EInvoice.objects.get(document__number=number)


def issue_one(cast: Cast, *documents: Any, party: Any = HOUSEHOLD) -> list[str]:
    content = BillContent("", documents[0].issued_on, dt.date(2026, 7, 16), COORDINATOR, party, documents)
    with scope(cast.cluster.pk):
        (bill,) = issue(cast.cluster, [BillDraft(content, cast.seller, FIRST)], NOON)
        return list(Document.objects.filter(bill=bill).order_by("pk").values_list("number", flat=True))
