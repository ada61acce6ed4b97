"""Writes the accountant's files of a month (docs/format-accounts.md)."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.db.models import Q, QuerySet
from django.utils import timezone

from billing.domain.errors import BillingError
from billing.formats.account_package import AccountSources, write_accounts
from billing.models import Bill, Document, JournalEntry
from billing.papers.archive import zip_of_papers
from billing.selectors.bills import bill_content, document_content
from billing.selectors.einvoices import numbers_of
from billing.selectors.ledger import journal
from billing.selectors.papers import batches_to_make, lacking
from billing.services.papers import make_papers
from contracts.dataset.output import complete_folder
from metering.domain.calendar import next_month, parse_period
from participants.models import Cluster
from participants.tenancy.scope import scope

PAPERS = "documents.zip"


def account_sources(cluster_id: int, first: date) -> AccountSources:
    """Everything of the month that begins with `first`; read when it is written, in the scope of then."""
    end = next_month(first)
    bills = bills_of_month(cluster_id, first)
    documents = Document.objects.filter(_issued_in(first), cluster=cluster_id, bill__dso=None)
    return AccountSources(
        bills=lambda: bill_content(bills.order_by("pk")),
        issued=lambda: document_content(documents.order_by("pk")),
        journal=lambda: journal(cluster_id, first, end),
        ksef=lambda: numbers_of(documents),
    )


def bills_of_month(cluster_id: int, first: date) -> QuerySet[Bill]:
    """The coordinator's own bills; what is about no month (interest) belongs to the month of its issue.

    The distributor's bills are none of the coordinator's books.
    """
    about = Q(period=first) | Q(period=None) & _issued_in(first)
    return Bill.objects.filter(about, cluster=cluster_id, dso=None)


def _issued_in(first: date) -> Q:
    return Q(issued_on__gte=first, issued_on__lt=next_month(first))


@dataclass(frozen=True, slots=True)
class Contents:
    """How much the files of a month hold: documents about it, documents issued in it, entries booked in it."""

    about: int
    issued: int
    entries: int


def contents_of_month(cluster_id: int, first: date) -> Contents:
    """Counted as `account_sources` reads it."""
    documents = Document.objects.filter(cluster=cluster_id)
    entries = JournalEntry.objects.filter(cluster=cluster_id, booked_on__gte=first, booked_on__lt=next_month(first))
    return Contents(
        documents.filter(bill__in=bills_of_month(cluster_id, first)).count(),
        documents.filter(_issued_in(first), bill__dso=None).count(),
        entries.count(),
    )


def lacking_papers(cluster_id: int, first: date) -> int:
    """Of how many bills of the month the PDF is not made yet."""
    return len(lacking(cluster_id).intersection(bills_of_month(cluster_id, first).values_list("pk", flat=True)))


def months_with_accounts(cluster_id: int) -> list[date]:
    """Months of which there is anything to export, the latest first."""
    found: set[date] = set()
    bills = Bill.objects.filter(cluster=cluster_id, dso=None)
    for period, issued in bills.order_by().values_list("period", "issued_on").distinct():
        found |= {issued.replace(day=1)} | ({period} if period else set())
    entries = JournalEntry.objects.filter(cluster=cluster_id).order_by()
    found |= {day.replace(day=1) for day in entries.values_list("booked_on", flat=True).distinct()}
    return sorted(found, reverse=True)


def export_accounts(cluster: Cluster, period: str, out: Path) -> None:
    """Write all files of the month `period` and its bills as PDF to the folder `out`, which must be absent or empty.

    It appears only when it is complete; PDFs that lack are made first. Opens its own scopes. Raises BillingError,
    `FolderRefused` and, for a period that is none, `CalendarError`.
    """
    first = parse_period(period)
    with scope(cluster.pk):
        if first not in months_with_accounts(cluster.pk):
            raise BillingError(f"{cluster.slug} has no documents and no postings of {period}: close the month first.")
        batches = batches_to_make(cluster.pk)
    for batch in batches:
        make_papers(cluster, batch, timezone.now())
    with scope(cluster.pk):
        left = lacking_papers(cluster.pk, first)
        if left:
            raise BillingError(f"{left} bills of {period} can't be made into a PDF; the log says why.")
        with complete_folder(out) as folder:
            write_accounts(account_sources(cluster.pk, first), folder)
            with (folder / PAPERS).open("wb") as stream:
                stream.writelines(zip_of_papers(cluster.pk, bills_of_month(cluster.pk, first)))
