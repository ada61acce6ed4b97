"""What the readers find is told in the user's language, and the files' gaps depend on the points' generation."""

import re

import pytest
from django.utils import translation

from cluster_platform.fault_words import finding_in_words
from metering.formats import words
from metering.formats.columns import ColumnsRefused, columns_of


@pytest.mark.parametrize("text", words.FINDINGS)
def test_every_finding_is_told_in_polish(text: str) -> None:
    names = re.findall(r"%\((\w+)\)s", text)
    filled = text % {name: f"<{name}>" for name in names} if names else text
    with translation.override("pl"):
        told = finding_in_words(filled)
    assert told != filled and "%(" not in told
    assert all(f"<{name}>" in told for name in names)
    with translation.override("en"):
        assert finding_in_words(filled) == filled


def test_a_mapping_is_refused_in_polish() -> None:
    with pytest.raises(ColumnsRefused) as error:
        columns_of({"time": "t", "imported": "i", "minutes": 30})
    with translation.override("pl"):
        assert (error.value.name, finding_in_words(error.value.text)) == ("minutes", "wybierz jedno z: 15, 60")
