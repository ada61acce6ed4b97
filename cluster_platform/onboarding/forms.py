"""The forms of an application. What is written must be right; what is missing is asked for before sending in."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from contracts.selectors.book import tariff_groups
from participants.domain import identifiers
from participants.domain.documents import MOST_BYTES
from participants.kinds import Kind, LegalForm
from participants.models import Application, ApplicationPoint, Cluster


def group_choices(cluster: Cluster) -> list[tuple[str, Any]]:
    return [("", _("choose")), *((group, group) for group in tariff_groups(cluster.dso))]


def checked(number: str, is_right: Callable[[str], bool], problem: Any) -> str:
    """The number without spaces and dashes; a ValidationError with `problem` if it is written but wrong."""
    found = identifiers.compact(number)
    if found and not is_right(found):
        raise forms.ValidationError(problem)
    return found


class KilowattField(forms.DecimalField):
    """A number with a comma or a point, whatever the language of the page and of the browser.

    A number input of the browser would drop the sign that it does not expect: 9,5 would become 95.
    """

    widget = forms.TextInput

    def to_python(self, value: Any) -> Any:
        text = "".join(str(value or "").split()).replace(",", ".")
        return super().to_python(text)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "inputmode": "decimal"}


class PartForm(forms.ModelForm):
    """A page of the form: nothing is required yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required = False


