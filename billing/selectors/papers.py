"""Which bills lack their PDF, and who they are written to."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from billing.models import Bill, BillPaper, Document
from billing.selectors.einvoices import undecided
from participants.models import Membership

#: Bills whose numbers in the database share so many are made by one task.
BATCH = 250


@dataclass(frozen=True, slots=True)
class Progress:
    """How many bills there are, of how many the PDF is made, and how many wait for KSeF first."""

    bills: int
    made: int
    for_ksef: int


def without_paper(cluster_id: int) -> QuerySet[Bill]:
    """Bills whose PDF is not made yet."""
    papers = BillPaper.objects.filter(cluster=cluster_id, bill=OuterRef("pk"))
    return Bill.objects.filter(~Exists(papers), cluster=cluster_id)


def waiting_for_ksef(cluster_id: int) -> QuerySet[Document, int]:
    """Keys of bills whose PDF can't be made yet: an invoice that goes to KSeF shows the number that it has there."""
    return undecided(cluster_id).order_by().values_list("bill", flat=True)


def batches_to_make(cluster_id: int) -> list[int]:
    """Batches with bills whose PDF can be made, as `pk // BATCH`."""
    return sorted({key // BATCH for key in lacking(cluster_id) - set(waiting_for_ksef(cluster_id))})


def progress(cluster_id: int) -> Progress:
    """Over all bills of the cluster."""
    bills, left = Bill.objects.filter(cluster=cluster_id).count(), lacking(cluster_id)
    waiting = left & set(waiting_for_ksef(cluster_id)) if left else left
    return Progress(bills, bills - len(left), len(waiting))


def lacking(cluster_id: int) -> set[int]:
    """Keys of bills whose PDF is not made yet.

    As a set, to be compared with others here: in one query PostgreSQL, as long as it has no statistics of bills that
    were just issued, goes through all documents or all bills for every bill.
    """
    return set(without_paper(cluster_id).values_list("pk", flat=True))


def languages(cluster_id: int, participants: set[int]) -> dict[int, str]:
    """In which language each participant is written to: its own login's, else the platform's first."""
    found = dict.fromkeys(participants, settings.LANGUAGE_CODE)
    rows = Membership.objects.filter(
        cluster=cluster_id, participant__in=participants, level=Membership.Level.FULL, user__is_active=True
    )
    columns = ("participant", "participant__email", "user__email", "user__language")
    logins = list(rows.order_by("-pk").values_list(*columns))
    # Of several logins the one with the participant's own address counts, else the first.
    for participant, _own, _login, language in sorted(logins, key=lambda row: row[1].lower() == row[2]):
        found[participant] = language
    return found
