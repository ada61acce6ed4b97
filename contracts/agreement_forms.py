"""What the coordinator fills in for an agreement."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from contracts.agreement_models import Language
from contracts.domain.agreement_text import unknown_variables
from contracts.models import AgreementTemplate, ClusterSettings, ExternalPartner
from contracts.services.agreement_papers import NOTICE_DAYS
from participants.domain.identifiers import is_iban, is_nip
from participants.models import Cluster, Participant
from participants.tenancy.admin import TenantForm


class Day(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def format_value(self, value: Any) -> str:
        return value.isoformat() if isinstance(value, date) else value or ""


class OfferForm(forms.Form):
    """With whom, from when, in which language; the distributor where neither a participant nor a partner is chosen."""

    participant = forms.ModelChoiceField(Participant.objects.none(), label=_("Participant"), required=False)
    partner = forms.ModelChoiceField(ExternalPartner.objects.none(), label=_("External partner"), required=False)
    dso_settlement = forms.ChoiceField(
        label=_("Distributor; grid fees are settled"),
        choices=[("", _("no agreement with the distributor")), *ClusterSettings.DsoSettlement.choices],
        required=False,
    )
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    start_day = forms.DateField(label=_("In force from"), widget=Day)

    def __init__(self, *args: Any, cluster: Cluster, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["participant"].queryset = Participant.objects.filter(cluster=cluster)  # type: ignore[attr-defined]
        self.fields["partner"].queryset = ExternalPartner.objects.filter(cluster=cluster)  # type: ignore[attr-defined]
        self.today = today

    def clean_start_day(self) -> date:
        day: date = self.cleaned_data["start_day"]
        if day <= self.today:
            raise ValidationError(_("The first day can be tomorrow: what has been settled stays."))
        return day

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if sum(bool(values.get(name)) for name in ("participant", "partner", "dso_settlement")) != 1:
            raise ValidationError(_("Choose one: a participant, an external partner or the distributor."))
        return values


class AmendForm(forms.Form):
    """From when the new version holds."""

    start_day = forms.DateField(label=_("In force from"), widget=Day)
    dso_settlement = forms.ChoiceField(
        label=_("Grid fees are settled"), choices=ClusterSettings.DsoSettlement.choices, required=False
    )


class ActForm(forms.Form):
    """With effect from which day, and why."""

    day = forms.DateField(required=False)
    reason = forms.CharField(max_length=400, required=False, strip=True)
    agreed = forms.BooleanField(required=False)


class PartnerForm(TenantForm):
    """Somebody outside, whose tax number goes on agreements and documents."""

    def clean_nip(self) -> str:
        number: str = self.cleaned_data["nip"]
        if not is_nip(number):
            raise ValidationError(_("This is no tax number: its check digit is wrong."))
        return number

    def clean_iban(self) -> str:
        number = "".join(self.cleaned_data["iban"].split()).upper()
        if number and not is_iban(number):
            raise ValidationError(_("This is no account number: its check digits are wrong."))
        return number


class TemplateForm(TenantForm):
    """A new version of a text."""

    class Meta:
        model = AgreementTemplate
        fields = ("kind", "language", "notice_days", "body")
        widgets = {"body": forms.Textarea(attrs={"rows": 30, "cols": 100})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "notice_days" in self.fields:
            self.fields["notice_days"].initial = NOTICE_DAYS

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        unknown = unknown_variables(values.get("body", ""), values["kind"]) if "kind" in values else []
        if unknown:
            names = ", ".join(unknown)
            raise ValidationError({"body": _("The text has unknown variables: %(names)s") % {"names": names}})
        return values
