"""The tariffs of Polish distributors that come with the platform, and the command that takes them in."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from contracts.models import TariffBook
from contracts.services.ready_books import READY, ready_books
from participants.models import Dso

pytestmark = pytest.mark.django_db
COMPLETE = ("enea", "tauron")
#: What a draft lacks, as it is told.
LACKING = {
    "energa": ["tariff.csv, line 2, column component: group G11 has no component 'network_fixed'; add it"],
    "pge": [
        "tariff.csv, line 5, column component: group B21 has no component 'network_fixed'",
        "group B23 has no component 'subscription'",
    ],
    "tauron-with-b": ["group B21 has no component 'network_fixed'", "group B22 has no component 'subscription'"],
}


def load(name: str, *options: str) -> str:
    out = StringIO()
    call_command("load_tariff_book", name, *options, stdout=out)
    return out.getvalue()


def test_the_ready_books_are_known() -> None:
    assert ready_books() == sorted([*COMPLETE, *LACKING])


@pytest.mark.parametrize("name", COMPLETE)
def test_a_complete_book_is_published_once(name: str) -> None:
    assert "It can be published." in load(name)
    assert "Published as book 1; it holds from 2026-01-01." in load(name, "--publish")
    assert "is published already" in load(name, "--publish")
    (book,) = TariffBook.objects.all()
    assert book.state == "published"
    assert {str(rate.valid_to) for rate in book.rates.all()} == {"2027-01-01"}


@pytest.mark.parametrize("name", LACKING)
def test_an_incomplete_book_stays_a_draft_that_names_what_is_missing(name: str) -> None:
    told = load(name)
    assert "a new draft" in told and "Missing: " in told
    for text in LACKING[name]:
        assert text in told
    with pytest.raises(CommandError, match="can't be published yet"):
        load(name, "--publish")
    assert [book.state for book in TariffBook.objects.all()] == ["draft"]


def test_both_books_of_a_distributor_are_versions(tmp_path: Path) -> None:
    load("tauron", "--publish")
    load("tauron-with-b")
    assert list(TariffBook.objects.order_by("number").values_list("number", "state")) == [
        (1, "published"),
        (2, "draft"),
    ]
    assert Dso.objects.get().name == "Tauron Dystrybucja"


def test_a_mistake_is_told_with_its_place(tmp_path: Path) -> None:
    for path in (READY / "energa").iterdir():
        (tmp_path / path.name).write_text(path.read_text().replace("0.3485", "0,3485"))
    with pytest.raises(CommandError, match=r"tariff\.csv, line 2: there are 13 values for 12 columns"):
        load(str(tmp_path))
    with pytest.raises(CommandError, match="ready are enea, energa, pge, tauron, tauron-with-b"):
        load("nobody")
    assert not TariffBook.objects.exists() and not Dso.objects.exists()
