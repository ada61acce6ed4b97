"""Writes the accountant's files of a month (docs/format-accounts.md)."""

from datetime import date
from pathlib import Path
from zipfile import ZipFile

from django.conf import settings
from django.db.models import Q

from billing.domain.errors import BillingError
from billing.formats.account_package import AccountSources, write_accounts
from billing.models import Bill, Document, JournalEntry
from billing.papers.pdf import pdf_of_bill
from billing.selectors.bills import bill_content, document_content
from billing.selectors.einvoices import numbers_of
from billing.selectors.ledger import journal
from contracts.dataset.output import complete_folder
from metering.domain.calendar import next_month, parse_period
from participants.models import Cluster
from participants.tenancy.scope import scope

PDFS = "documents.zip"


def account_sources(cluster_id: int, first: date) -> AccountSources:
    """Everything of the month that begins with `first`; read when it is written, in the scope of then.

    The distributor's own bills are none of the coordinator's books. What is about no month (interest) belongs to the
    month of its issue.
    """
    end = next_month(first)
    issued_then = Q(issued_on__gte=first, issued_on__lt=end)
    bills = Bill.objects.filter(cluster=cluster_id, dso=None).filter(Q(period=first) | Q(period=None) & issued_then)
    documents = Document.objects.filter(issued_then, cluster=cluster_id, bill__dso=None)
    return AccountSources(
        bills=lambda: bill_content(bills.order_by("pk")),
        issued=lambda: document_content(documents.order_by("pk")),
        journal=lambda: journal(cluster_id, first, end),
        ksef=lambda: numbers_of(documents),
    )


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

    It appears only when it is complete. Raises BillingError, `FolderRefused` and, for a period that is none,
    `CalendarError`.
    """
    first = parse_period(period)
    with scope(cluster.pk):
        if first not in months_with_accounts(cluster.pk):
            raise BillingError(f"{cluster.slug} has no documents and no postings of {period}: close the month first.")
        with complete_folder(out) as folder:
            sources = account_sources(cluster.pk, first)
            write_accounts(sources, folder)
            with ZipFile(folder / PDFS, "w") as archive:
                for bill in sources.bills():
                    name = f"{bill.reference.replace('/', '-')}.pdf"
                    archive.writestr(name, pdf_of_bill(bill, settings.LANGUAGE_CODE))
