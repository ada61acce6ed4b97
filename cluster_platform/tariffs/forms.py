"""What is asked of a tariff book: its files, its name and first day; before publication a word on why."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from contracts.dataset.book_upload import SentFile

MOST_FILES = 3
MOST_BYTES = 5 * 2**20
MOST_MB = MOST_BYTES >> 20


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One to three files; an empty one is told by its reader."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[SentFile]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if len(files) > MOST_FILES:
            raise forms.ValidationError(
                _("These are %(n)s files; a book has at most %(most)s.") % {"n": len(files), "most": MOST_FILES}
            )
        for file in files:
            if file.size > MOST_BYTES:
                raise forms.ValidationError(
                    _("%(name)s is larger than %(n)s MB; a tariff book is smaller.") % {"name": file.name, "n": MOST_MB}
                )
        for file in files or [None]:
            super().clean(file, initial)
        return [SentFile(file.name, file.read()) for file in files]


class UploadForm(forms.Form):
    """A new book as CSV files or one workbook."""

    book = FilesField(
        label=_("Files of the book"), allow_empty_file=True,
        widget=FilesInput({"accept": ".csv,.xlsx", "multiple": True}),
        help_text=_("One workbook (.xlsx) with the sheets tariff, zones and discounts, or a .csv for each."),
    )  # fmt: skip
    name = forms.CharField(
        label=_("Name"), max_length=100, required=False, help_text=_("If left out, the year of its first day."),
    )  # fmt: skip
    valid_from = forms.DateField(
        label=_("First day"), required=False, widget=forms.DateInput({"type": "date"}),
        help_text=_("From this local midnight on the book replaces the one before; else the first day in its rates."),
    )  # fmt: skip


class PublishForm(forms.Form):
    """That what was seen is to hold: its questions confirmed, and why where days that have begun are concerned."""

    seen = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Reason of the correction"), max_length=500, required=False,
        help_text=_("Days that have begun are charged otherwise than they were; clusters read here why."),
    )  # fmt: skip
    confirmed = forms.BooleanField(label=_("I have checked the points above: they are meant so."), required=False)

    def __init__(self, *args: Any, asks_reason: bool, asks: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asks_reason:
            self.fields["reason"].required = True
        else:
            del self.fields["reason"]
        if asks:
            self.fields["confirmed"].required = True
        else:
            del self.fields["confirmed"]


class KeyForm(forms.Form):
    """What a new key is called."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("The machine or program that will use it."))
