"""Page of the coordinator's admin: the accountant's files of a month."""

from datetime import date
from tempfile import TemporaryFile

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing.account_export import (
    PAPERS,
    account_sources,
    bills_of_month,
    contents_of_month,
    lacking_papers,
    months_with_accounts,
)
from billing.domain.errors import BillingError
from billing.formats.account_package import FILES, WORKBOOK, write_account_file
from billing.papers.archive import zip_of_papers
from cluster_platform.fault_words import finding_in_words
from cluster_platform.payments.queue import cluster_of
from cluster_platform.portal.periods import asked_month
from participants.permissions import may

WORDS = {
    WORKBOOK: _("everything as one workbook"),
    "documents.csv": _("documents"),
    "lines.csv": _("lines of the documents"),
    "documents.json": _("documents with lines"),
    "vat_sales.csv": _("VAT register: sales issued in the month"),
    "vat_purchases.csv": _("VAT register: purchases by self-billing issued in the month"),
    "vat_totals.csv": _("VAT register: control sums"),
    "journal.csv": _("journal: entries and postings of the month"),
    PAPERS: _("bills as PDF, as they were sent"),
}


@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    """The months, and of `?month=` the files."""
    cluster = cluster_of(request)
    months = months_with_accounts(cluster.pk)
    month = asked_month(request.GET.get("month"))
    if month not in months:
        month = months[0] if months else None
    return TemplateResponse(
        request,
        "admin/exports.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Exports"),
            "months": months,
            "month": month,
            "files": [(name, WORDS[name]) for name in (*FILES, PAPERS)],
            "papers": PAPERS,
            "contents": contents_of_month(cluster.pk, month) if month else None,
            "lacking": lacking_papers(cluster.pk, month) if month else 0,
            "may_export": may(request.access, "export_cluster"),  # type: ignore[attr-defined]
        },
    )


@require_safe
def export_file(request: HttpRequest, period: str, name: str) -> HttpResponseBase:
    """One file, made anew; tables go over the disk and PDFs part by part, so that memory stays flat."""
    cluster = cluster_of(request)
    if not may(request.access, "export_cluster"):  # type: ignore[attr-defined]
        raise PermissionDenied
    month = asked_month(period)
    if month not in months_with_accounts(cluster.pk) or name not in WORDS or month is None:
        raise Http404
    filename = f"{cluster.slug}-{period}-{name}"
    if name == PAPERS:
        if lacking_papers(cluster.pk, month):
            messages.error(
                request, gettext("Not all bills are PDFs yet; *Deliveries of bills* says what they wait for.")
            )
            return _back(month)
        return StreamingHttpResponse(
            zip_of_papers(cluster.pk, bills_of_month(cluster.pk, month)),
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{filename}"'},
        )
    stream = TemporaryFile()
    try:
        write_account_file(account_sources(cluster.pk, month), name, stream)
    except BillingError as error:
        stream.close()
        messages.error(request, finding_in_words(str(error)))
        return _back(month)
    stream.seek(0)
    return FileResponse(stream, as_attachment=True, filename=filename)


def _back(month: date) -> HttpResponse:
    return redirect(f"{reverse('admin:exports')}?month={month:%Y-%m}")
