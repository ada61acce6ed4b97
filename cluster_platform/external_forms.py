"""What is filled in about a settlement with the outside."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clearing.domain.supplier_file import ENERGY, TIME
from clearing.models import ExternalSettlement
from clearing.services.external import LARGEST_FILE, Invoice
from contracts.domain.money import is_vat_of

#: Endings of files whose quarter-hours are read; others are only kept.
READ = (".csv", ".xlsx", ".txt")


class InvoiceFace(forms.Form):
    """The figures on an invoice's face."""

    number = forms.CharField(label=_("Number of the invoice"), max_length=100)
    date = forms.DateField(label=_("Date"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    net_pln = forms.DecimalField(label=_("Net total (PLN)"), max_digits=14, decimal_places=2)
    vat_pln = forms.DecimalField(label=_("VAT (PLN)"), max_digits=14, decimal_places=2)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        net, vat = values.get("net_pln"), values.get("vat_pln")
        if net is not None and vat is not None and not is_vat_of(net, vat):
            self.add_error("vat_pln", _("The VAT has the sign of the net total and is never more than it."))
        return values

    def invoice(self) -> Invoice:
        clean = self.cleaned_data
        return Invoice(clean["number"], clean["date"], clean["net_pln"], clean["vat_pln"])


class InvoiceForm(InvoiceFace):
    """An external partner's invoice, and its file."""

    vat_pln = forms.DecimalField(
        label=_("VAT (PLN)"), max_digits=14, decimal_places=2,
        help_text=_("As the invoice charges it: 0 where the buyer owes the VAT itself."),
    )  # fmt: skip
    file = forms.FileField(
        label=_("File"), required=False,
        help_text=_("CSV or XLSX with quarter-hours is compared line by line; any other file, such as a PDF, is kept."),
    )  # fmt: skip

    @classmethod
    def of(cls, settlement: ExternalSettlement) -> "InvoiceForm":
        """Filled with what is noted already."""
        return cls(
            initial={
                "number": settlement.invoice_number,
                "date": settlement.invoice_date,
                "net_pln": settlement.invoice_net_pln,
                "vat_pln": settlement.invoice_vat_pln,
            }
        )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > LARGEST_FILE:
            raise ValidationError(_("The file is larger than %(n)s MB.") % {"n": LARGEST_FILE >> 20})
        return file

    def content(self) -> tuple[str, bytes] | None:
        """The file's name and bytes."""
        file = self.cleaned_data["file"]
        return (file.name, file.read()) if file else None

    def with_lines(self) -> bool:
        """Whether its quarter-hours are to be read."""
        file = self.cleaned_data["file"]
        return bool(file) and file.name.casefold().endswith(READ)

    @staticmethod
    def columns() -> str:
        """What the columns of a file may be called, the first name of each kind."""
        return f"{next(iter(TIME))}, {next(name for name in ENERGY if name == 'kwh')}, price_pln_mwh, amount_pln"
