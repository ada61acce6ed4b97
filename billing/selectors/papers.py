"""Which bills lack their PDF, and who they are written to."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from billing.models import Bill, BillPaper
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


def ready_for_paper(cluster_id: int) -> QuerySet[Bill]:
    """Those of them whose PDF can be made: an invoice that goes to KSeF shows the number that it has there."""
    return without_paper(cluster_id).filter(~_waits_for_ksef(cluster_id))


def _waits_for_ksef(cluster_id: int) -> Exists:
    return Exists(undecided(cluster_id).filter(bill=OuterRef("pk")))


def batches_to_make(cluster_id: int) -> list[int]:
    """Batches with bills whose PDF can be made, as `pk // BATCH`."""
    keys = ready_for_paper(cluster_id).order_by("pk").values_list("pk", flat=True)
    return sorted({key // BATCH for key in keys.iterator()})


def progress(cluster_id: int) -> Progress:
    """Over all bills of the cluster."""
    papers = Exists(BillPaper.objects.filter(bill=OuterRef("pk")))
    found = Bill.objects.filter(cluster=cluster_id).aggregate(
        bills=Count("pk"), made=Count("pk", filter=Q(papers)),
        for_ksef=Count("pk", filter=~Q(papers) & Q(_waits_for_ksef(cluster_id))),
    )  # fmt: skip
    return Progress(**found)


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
