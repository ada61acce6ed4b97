"""What is found in tariff books is told in the user's language."""

import re
from dataclasses import replace

import pytest
from django.utils import translation

from cluster_platform.fault_words import finding_in_words
from cluster_platform.tariffs.words import FINDINGS
from contracts.domain.book_check import rate_problems
from contracts.domain.book_complete import late_start, missing_components
from contracts.domain.book_findings import book_findings
from contracts.domain.zones import zone_problems
from tests.contracts.test_book_review import JANUARY, NEXT, RATES, ZONES, next_year


@pytest.mark.parametrize("text", FINDINGS)
def test_every_finding_is_told_in_polish(text: str) -> None:
    names = re.findall(r"%\((\w+)\)s", text)
    filled = text % {name: f"<{name}>" for name in names} if names else text
    with translation.override("pl"):
        told = finding_in_words(filled)
    assert told != filled and "%(" not in told
    assert all(f"<{name}>" in told for name in names)
    with translation.override("en"):
        assert finding_in_words(filled) == filled


def test_what_the_checks_really_say_is_known() -> None:
    rates = list(RATES)
    spoiled = [
        [rate for rate in rates if rate.zone != "night"],
        [replace(rate, valid_to=NEXT.replace(month=2)) if rate.component == "quality" else rate for rate in rates],
        [*rates, rates[0]],
        [rate for rate in rates if (rate.component, rate.use_from_kwh) != ("capacity", 500)],
        [rate for rate in rates if (rate.component, rate.use_from_kwh) != ("capacity", 2800)],
        [replace(rate, valid_to=JANUARY.replace(month=6)) if rate.zone == "day" else rate for rate in rates],
        [replace(rates[0], unit="PLN/MWh"), replace(rates[0], treatment="x"), replace(rates[0], zone="")],
        [replace(rates[0], micro=-1), replace(rates[1], zone="day"), replace(rates[1], treatment="waived")],
    ]
    texts = {problem.text for book in spoiled for problem in rate_problems(book, ZONES)}
    texts |= {problem.text for book in spoiled for problem in missing_components(book[:8])}
    texts |= {problem.text for problem in late_start(next_year(), JANUARY)}
    for changed in (ZONES[1:], (*ZONES, ZONES[0]), (replace(ZONES[0], zone="flat"),), (replace(ZONES[0], start=None),)):
        texts |= {problem.text for problem in zone_problems(changed)}
    for factor in (2, 10, 1000, 0):
        dearer = [replace(rate, micro=rate.micro * factor) for rate in next_year()]
        texts |= {finding.text for finding in book_findings(dearer, NEXT, RATES)}
    texts |= {finding.text for finding in book_findings(next_year()[8:20], NEXT, RATES)}
    assert len(texts) > 40
    with translation.override("pl"):
        assert [text for text in texts if finding_in_words(text) == text] == []
        told = finding_in_words(next(text for text in texts if text.startswith("zones of group G12: gap")))
    assert told.startswith("strefy grupy G12: luka od")
