"""An explanation of a finding."""

from django import forms
from django.utils.translation import gettext_lazy as _


class ReasonForm(forms.Form):
    """Why the readings are right all the same."""

    reason = forms.CharField(label=_("Explanation"), max_length=500, widget=forms.Textarea({"rows": 4}))

    def clean_reason(self) -> str:
        return " ".join(str(self.cleaned_data["reason"]).split())
