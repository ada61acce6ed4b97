"""Days are read as they are shown."""

import datetime as dt

import pytest
from django import forms
from django.utils import formats, translation

DAY = dt.date(2026, 12, 1)


@pytest.mark.parametrize("language", ["pl", "en"])
def test_a_day_typed_as_it_is_shown_is_that_day(language: str) -> None:
    with translation.override(language):
        shown = formats.date_format(DAY, "SHORT_DATE_FORMAT")
        assert forms.DateField().clean(shown) == DAY
        assert forms.DateField().clean("2026-12-01") == DAY
        noon = dt.datetime.combine(DAY, dt.time(12, 5))
        read = forms.DateTimeField().clean(formats.date_format(noon, "SHORT_DATETIME_FORMAT"))
        assert (read.date(), read.hour, read.minute) == (DAY, 12, 5)
