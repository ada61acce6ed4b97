"""What the coordinator fills in to put readings in by hand."""

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.utils.translation import gettext_lazy as _

from metering.domain.calendar import CalendarError, is_aligned
from metering.domain.estimation import Energy
from metering.domain.readings import MAX_WH
from metering.models import MeteringPoint, Substitution

_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::00)?(Z?)", re.ASCII)
_NUMBERS = re.compile(r"(\d{1,10})[\s;,]+(\d{1,10})", re.ASCII)


class InstantField(forms.CharField):
    """A quarter-hour of the cluster's clock; in the hour that a day has twice it has to be given in UTC."""

    zone: ZoneInfo

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        match = _LOCAL.fullmatch(text)
        try:
            moment = dt.datetime.fromisoformat(f"{match[1]}T{match[2]}") if match else None
        except ValueError:
            moment = None
        if match is None or moment is None:
            raise forms.ValidationError(_("Give day and time as in 2026-06-16 14:30."))
        if match[3]:
            instant = moment.replace(tzinfo=dt.UTC)
        else:
            first, second = (moment.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
            if first.utcoffset() != second.utcoffset():
                raise forms.ValidationError(_("The clocks change then: give the time in UTC, as in 2026-10-25T00:30Z."))
            instant = first.astimezone(dt.UTC)
        try:
            aligned = is_aligned(instant)
        except CalendarError:
            aligned = False
        if not aligned:
            raise forms.ValidationError(_("Quarter-hours begin at :00, :15, :30 and :45."))
        return instant


class SubstitutionForm(forms.Form):
    """One metering point, from when to when, the values or that they be estimated, and why."""

    metering_point = forms.ModelChoiceField(MeteringPoint.objects.none(), label=_("Metering point"))
    starts = InstantField(label=_("From"), help_text=_("On the cluster's clock, as in 2026-06-16 14:30"))
    ends = InstantField(label=_("To (exclusive)"), help_text=_("The end of the last quarter-hour"))
    how = forms.ChoiceField(
        label=_("Readings"), widget=forms.RadioSelect, initial=Substitution.How.ESTIMATED,
        choices=[
            (Substitution.How.ESTIMATED, _("estimate them as if the meter had sent nothing")),
            (Substitution.How.VALUES, _("these values")),
        ],
    )  # fmt: skip
    values = forms.CharField(
        label=_("Values"), required=False, max_length=100_000, widget=forms.Textarea({"rows": 6, "cols": 30}),
        help_text=_("A line for each quarter-hour: imported and exported watt-hours, as in 120;0"),
    )  # fmt: skip
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea({"rows": 3, "cols": 60}))

    def __init__(self, *args: Any, zone: ZoneInfo, now: dt.datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        field: Any = self.fields["metering_point"]
        field.queryset = MeteringPoint.objects.select_related("cluster")
        relation: Any = Substitution._meta.get_field("metering_point")
        field.widget = AutocompleteSelect(relation, admin.site)
        field.widget.choices = field.choices
        for name in ("starts", "ends"):
            self.fields[name].zone = zone  # type: ignore[attr-defined]

    def clean_reason(self) -> str:
        return " ".join(str(self.cleaned_data["reason"]).split())

    def clean_values(self) -> list[Energy]:
        found = []
        for number, line in enumerate(self.cleaned_data["values"].strip().splitlines(), start=1):
            match = _NUMBERS.fullmatch(line.strip())
            energy = Energy(int(match[1]), int(match[2])) if match else None
            if energy is None or max(energy) > MAX_WH:
                raise forms.ValidationError(
                    _("Line %(n)s: two whole numbers of watt-hours are needed, as in 120;0."), params={"n": number}
                )
            found.append(energy)
        return found

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        starts, ends = values.get("starts"), values.get("ends")
        if starts and ends and ends <= starts:
            self.add_error("ends", _("The end must lie after the beginning."))
        elif ends and ends > self.now:
            self.add_error("ends", _("These quarter-hours are not over yet."))
        return values

    def planned_values(self) -> list[Energy] | None:
        """The values, or None where they are to be estimated."""
        return self.cleaned_data["values"] if self.cleaned_data["how"] == Substitution.How.VALUES else None
