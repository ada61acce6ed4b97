"""Page of the coordinator's admin: the accountant's files of a month."""

from tempfile import TemporaryFile

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing.account_export import account_sources, months_with_accounts
from billing.formats.account_package import FILES, WORKBOOK, write_account_file
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
}


@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    """The months, and of `?month=` the files."""
    cluster = cluster_of(request)
    months = months_with_accounts(cluster.pk)
    month = asked_month(request.GET.get("month"))
    return TemplateResponse(
        request,
        "admin/exports.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Exports"),
            "months": months,
            "month": month if month in months else months[0] if months else None,
            "files": [(name, WORDS[name]) for name in FILES],
            "may_export": may(request.access, "export_cluster"),  # type: ignore[attr-defined]
        },
    )


@require_safe
def export_file(request: HttpRequest, period: str, name: str) -> FileResponse:
    """One file, made anew; it goes over the disk, so that memory stays flat."""
    cluster = cluster_of(request)
    if not may(request.access, "export_cluster"):  # type: ignore[attr-defined]
        raise PermissionDenied
    month = asked_month(period)
    if month not in months_with_accounts(cluster.pk) or name not in FILES or month is None:
        raise Http404
    stream = TemporaryFile()
    write_account_file(account_sources(cluster.pk, month), name, stream)
    stream.seek(0)
    return FileResponse(stream, as_attachment=True, filename=f"{cluster.slug}-{period}-{name}")
