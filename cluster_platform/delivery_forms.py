"""What is asked about a file of readings: the file, what it does not say itself, what its columns mean."""

from dataclasses import fields
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cluster_platform.fault_words import finding_in_words
from metering.formats.columns import Columns, ColumnsRefused, columns_of
from metering.formats.registry import FORMATS
from metering.models import ColumnMapping, Delivery, MeteringPoint
from metering.services.deliveries import Told
from participants.models import Cluster
from participants.tenancy.admin import TenantForm

#: Codes offered while typing; more would make the page heavy.
OFFERED_POINTS = 500


class UploadForm(forms.Form):
    """A file, and for whose cluster, where the sender has several."""

    file = forms.FileField(label=_("File of readings"), allow_empty_file=True)

    def __init__(self, *args: Any, clusters: list[Cluster] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clusters = {cluster.slug: cluster for cluster in clusters or []}
        if len(self.clusters) > 1:
            choices = [(slug, cluster.name) for slug, cluster in self.clusters.items()]
            self.fields["cluster"] = forms.ChoiceField(label=_("Cluster"), choices=choices)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > settings.FILES_MAX_MB << 20:
            raise forms.ValidationError(
                _("The file is larger than %(n)s MB; send it in parts.") % {"n": settings.FILES_MAX_MB}
            )
        return file

    def cluster(self) -> Cluster:
        """The chosen one, or the only one."""
        return self.clusters[self.cleaned_data.get("cluster") or next(iter(self.clusters))]


class TellForm(forms.Form):
    """How a file is to be read."""

    point = forms.RegexField(
        r"^\d{18}$", label=_("Metering point"), required=False,
        help_text=_("18 digits; for files that name none"), error_messages={"invalid": _("A code has 18 digits.")},
        widget=forms.TextInput({"list": "points", "inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    direction = forms.ChoiceField(
        label=_("The file holds"), required=False, choices=[("import", _("import")), ("export", _("export"))],
        help_text=_("for Energa files, which do not say it"),
    )  # fmt: skip
    mapping = forms.ModelChoiceField(
        ColumnMapping.objects.none(), label=_("Column mapping"), required=False, help_text=_("for spreadsheets"),
        empty_label=_("none"),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, delivery: Delivery) -> None:
        initial = {"point": delivery.point, "direction": delivery.direction, "mapping": delivery.mapping_id}
        super().__init__(data, initial=initial)
        self.delivery = delivery
        mapping: Any = self.fields["mapping"]
        mapping.queryset = ColumnMapping.objects.filter(cluster=delivery.cluster_id)
        if delivery.format != "xlsx":
            del self.fields["mapping"]
            if delivery.format and FORMATS[delivery.format].names_point:
                del self.fields["point"]
        if delivery.format != "energa":
            del self.fields["direction"]

    def offered_points(self) -> list[str]:
        """Codes of the points that the sender may write."""
        rows = MeteringPoint.objects.filter(cluster=self.delivery.cluster_id)
        if self.delivery.points is not None:
            rows = rows.filter(pk__in=self.delivery.points)
        return list(rows.order_by("code").values_list("code", flat=True)[:OFFERED_POINTS])

    def clean_point(self) -> str:
        code: str = self.cleaned_data["point"]
        if code and not MeteringPoint.objects.filter(cluster=self.delivery.cluster_id, code=code).exists():
            raise forms.ValidationError(_("There is no such metering point in the cluster."))
        return code

    def told(self) -> Told:
        """What was filled in."""
        clean = self.cleaned_data
        return Told(
            self.delivery.format, clean.get("point") or "", clean.get("direction") or "import", clean.get("mapping")
        )


_TEXTS = {
    "time": _("Column of the time"),
    "label": _("The time is the"),
    "clock": _("Clock"),
    "minutes": _("Minutes of an interval"),
    "imported": _("Column of the import"),
    "exported": _("Column of the export"),
    "energy": _("or: one column of energy"),
    "direction": _("with the direction in column"),
    "import_word": _("where import is called"),
    "export_word": _("and export"),
    "unit": _("Unit"),
    "point": _("Column of the metering point"),
    "quality": _("Column of the quality"),
    "sheet": _("Sheet"),
    "header_line": _("Line of the headings"),
}
_CHOICES: dict[str, list[tuple[Any, Any]]] = {
    "label": [("start", _("start of the interval")), ("end", _("end of the interval"))],
    "clock": [("local", _("local time")), ("UTC", _("UTC"))],
    "minutes": [(15, 15), (60, 60)],
    "unit": [("kWh", "kWh"), ("Wh", "Wh")],
}
_HELP = {
    "time": _("its heading, or its letter"),
    "exported": _("empty: the file has none"),
    "point": _("empty: the file names none"),
    "sheet": _("empty: the first one"),
    "quality": _("empty: everything is measured"),
}


class MappingForm(TenantForm):
    """Where things stand in a source's spreadsheets, under a name for the next time."""

    ALL = ("name", *_TEXTS)

    class Meta:
        model = ColumnMapping
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = self.instance.columns or {}
        defaults = {field.name: "" if field.name == "time" else field.default for field in fields(Columns)}
        for name, text in _TEXTS.items():
            initial = known.get(name, defaults[name])
            self.fields[name] = self._field(name, text, initial)

    @staticmethod
    def _field(name: str, text: Any, initial: Any) -> forms.Field:
        more: dict[str, Any] = {"label": text, "initial": initial, "help_text": _HELP.get(name, "")}
        if name == "minutes":
            return forms.TypedChoiceField(choices=_CHOICES[name], coerce=int, **more)
        if name in _CHOICES:
            return forms.ChoiceField(choices=_CHOICES[name], **more)
        if name == "header_line":
            return forms.IntegerField(min_value=1, max_value=1000, **more)
        return forms.CharField(required=name == "time", max_length=100, **more)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        plain = {name: values[name] for name in _TEXTS if values.get(name) not in (None, "")}
        if not self.errors:
            try:
                columns_of(plain)
            except ColumnsRefused as refused:
                self.add_error(refused.name, finding_in_words(refused.text))
        self.instance.columns = plain
        return values


def need_in_words(need: str) -> str:
    """What is still to be said of a file."""
    if need == "columns":
        return gettext("What do its columns mean?")
    return gettext("Which metering point is it of?")
