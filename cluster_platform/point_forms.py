"""What the coordinator fills in for a change of a metering point from a day on."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from contracts.selectors.book import tariff_groups
from metering.models import GridNode, MeteringPoint, PointAssignment
from participants.models import Participant

STAYS = _("stays as it is")
#: The terms of a point that are filled in here, as they are called in `metering.domain.life.Terms`.
TERMS = (
    "grid_node", "tariff_group", "contracted_power_kw", "generation_capacity_kw", "generation_source",
    "phases", "yearly_use_kwh", "capacity_factor",
)  # fmt: skip


class DayForm(forms.Form):
    """The first local day on which it is so."""

    day = forms.DateField(label=_("From local midnight of"), widget=forms.DateInput({"type": "date"}))

    def __init__(self, *args: Any, point: MeteringPoint, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.point = point


class TermsForm(DayForm):
    """Other terms; what is left empty stays."""

    grid_node = forms.ModelChoiceField(GridNode.objects.none(), label=_("Grid node"), required=False, empty_label=STAYS)
    tariff_group = forms.ChoiceField(label=_("Tariff group"), required=False)
    contracted_power_kw = forms.DecimalField(
        label=_("Contracted power (kW)"), required=False, min_value=Decimal(0), max_digits=10, decimal_places=3
    )
    generation_capacity_kw = forms.DecimalField(
        label=_("Generation capacity (kW)"), required=False, min_value=Decimal(0), max_digits=10, decimal_places=3,
        help_text=_("0 for who generates nothing: from the first kilowatt a consumer is a prosumer."),
    )  # fmt: skip
    generation_source = forms.ChoiceField(
        label=_("Generation from"), required=False, choices=[("", STAYS), *PointAssignment.Source.choices]
    )
    phases = forms.TypedChoiceField(
        label=_("Phases"), required=False, coerce=int, empty_value=None, choices=[("", STAYS), (1, "1"), (3, "3")]
    )
    yearly_use_kwh = forms.IntegerField(label=_("Yearly use (kWh)"), required=False, min_value=0)
    capacity_factor = forms.DecimalField(
        label=_("Capacity factor"), required=False, min_value=Decimal(0), max_digits=7, decimal_places=6
    )

    def __init__(self, *args: Any, point: MeteringPoint, **kwargs: Any) -> None:
        super().__init__(*args, point=point, **kwargs)
        groups = tariff_groups(point.cluster.dso)
        used = PointAssignment.objects.filter(metering_point=point).values_list("tariff_group", flat=True)
        choices = [("", STAYS), *((group, group) for group in sorted({*groups, *used}))]
        self.fields["tariff_group"].choices = choices  # type: ignore[attr-defined]
        self.fields["grid_node"].queryset = GridNode.objects.filter(cluster=point.cluster_id)  # type: ignore[attr-defined]

    @property
    def terms(self) -> dict[str, Any]:
        """What was filled in, a node by its id."""
        values = {name: self.cleaned_data[name] for name in TERMS if self.cleaned_data[name] not in (None, "")}
        return values | ({"grid_node": values["grid_node"].pk} if "grid_node" in values else {})


class ChangeForm(TermsForm):
    """The owner stays."""

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not self.terms:
            raise ValidationError(_("Fill in what changes."))
        return values


class LeaveForm(DayForm):
    """Why a participant leaves, and whether what was agreed with them ends."""

    reason = forms.CharField(label=_("Reason"), max_length=300, required=False)
    end_agreement = forms.BooleanField(
        label=_("Without any other metering point, the agreement of who leaves ends too"), required=False, initial=True
    )


class MoveInForm(TermsForm, LeaveForm):
    """A new owner; who has the point on that day leaves it."""

    participant = forms.ModelChoiceField(
        Participant.objects.none(), label=_("Who moves in"),
        widget=AutocompleteSelect(PointAssignment._meta.get_field("participant"), admin.site),
    )  # fmt: skip
    until = forms.DateField(
        label=_("Until (first day without; empty: open)"), widget=forms.DateInput({"type": "date"}), required=False
    )
    field_order = ("day", "participant", "until", *TERMS, "reason", "end_agreement")

    def __init__(self, *args: Any, point: MeteringPoint, **kwargs: Any) -> None:
        super().__init__(*args, point=point, **kwargs)
        self.fields["participant"].queryset = Participant.objects.filter(cluster=point.cluster_id)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("until") and values.get("day") and values["until"] <= values["day"]:
            raise ValidationError(_("The end lies after the first day."))
        return values


class MeterForm(DayForm):
    """The device that measures from that day on."""

    serial = forms.RegexField(r"^\S+$", label=_("Serial number"), max_length=40)


FORMS: dict[str, tuple[type[DayForm], Any]] = {
    "terms": (ChangeForm, _("Tariff group, node, power")),
    "move_in": (MoveInForm, _("Somebody moves in")),
    "move_out": (LeaveForm, _("Somebody moves out")),
    "meter": (MeterForm, _("New meter")),
}
