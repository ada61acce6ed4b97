"""Bank statements in the coordinator's admin: uploaded, looked at, stored."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from billing import numbers
from billing.domain.errors import BillingError
from billing.formats.bank_registry import FORMATS
from billing.models import BankFile
from billing.services.bank_files import (
    LARGEST_BYTES,
    Preview,
    cancel_bank_file,
    preview_of,
    receive_bank_file,
    store_bank_file,
)
from billing.services.payments import match_payments
from cluster_platform.fault_words import finding_in_words
from participants.tenancy.admin import TenantAdmin

SHOWN = 200


class BankFileForm(forms.Form):
    file = forms.FileField(label=_("Bank file"), allow_empty_file=True)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_BYTES:
            limit = {"n": LARGEST_BYTES >> 20}
            raise forms.ValidationError(_("The file is larger than %(n)s MB; send it in parts.") % limit)
        return file


@admin.register(BankFile)
class BankFileAdmin(TenantAdmin):
    """All bank files of the cluster."""

    change_action = "book_payments"
    list_display = ("name", "received_at", "user", "format", "state", "bookings", "new", "faulty")
    list_filter = ("state", ("received_at", admin.DateFieldListFilter))
    search_fields = ("name", "sha256")
    list_select_related = ("user",)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Upload a file."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = BankFileForm(*sent)
        if request.method == "POST" and form.is_valid():
            file, now = form.cleaned_data["file"], timezone.now()
            cluster: Any = request.cluster  # type: ignore[attr-defined]
            kept = receive_bank_file(cluster, file.name, file.read(), int(request.user.pk or 0), now)
            return redirect("admin:billing_bankfile_change", kept.pk)
        context = self._context(request, gettext("Upload a bank file")) | {"form": form}
        return TemplateResponse(request, "admin/bank_file_upload.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """What is in a file, and the buttons."""
        file: BankFile | None = self.get_object(request, object_id)
        if file is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        may_decide = self.has_change_permission(request, file)
        if not self.has_view_permission(request, file) or (request.method == "POST" and not may_decide):
            raise PermissionDenied
        if request.method == "POST":
            _decide(request, file)
            return redirect("admin:billing_bankfile_change", file.pk)
        waiting = file.state == BankFile.State.PREVIEWED
        preview = preview_of(file.cluster, bytes(file.content)) if waiting else Preview(file.format, (), ())
        context = self._context(request, file.name) | {
            "file": file,
            "may_decide": may_decide and waiting,
            "answer": _answer(file, len(preview.new)),
            "format": next((each.title for each in FORMATS if each.name == file.format), ""),
            "preview": preview,
            "lines": preview.lines[:SHOWN],
            "more_lines": max(0, len(preview.lines) - SHOWN),
            "faults": [(fault, finding_in_words(fault.text)) for fault in preview.faults[:SHOWN]],
            "more_faults": max(0, len(preview.faults) - SHOWN),
            "transactions": file.transactions.order_by("pk")[:SHOWN],
        }
        return TemplateResponse(request, "admin/bank_file.html", context)

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "subtitle": None, "opts": self.opts}


def _decide(request: HttpRequest, file: BankFile) -> None:
    if "store" in request.POST:
        try:
            count = len(store_bank_file(file))
            report = match_payments(file.cluster, timezone.now())
        except BillingError as error:
            messages.error(request, str(error))
            return
        text = ngettext("%(n)s booking is stored.", "%(n)s bookings are stored.", count)
        messages.success(request, text % {"n": numbers.number(count)})
        if report.waiting:
            text = ngettext("%(n)s transfer waits for you", "%(n)s transfers wait for you", report.waiting)
            address = reverse("admin:payments")
            link = format_html('<a href="{}">{}</a>', address, text % {"n": numbers.number(report.waiting)})
            messages.warning(request, link)
    elif "cancel" in request.POST and not cancel_bank_file(file):
        messages.warning(request, gettext("That was not possible any more: the file has moved on."))


def _answer(file: BankFile, new: int) -> str:
    """What the page is about, in one sentence."""
    if file.state == BankFile.State.PREVIEWED:
        if not new:
            return gettext("Nothing in it is new")
        return ngettext("%(n)s booking is new", "%(n)s bookings are new", new) % {"n": numbers.number(new)}
    if file.state == BankFile.State.STORED:
        text = ngettext("%(n)s booking was stored", "%(n)s bookings were stored", file.new)
        return text % {"n": numbers.number(file.new)}
    return gettext("It was cancelled; nothing of it was stored")