class WhoForm(PartForm):
    """Who applies."""

    class Meta:
        model = Application
        fields = ("legal_form", "kind", "name", "email", "nip", "regon", "vat_payer")
        labels = {
            "legal_form": _("You are"),
            "kind": _("You want to join as"),
            "name": _("Full name or company name"),
            "nip": _("Tax number (NIP)"),
            "regon": _("Register number (REGON)"),
            "vat_payer": _("I am registered for VAT"),
        }
        help_texts = {
            "kind": _("A consumer only uses energy, a prosumer uses and feeds in, a producer mainly feeds in."),
            "nip": _("Companies, public bodies and whoever is registered for VAT: 10 digits."),
            "regon": _("Companies and public bodies only, if you have one: 9 or 14 digits."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["legal_form"].choices = [("", _("choose")), *LegalForm.choices]  # type: ignore[attr-defined]
        self.fields["kind"].choices = [("", _("choose")), *Kind.choices]  # type: ignore[attr-defined]
        self.fields["nip"] = forms.CharField(
            max_length=20, required=False, label=self.fields["nip"].label, help_text=self.fields["nip"].help_text
        )
        self.fields["regon"] = forms.CharField(
            max_length=20, required=False, label=self.fields["regon"].label, help_text=self.fields["regon"].help_text
        )

    def clean_nip(self) -> str:
        number = self.cleaned_data["nip"].upper().removeprefix("PL")
        return checked(number, identifiers.is_nip, _("This is no tax number: its check digit is wrong."))

    def clean_regon(self) -> str:
        problem = _("This is no register number: its check digit is wrong.")
        return checked(self.cleaned_data["regon"], identifiers.is_regon, problem)


class AddressForm(PartForm):
    """Where the applicant lives, and the account that money goes to."""

    iban = forms.CharField(
        label=_("Bank account (IBAN)"),
        max_length=42,
        help_text=_("What you sell is paid to this account. Polish accounts: PL and 26 digits."),
    )

    class Meta:
        model = Application
        fields = ("street", "postcode", "city", "iban")
        labels = {"street": _("Street and number")}

    def clean_postcode(self) -> str:
        code = self.cleaned_data["postcode"].strip()
        if code and not identifiers.is_postcode(code, self.instance.country):
            raise forms.ValidationError(_("A postcode looks like this: 00-001."))
        return str(code)

    def clean_iban(self) -> str:
        text = identifiers.compact(self.cleaned_data["iban"])
        number = f"PL{text}" if len(text) == 26 and text.isdigit() else text
        return checked(number, identifiers.is_iban, _("This is no account number: its check digits are wrong."))


class PointForm(forms.ModelForm):
    """One metering point, whole: half of one can't be checked."""

    code = forms.CharField(
        label=_("Code of the metering point (PPE)"),
        max_length=30,
        help_text=_("18 digits; it stands on your electricity bill."),
    )
    contracted_power_kw = KilowattField(label=_("Contracted power (kW)"), max_digits=10, decimal_places=3)
    generation_capacity_kw = KilowattField(
        label=_("Generation capacity (kW)"), max_digits=10, decimal_places=3, initial=0,
        help_text=_("0 if you generate nothing here."),
    )  # fmt: skip
    phases = forms.TypedChoiceField(label=_("Phases"), choices=[(1, "1"), (3, "3")], coerce=int)

    class Meta:
        model = ApplicationPoint
        fields = (
            "code", "tariff_group", "contracted_power_kw", "phases", "yearly_use_kwh", "generation_source",
            "generation_capacity_kw",
        )  # fmt: skip
        labels = {
            "tariff_group": _("Tariff group"),
            "yearly_use_kwh": _("Yearly use (kWh)"),
            "generation_source": _("You generate from"),
        }
        help_texts = {
            "tariff_group": _("For example G11; it stands on your electricity bill."),
        }

    def __init__(self, *args: Any, application: Application, cluster: Cluster, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.application, self.instance.cluster = application, cluster
        self.fields["tariff_group"] = forms.ChoiceField(
            choices=group_choices(cluster), label=self.fields["tariff_group"].label,
            help_text=self.fields["tariff_group"].help_text,
        )  # fmt: skip
        self.fields["generation_source"].choices = [  # type: ignore[attr-defined]
            ("", _("nothing")), *ApplicationPoint.Source.choices,
        ]  # fmt: skip
        self.fields["yearly_use_kwh"].min_value = 0  # type: ignore[attr-defined]
        self.fields["yearly_use_kwh"].widget.attrs["min"] = 0

    def clean_code(self) -> str:
        problem = _("This is no metering point's code: 18 digits, of which the last is a check digit.")
        code = checked(self.cleaned_data["code"], identifiers.is_ppe, problem)
        others = ApplicationPoint.objects.filter(application=self.instance.application, code=code)
        if others.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This metering point is in the application already."))
        return code

    def clean_contracted_power_kw(self) -> Any:
        power = self.cleaned_data["contracted_power_kw"]
        if power is not None and power <= 0:
            raise forms.ValidationError(_("More than 0, as in your agreement with the distributor."))
        return power

    def clean_generation_capacity_kw(self) -> Any:
        capacity = self.cleaned_data["generation_capacity_kw"]
        if capacity is not None and capacity < 0:
            raise forms.ValidationError(_("Not less than 0."))
        return capacity

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "generation_capacity_kw" in cleaned and bool(cleaned.get("generation_source")) != bool(
            cleaned["generation_capacity_kw"]
        ):
            self.add_error(
                "generation_capacity_kw", _("Give both what you generate from and the capacity, or neither.")
            )
        return cleaned


class DocumentForm(forms.Form):
    """A file; what it really is, is looked at when it is stored."""

    file = forms.FileField(
        label=_("File"),
        max_length=200,
        help_text=_("PDF, PNG or JPEG, at most 5 MB: for example the agreement with your supplier, or a bill."),
        widget=forms.FileInput(
            attrs={
                "accept": ".pdf,.png,.jpg,.jpeg",
                "data-most-bytes": MOST_BYTES,
                "data-too-big": _("The file is larger than 5 MB."),
            }
        ),
    )


class TextForm(forms.Form):
    """A question, an answer or a reason."""

    text = forms.CharField(label=_("Text"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}))

    def __init__(self, *args: Any, label: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if label is not None:
            self.fields["text"].label = label


class ComplaintForm(forms.Form):
    """What a member complains about."""

    subject = forms.CharField(label=_("Subject"), max_length=200)
    text = forms.CharField(label=_("What is wrong?"), max_length=8000, widget=forms.Textarea(attrs={"rows": 6}))
