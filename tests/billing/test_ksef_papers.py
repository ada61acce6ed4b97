"""PDFs of what goes to KSeF: made when it is there, with its number and the code to check it."""

import base64
import datetime as dt
import hashlib
from io import BytesIO
from typing import Any

import pytest
from django.urls import reverse
from pypdf import PdfReader

from billing.domain.documents import DocumentKind
from billing.models import Bill, BillingTerms, BillPaper, EInvoice
from billing.selectors.einvoices import link_to_check
from billing.selectors.papers import progress
from billing.services.einvoices import keep_outside
from billing.services.papers import make_papers
from participants.tenancy.scope import scope
from tests.billing.bills import COORDINATOR, PRODUCER, document, line
from tests.billing.ksef_scene import issue_one, make_billed_cast, only, run
from tests.billing.ksef_standin import StandIn
from tests.cast import NOON, Cast
from tests.pages.scenes import signed_in

pytestmark = pytest.mark.django_db
DIGEST = base64.b64encode(hashlib.sha256(b"invoice").digest()).decode()


@pytest.fixture
def cast() -> Cast:
    return make_billed_cast()


def make(cast: Cast) -> int:
    with scope(cast.cluster.pk):
        batches = {pk // 250 for pk in Bill.objects.values_list("pk", flat=True)}
    return sum(make_papers(cast.cluster, batch, NOON) for batch in batches)


def paper_with(cast: Cast, number: str) -> PdfReader:
    with scope(cast.cluster.pk):
        return PdfReader(BytesIO(bytes(BillPaper.objects.get(bill__documents__number=number).pdf)))


def text_of(paper: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in paper.pages).split())


def links_in(paper: PdfReader) -> set[str]:
    notes = [each.get_object() for page in paper.pages for each in page.get("/Annots", [])]
    return {note["/A"]["/URI"] for note in notes if "/A" in note}


def test_a_bill_waits_until_ksef_has_its_invoice_and_shows_its_number_and_code(cast: Cast, ksef: StandIn) -> None:
    assert make(cast) == 0
    with scope(cast.cluster.pk):
        assert (progress(cast.cluster.pk).made, progress(cast.cluster.pk).for_ksef) == (0, 2)
    run(cast)
    assert make(cast) == 2
    for number, seller in (("FS/2026/00001", COORDINATOR), ("FZ/2026/00001", PRODUCER)):
        row, paper = only(cast, number), paper_with(cast, number)
        digest = base64.urlsafe_b64encode(hashlib.sha256(bytes(row.xml or b"")).digest()).decode().rstrip("=")
        assert row.ksef_number in text_of(paper)
        assert links_in(paper) == {f"{ksef.url}/invoice/{seller.nip}/02-07-2026/{digest}"}
    with scope(cast.cluster.pk):
        assert progress(cast.cluster.pk).for_ksef == 0


def test_what_ksef_refuses_waits_for_somebody_to_decide(cast: Cast, ksef: StandIn) -> None:
    ksef.refused_numbers = {"FS/2026/00001"}
    run(cast)
    assert make(cast) == 1
    page = signed_in(cast.coordinator).get(reverse("admin:billing_billdelivery_changelist")).content.decode()
    assert "Waiting for KSeF: 1" in page and "1 of 2 bills as PDF" in page
    with scope(cast.cluster.pk):
        assert keep_outside(cast.cluster, EInvoice.objects.all(), cast.coordinator, NOON) == 1
    assert make(cast) == 1
    paper = paper_with(cast, "FS/2026/00001")
    assert links_in(paper) == set() and "KSeF" not in text_of(paper)


def test_without_a_connection_what_goes_to_ksef_is_not_handed_out_as_an_invoice(cast: Cast, settings: Any) -> None:
    settings.KSEF_TOKENS = {}
    run(cast)
    assert make(cast) == 0


def test_what_does_not_go_to_ksef_waits_for_nothing(cast: Cast, ksef: StandIn) -> None:
    note = document(DocumentKind.NOTE, "", line(1, "1.00", vat_rate=None))
    earlier = document(DocumentKind.SALE, "", line(1, "1.00"))
    numbers = issue_one(cast, note)
    assert make(cast) == 1
    assert "KSeF" not in text_of(paper_with(cast, numbers[0]))
    with scope(cast.cluster.pk):
        BillingTerms.objects.update(valid_from=dt.date(2026, 8, 1))
    issue_one(cast, earlier)
    assert make(cast) == 3


@pytest.mark.parametrize(
    ("api", "shown"),
    [
        ("https://api.ksef.mf.gov.pl", "https://qr.ksef.mf.gov.pl"),
        ("https://api-test.ksef.mf.gov.pl", "https://qr-test.ksef.mf.gov.pl"),
        ("https://api-demo.ksef.mf.gov.pl", "https://qr-demo.ksef.mf.gov.pl"),
        ("", "https://qr.ksef.mf.gov.pl"),
    ],
)
def test_the_address_behind_the_code_is_the_ministry_s(api: str, shown: str, settings: Any) -> None:
    settings.KSEF_URL = api
    ending = base64.urlsafe_b64encode(base64.b64decode(DIGEST)).decode().rstrip("=")
    assert link_to_check("5265877635", dt.date(2026, 7, 2), DIGEST) == f"{shown}/invoice/5265877635/02-07-2026/{ending}"
