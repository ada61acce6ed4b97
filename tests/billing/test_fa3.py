"""E-invoices: valid against the schema whatever the document holds, with the amounts of the document."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from billing.domain.documents import Bill, Document, DocumentKind, DocumentLine, Party, Reference, Settlement
from billing.domain.errors import BillingError
from billing.formats.fa3 import KINDS, NAMESPACE, faults_of
from billing.papers.einvoice import einvoice
from tests.billing import paper_bills
from tests.billing.bills import COORDINATOR, HOUSEHOLD, PRODUCER, document, line

SAMPLES = Path(__file__).parent / "samples" / "ksef"
DUE = dt.date(2026, 7, 16)
MADE = dt.datetime(2026, 7, 2, 8, tzinfo=dt.UTC)
NAMES = {"f": NAMESPACE}
KSEF_NUMBER = "5265877635-20261110-0100001AF629-AF"


def made(of: Document) -> etree._Element:
    content = einvoice(of, DUE, "R/2026/00012", MADE)
    assert content.startswith(b"<?xml") and faults_of(content) == []
    return etree.fromstring(content)


def texts(tree: etree._Element, path: str) -> list[str]:
    return [each.text or "" for each in tree.findall("/".join(f"f:{step}" for step in path.split("/")), NAMES)]


def amount(tree: etree._Element, name: str) -> Decimal:
    return sum((Decimal(each) for each in texts(tree, f"Fa/{name}")), Decimal(0))


def structure(tree: etree._Element) -> set[str]:
    """The paths of all elements."""
    found = set()
    for element in tree.iter():
        steps = [etree.QName(each).localname for each in (*reversed([*element.iterancestors()]), element)]
        found.add("/".join(steps))
    return found


@pytest.mark.parametrize("sample", sorted(each.name for each in SAMPLES.glob("*.xml")))
def test_the_samples_are_valid(sample: str) -> None:
    assert faults_of((SAMPLES / sample).read_bytes()) == []


def test_a_sale_has_what_the_sample_has() -> None:
    own = made(document(DocumentKind.SALE, "FS/2026/00001", *paper_bills.purchases(), party=PRODUCER))
    sample = structure(etree.parse(SAMPLES / "fa3_energy_sale.xml").getroot())
    #: The place of issue may be left out, and excise is a line of its own here.
    assert sample - structure(own) == {"Faktura/Fa/P_1M", "Faktura/Fa/FaWiersz/KwotaAkcyzy"}
    assert texts(own, "Fa/FaWiersz/P_7")[0] == "Energia od sąsiadów, ta sama stacja, dzień"
    assert texts(own, "Fa/FaWiersz/P_8B")[:2] == ["82.412", "51.005"]
    assert texts(own, "Fa/OkresFa/P_6_Do") == ["2026-06-30"]
    assert texts(own, "Fa/Platnosc/TerminPlatnosci/Termin") == ["2026-07-16"]
    assert texts(own, "Fa/RodzajFaktury") == ["VAT"] and texts(own, "Fa/Adnotacje/P_17") == ["2"]
    # The line of half a month says for which days.
    assert texts(own, "Fa/FaWiersz/P_7")[-1].endswith(", 01.06.2026 – 15.06.2026")


def test_self_billing_names_the_producer_as_seller() -> None:
    own = made(document(DocumentKind.SELF_BILLING, "FZ/2026/00001", *paper_bills.sales("0.23"), party=PRODUCER))
    sample = structure(etree.parse(SAMPLES / "fa3_self_billing_producer.xml").getroot())
    # The coordinator has no number as a customer.
    assert sample - structure(own) == {"Faktura/Fa/P_1M", "Faktura/Podmiot2/NrKlienta"}
    assert texts(own, "Podmiot1/DaneIdentyfikacyjne/NIP") == [PRODUCER.nip]
    assert texts(own, "Podmiot2/DaneIdentyfikacyjne/NIP") == [COORDINATOR.nip]
    assert texts(own, "Fa/Adnotacje/P_17") == ["1"]
    assert texts(own, "Fa/Platnosc/RachunekBankowy/NrRB") == [PRODUCER.iban]
    assert amount(own, "P_13_1") == Decimal("77.21") and amount(own, "P_15") == Decimal("94.97")


def test_a_correction_shows_before_and_after_and_sums_up_to_the_difference() -> None:
    given_back = replace(paper_bills.correction(), buyer=PRODUCER)
    own = made(replace(given_back, corrects=Reference("FS/2026/00011", dt.date(2026, 6, 2), KSEF_NUMBER)))
    sample = structure(etree.parse(SAMPLES / "fa3_correction.xml").getroot())
    assert sample - structure(own) == {"Faktura/Fa/P_1M"}
    assert texts(own, "Fa/RodzajFaktury") == ["KOR"]
    assert texts(own, "Fa/PrzyczynaKorekty") == ["Odczyt poprawiony przez OSD"]
    assert texts(own, "Fa/DaneFaKorygowanej/NrFaKorygowanej") == ["FS/2026/00011"]
    assert texts(own, "Fa/DaneFaKorygowanej/NrKSeFFaKorygowanej") == [KSEF_NUMBER]
    lines = own.findall("f:Fa/f:FaWiersz", NAMES)
    before = [each.find("f:StanPrzed", NAMES) is not None for each in lines]
    assert before == [True, False, True, False]
    nets = [Decimal(each.findtext("f:P_11", namespaces=NAMES) or "") for each in lines]
    assert amount(own, "P_13_1") == nets[1] - nets[0] + nets[3] - nets[2] == Decimal("-63.69")
    assert amount(own, "P_15") == given_back.gross_pln < 0


def test_an_original_outside_ksef_is_named_as_such() -> None:
    own = made(paper_bills.correction())
    assert texts(own, "Fa/DaneFaKorygowanej/NrKSeFN") == ["1"]
    assert not texts(own, "Fa/DaneFaKorygowanej/NrKSeFFaKorygowanej")


def test_a_consumer_has_no_tax_number_and_assurance_is_settled_below_the_gross_amount() -> None:
    (sale,) = paper_bills.consumer().documents
    own = made(sale)
    assert texts(own, "Podmiot2/DaneIdentyfikacyjne/BrakID") == ["1"]
    assert texts(own, "Fa/Rozliczenie/Odliczenia/Kwota") == texts(own, "Fa/Rozliczenie/SumaOdliczen") == ["3.10"]
    assert texts(own, "Fa/Rozliczenie/DoZaplaty") == [str(sale.payable_pln)]
    assert amount(own, "P_15") == sale.gross_pln == sale.payable_pln + Decimal("3.10")


def test_metering_points_are_named_once_or_at_their_lines() -> None:
    one, two = "590000000000000013", "590000000000000020"
    same = made(document(DocumentKind.SALE, "FS/1", line(1, "1.00"), line(2, "2.00")))
    assert texts(same, "Fa/DodatkowyOpis/Wartosc") == ["R/2026/00012", one]
    other = made(document(DocumentKind.SALE, "FS/1", line(1, "1.00"), line(2, "2.00", metering_point=two)))
    assert texts(other, "Fa/DodatkowyOpis/Wartosc") == ["R/2026/00012", one, two]
    assert texts(other, "Fa/DodatkowyOpis/NrWiersza") == ["1", "2"]


@pytest.mark.parametrize("kind", [each for each in DocumentKind if each not in KINDS])
def test_what_is_no_invoice_of_the_coordinator_is_refused(kind: DocumentKind) -> None:
    with pytest.raises(BillingError, match="X/1 is no invoice"):
        einvoice(document(kind, "X/1", line(1, "1.00")), DUE, "R/1", MADE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seller": replace(COORDINATOR, nip="")}, "the seller Koordynator .* has no valid tax number"),
        ({"buyer": replace(PRODUCER, nip="1234567890")}, "the buyer Farma .* no valid tax number .*: '1234567890'"),
        # The check digit is right, but no office has the number 100.
        ({"buyer": replace(PRODUCER, nip="1000158380")}, "the buyer Farma .* no valid tax number .*: '1000158380'"),
        ({"seller": replace(COORDINATOR, nip="1000158380")}, "the seller Koordynator .* has no valid tax number"),
        ({"buyer": replace(HOUSEHOLD, name=" \x00 ")}, "the buyer's name is missing"),
        ({"seller": replace(COORDINATOR, street="", city="", postcode="")}, "the address of Koordynator .* missing"),
        ({"lines": (line(1, "1.00", vat_rate=Decimal("0.04")),)}, "no place for a VAT rate of 0.04"),
        ({"lines": (line(1, "1.00", vat_rate=None),)}, "no place for a VAT rate of None"),
        ({"buyer": replace(HOUSEHOLD, country="XX")}, "does not fit the schema FA .3.: line .*KodKraju"),
        ({"corrects": Reference("FS/1", dt.date(2026, 6, 2))}, "the reason of the correction is missing"),
        ({"lines": (line(1, "1.00"),) * 10_001}, "does not fit the schema"),
    ],
)  # fmt: skip
def test_what_an_invoice_lacks_is_named(changes: dict[str, object], said: str) -> None:
    own = replace(document(DocumentKind.SALE, "FS/2026/00009", line(1, "1.00")), **changes)  # type: ignore[arg-type]
    with pytest.raises(BillingError, match=f"(?s)FS/2026/00009.*{said}"):
        einvoice(own, DUE, "R/1", MADE)


def test_every_made_up_bill_is_valid() -> None:
    bills: list[Bill] = [make() for make in paper_bills.BILLS.values()]
    own = [each for bill in bills for each in bill.documents if each.kind in KINDS]
    assert len(own) > 6
    for each in own:
        tree = made(each)
        assert amount(tree, "P_15") == each.gross_pln


CENTS = st.integers(-10_000_000, 10_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
#: Polish letters, quotes, controls, halves of surrogate pairs: whatever somebody managed to store.
TEXTS = st.text(st.characters(codec=None) | st.sampled_from("ąćęłńóśźżĄŁ&<>\"'\x00\t\n"), max_size=700)
NAMED = TEXTS.map(lambda text: f"A{text}")


@st.composite
def lines(draw: st.DrawFn, before: bool = False) -> DocumentLine:
    return DocumentLine(
        1, draw(st.sampled_from(["", "590000000000000013", "590000000000000020"])), draw(NAMED), draw(TEXTS),
        draw(TEXTS), dt.date(2026, 6, 1), draw(st.sampled_from([dt.date(2026, 7, 1), dt.date(2026, 6, 11)])),
        Decimal(draw(st.integers(-(10**15), 10**15))).scaleb(-9), draw(st.sampled_from(["kWh", "month", "kW*month"])),
        draw(st.none() | st.integers(-(10**9), 10**9).map(lambda micro: Decimal(micro).scaleb(-6))), draw(CENTS),
        draw(st.sampled_from([Decimal("0.23"), Decimal("0.2300"), Decimal("0.08"), Decimal("0.05"), Decimal(0)])),
        before,
    )  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> Document:
    party = Party(
        draw(TEXTS), draw(NAMED), draw(TEXTS), "00-001", draw(NAMED), "PL", draw(st.sampled_from(["", PRODUCER.nip])),
        draw(st.sampled_from(["", PRODUCER.iban])),
    )  # fmt: skip
    kind = draw(st.sampled_from(KINDS))
    if kind == DocumentKind.SELF_BILLING:
        party = replace(party, nip=PRODUCER.nip)
    found = draw(st.lists(lines(), max_size=6))
    corrects, reason = None, ""
    if draw(st.booleans()):
        found += draw(st.lists(lines(before=True), max_size=6))
        corrects = Reference("FS/2026/00001", dt.date(2026, 6, 2), draw(st.sampled_from(["", KSEF_NUMBER])))
        reason = draw(NAMED)
    settled = tuple(Settlement(draw(NAMED), each) for each in draw(st.lists(CENTS.filter(bool), max_size=3)))
    return document(
        kind, "FS/2026/00002", *found, party=party, corrects=corrects, reason=reason, settlements=settled
    )  # fmt: skip


@given(documents())
@settings(max_examples=150, deadline=None)
def test_whatever_the_document_holds_it_is_valid_and_adds_up(own: Document) -> None:
    tree = made(own)
    nets = sum((amount(tree, f"P_13_{number}") for number in ("1", "2", "3", "6_1")), Decimal(0))
    vats = sum((amount(tree, f"P_14_{number}") for number in ("1", "2", "3")), Decimal(0))
    assert (nets, vats, amount(tree, "P_15")) == (own.net_pln, own.vat_pln, own.gross_pln)
    assert len(texts(tree, "Fa/FaWiersz")) == len(own.lines)
    if own.settlements:
        paid = amount(tree, "Rozliczenie/DoZaplaty") - amount(tree, "Rozliczenie/DoRozliczenia")
        assert paid == own.payable_pln
