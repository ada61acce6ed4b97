"""The confirmation of signatures: the evidence and the signed document, readable and untouched."""

import re
from io import BytesIO

import pytest
from pypdf import PdfReader

from contracts.services import agreements
from contracts.services.agreement_confirmation import confirmation_of
from contracts.services.agreements import offer_agreement
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast
from tests.contracts.agreement_scenes import JULY, evidence, member, offered, sign_both


def text_in(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


def test_it_says_who_signed_what_when_and_how_and_holds_the_signed_bytes(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = sign_both(offered(cast), cast)
        document = agreement.documents.get()
        pdf = confirmation_of(agreement)
        assert confirmation_of(agreement) == pdf
    text = text_in(pdf)
    for word in (
        "Potwierdzenie podpisów",
        "Household P0002 of ours",
        cast.colleague.email,
        cast.coordinator.email,
        "11 czerwca 2026, 12:00:00 (UTC+0200)",
        "hasło",
        "I accept.",
        "1 lipca 2026",
    ):
        assert word in text
    assert text.count(document.pdf_sha256) == 3
    assert re.sub(r"\W+", "", document.text)[:200] in re.sub(r"\W+", "", text)
    assert PdfReader(BytesIO(pdf)).attachments == {"agreement-1.pdf": [bytes(document.pdf)]}


def test_with_one_signature_and_with_none_it_says_so(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        agreement = offer_agreement(cast.cluster, cast.buyer, JULY, cast.coordinator, NOON, "en")
        assert "Nobody has signed yet." in text_in(confirmation_of(agreement))
        agreements.sign(agreement, member(cast), "partner", NOON, evidence(agreement))
        text = text_in(confirmation_of(agreement))
    assert cast.colleague.email in text
    assert cast.coordinator.email not in text
    assert "Nobody has signed yet." not in text


@pytest.mark.parametrize("name", ["#panic()", "*Bold* $x$ @ref", 'Quote " \\ </script>'])
def test_a_name_is_never_read_as_typst(name: str, cast: Cast) -> None:
    with scope(cast.cluster.pk):
        cast.buyer.name = name
        cast.buyer.save()
        text = text_in(confirmation_of(sign_both(offered(cast), cast)))
    assert name in text.replace("”", '"').replace("„", '"')
