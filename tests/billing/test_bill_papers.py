"""What stands in a bill's PDF, and that it is archival, accessible and always the same."""

import unicodedata
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from django.utils.translation import override
from pypdf import PdfReader

from billing.domain.bill_summary import summary
from billing.domain.documents import EnergyShare
from billing.domain.transfer_qr import transfer_code
from billing.papers import pdf
from billing.papers.pdf import pdf_of_bill
from billing.papers.sheet import bill_sheet
from billing.papers.texts import drawable
from billing.words import COMPONENTS
from tests.billing.bills import COORDINATOR, HOUSEHOLD
from tests.billing.paper_bills import BILLS, HOSTILE, LONG, consumer, corrected, many_lines, nothing, prosumer

LANGUAGES = ("pl", "en")


def read(made: bytes) -> PdfReader:
    return PdfReader(BytesIO(made))


def text_of(made: bytes, page: int | None = None) -> str:
    """The text, every gap one space."""
    pages = read(made).pages if page is None else [read(made).pages[page]]
    return " ".join(" ".join(each.extract_text() for each in pages).split())


@pytest.mark.parametrize("name", BILLS)
def test_the_parts_add_up_to_what_is_payable(name: str) -> None:
    made = BILLS[name]()
    assert summary(made).payable_pln == made.payable_pln


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", BILLS)
def test_every_bill_is_archival_and_accessible(name: str, language: str) -> None:
    made = pdf_of_bill(BILLS[name](), language)
    found = read(made)
    metadata = found.metadata
    assert metadata is not None and BILLS[name]().reference in str(metadata.title)
    catalogue: Any = found.trailer["/Root"]
    assert catalogue["/Lang"] == language
    assert catalogue["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in catalogue
    xmp = catalogue["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2<" in xmp and "<pdfaid:conformance>A<" in xmp and "<pdfuaid:part>1<" in xmp
    fonts = [font.get_object() for page in found.pages for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    assert fonts
    for font in fonts:
        (below,) = font["/DescendantFonts"]
        descriptor = below.get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(descriptor), "a font is not embedded"


def test_the_same_bill_gives_the_same_bytes() -> None:
    first = pdf_of_bill(prosumer(), "pl")
    pdf_of_bill(consumer(), "en")
    pdf._compiler.cache_clear()
    assert pdf_of_bill(prosumer(), "pl") == first
    assert read(first).metadata.creation_date.date() == prosumer().issued_on  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("language", "answer", "share", "better"),
    [
        (
            "pl",
            "Do zapłaty do 16 lipca 2026 322,21 zł",
            "Sąsiedzi przy Twojej stacji 82,4 kWh 20 %",
            "Zyskujesz 38,14 zł",
        ),
        (
            "en",
            "To pay by 16 July 2026 322.21 PLN",
            "Neighbours at your station 82.4 kWh 20 %",
            "You are better off by 38.14 PLN",
        ),
    ],
)
def test_page_one_answers_at_a_glance(language: str, answer: str, share: str, better: str) -> None:
    page = text_of(pdf_of_bill(prosumer(), language), 0)
    for said in (answer, share, better, "PL88 9999 9999 0000 0000 0000 0900", "R/2026/06/00012", "Anna Żak"):
        assert said in page


def test_the_amount_is_made_of_components_by_zone() -> None:
    page = text_of(pdf_of_bill(prosumer(), "pl"), 1)
    for said in (
        "Energia od sąsiadów dzień 82,412 kWh 41,20", "Energia z zewnątrz noc 98,118 kWh 40,02",
        "Opłata sieciowa zmienna dzień 253,662 kWh 80,92", "VAT 74,69", "Do zapłaty 322,21",
        "Mechanizm standardowy. To, co byś płacił",
    ):  # fmt: skip
        assert said in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_component_is_explained_under_the_name_that_its_line_has(language: str) -> None:
    with override(language):
        sheet = bill_sheet(prosumer(), language)
        names = {str(text) for text in COMPONENTS.values()} & {row.label for row in sheet.made_of}
    explained = {term for term, _meaning in sheet.terms}
    others = {"Mechanizm standardowy", "Sąsiedzi", "Strefa", "Standard mechanism", "Neighbours", "Zone"}
    assert explained - others <= names
    assert len(explained - others) >= 5


def test_the_nearest_neighbours_come_first_on_both_sides() -> None:
    levels = ("external", "cluster", "station", "substation")
    energy = tuple(EnergyShare(side, level, 1000) for side in ("buy", "sell") for level in levels)
    with override("en"):
        sheet = bill_sheet(replace(prosumer(), energy=energy), "en")
    near = ["Neighbours at your station", "Neighbours at your substation", "Neighbours elsewhere in the cluster"]
    assert [[bar.label for bar in side.bars] for side in sheet.energy] == [
        [*near, "Outside the cluster"], [*near, "Sold outside the cluster"]
    ]  # fmt: skip


def test_an_invoice_has_parties_lines_vat_and_totals() -> None:
    page = text_of(pdf_of_bill(prosumer(), "pl"), 2)
    for said in (
        "Faktura FS/2026/06/00012", "Wystawiono 2 lipca 2026", "Sprzedawca Koordynator sp. z o.o.", "NIP: 5265877635",
        "Nabywca Anna Żak", "Punkt poboru 590000000000000013", "82,412 kWh 0,499928 41,20 23 %",
        "01.06.2026 – 15.06.2026", "23 % 324,73 74,69 399,42", "Razem z dokumentu: 399,42 zł",
    ):  # fmt: skip
        assert said in page


def test_a_note_bears_no_vat_and_self_billing_says_so() -> None:
    note = text_of(pdf_of_bill(prosumer(), "pl"), 3)
    assert (
        "Nota rozliczeniowa RN/2026/06/00007" in note and "Nie podlega VAT." in note and "np. 77,21 0,00 77,21" in note
    )
    assert "Faktura – samofakturowanie SF/2026/06/00001" in text_of(pdf_of_bill(BILLS["producer"](), "pl"))


def test_a_correction_shows_before_after_and_its_original() -> None:
    made = pdf_of_bill(corrected(), "pl")
    assert "Otrzymasz do 16 lipca 2026 66,04 zł na Twój rachunek PL14" in text_of(made, 0)
    page = text_of(made, 2)
    for said in (
        "Faktura korygująca FSK/2026/06/00001", "Koryguje FS/2026/05/00011 z dnia 2 czerwca 2026",
        "Przyczyna korekty Odczyt poprawiony przez OSD", "Przed korektą", "240,000 kWh – 120,00",
        "Po korekcie", "120,000 kWh – 60,00", "Różnica", "23 % −63,69 −14,65 −78,34", "Nabywca płaci mniej o: 78,34 zł",
    ):  # fmt: skip
        assert said in page


def test_nothing_to_pay_has_no_code_and_no_account() -> None:
    with override("en"):
        sheet = bill_sheet(nothing(), "en")
    assert (sheet.answer.kind, sheet.answer.headline, sheet.answer.amount) == ("nothing", "Nothing to pay", "0.00")
    assert sheet.code is None and sheet.transfer == ()
    assert "Scan it" not in text_of(pdf_of_bill(nothing(), "en"))


def test_who_is_paid_without_an_account_is_asked_for_it() -> None:
    unknown = replace(HOUSEHOLD, iban="")
    bill = replace(corrected(), participant=unknown)
    assert "We do not know your account yet" in text_of(pdf_of_bill(bill, "en"), 0)


def test_markup_is_only_text() -> None:
    made = text_of(pdf_of_bill(BILLS["hostile"](), "pl"))
    for said in (
        "#eval",
        "*gruba* _pochyła_ $x$ `kod`",
        "<script>alert(1)",
        "= Nagłówek",
        'R/#"*2026*"',
        "#sys.inputs 1,00",
    ):
        assert said in made
    assert drawable(HOSTILE.name) == HOSTILE.name


def test_sixty_lines_of_two_points_keep_their_order_and_head() -> None:
    made = read(pdf_of_bill(many_lines(), "pl"))
    text = [" ".join(page.extract_text().split()) for page in made.pages]
    assert LONG.name[:40] in text[0]
    lines = " ".join(text)
    assert all(f"{number} " in lines for number in range(1, 61))
    assert lines.index("590000000000000013") < lines.index("590000000000000020")
    assert sum("Lp. Składnik" in page for page in text) == len(text) - 2  # Each page of the invoice repeats it.


def test_what_the_font_lacks_is_a_question_mark_and_stops_no_bill() -> None:
    assert drawable("Dom 🏠 家\x07\nŻółw") == "Dom ? ?? Żółw"
    # A letter with its accent apart is one letter.
    assert drawable(unicodedata.normalize("NFD", "Żółć")) == "Żółć"
    # All that is left as it is can be drawn: an archival PDF would be refused else.
    every = "".join(letter for letter in map(chr, range(0x20, 0x10000)) if drawable(letter) == letter)
    assert len(every) > 1000
    pdf_of_bill(replace(prosumer(), participant=replace(HOUSEHOLD, name=every)), "pl")


def test_the_code_for_transfers() -> None:
    def code(amount: str, account: str = COORDINATOR.iban, title: str = "R/2026/06/00012") -> str | None:
        return transfer_code(COORDINATOR, account, Decimal(amount), title)

    assert code("322.21") == "5265877635|PL|88999999990000000000000900|032221|Koordynator sp. z o.|R/2026/06/00012|||"
    assert code("0.01", "PL88 9999 9999 0000 0000 0000 0900") is not None
    # No room for more than 9,999.99: the payer enters it.
    assert "|000000|" in str(code("10000.00")) and "|999999|" in str(code("9999.99"))
    assert code("0.00") is None and code("-5.00") is None and code("5.00", "DE89370400440532013000") is None
    assert str(code("1.00", title="a|b\nc" + "x" * 50)).count("|") == 8


@pytest.mark.parametrize("name", ["Spółka Energetyczna Żółw", "Koordynator sp. z o.o."])
@pytest.mark.parametrize("title", [f"R/2026/06/{number:05}" for number in (1, 12, 777, 4096, 31415)])
def test_a_phone_reads_the_code_from_the_page(name: str, title: str) -> None:
    made = replace(prosumer(), reference=title, creditor=replace(COORDINATOR, name=name))
    expected = transfer_code(made.creditor, COORDINATOR.iban, made.payable_pln, title)
    (seen,) = codes_on(pdf_of_bill(made, "pl"), 0)
    assert seen == expected


def test_a_phone_reads_the_code_of_ksef() -> None:
    made = BILLS["in_ksef"]()
    (link,) = [document.ksef_link for document in made.documents if document.ksef_link]
    paper = pdf_of_bill(made, "pl")
    assert link in [code for page in range(len(read(paper).pages)) for code in codes_on(paper, page)]


def codes_on(made: bytes, page: int) -> list[str]:
    """The texts of the QR codes that are found on a page seen at 150 dpi."""
    seen = pypdfium2.PdfDocument(made)[page].render(scale=150 / 72, grayscale=True).to_numpy()
    return [code.text for code in zxingcpp.read_barcodes(seen)]
