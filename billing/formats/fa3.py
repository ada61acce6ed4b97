"""A document as structured invoice FA (3) for KSeF.

Sales and self-billing invoices and their corrections; notes, interest and the distributor's own documents are none.
What lies outside VAT (`Settlement`) is the element `Rozliczenie` below the amounts. A correction shows all lines before
(`StanPrzed`) and after; its totals are the differences, and it takes effect on the day of its issue (`TypKorekty` 2).
The schema and its licence are in `billing/data/ksef`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from lxml import etree
from stdnum.pl import nip as nip_check

from billing.domain.documents import ZERO, Document, DocumentKind, DocumentLine, Party, Settlement
from billing.domain.errors import BillingError
from contracts.domain.money import half_up

NAMESPACE = "http://crd.gov.pl/wzor/2025/06/25/13775/"
SCHEMA = Path(__file__).parent.parent / "data" / "ksef" / "schemat_FA(3)_v1-0E.xsd"
KINDS = (DocumentKind.SALE, DocumentKind.SELF_BILLING)
SYSTEM = "Cluster Platform"
NIP = re.compile(r"[1-9](\d[1-9]|[1-9]\d)\d{7}")
LONGEST_LINE, LONGEST = 512, 256
QUANTITY_PLACES = 6
#: VAT rate → the fields of its net and VAT, and what a line calls it.
RATES: dict[Decimal, tuple[str, str, str]] = {
    Decimal("0.23"): ("P_13_1", "P_14_1", "23"),
    Decimal("0.22"): ("P_13_1", "P_14_1", "22"),
    Decimal("0.08"): ("P_13_2", "P_14_2", "8"),
    Decimal("0.07"): ("P_13_2", "P_14_2", "7"),
    Decimal("0.05"): ("P_13_3", "P_14_3", "5"),
    Decimal("0"): ("P_13_6_1", "", "0 KR"),
}
YES, NO = "1", "2"
BANK_TRANSFER = "6"
AT_THE_CORRECTION = "2"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wording:
    """Polish words: what a line is for, its unit, and why something outside VAT is settled."""

    line: Callable[[DocumentLine, Document], str]
    unit: Callable[[str], str]
    settlement: Callable[[str], str]


def fa3(document: Document, due_on: date, bill: str, made_at: datetime, wording: Wording) -> bytes:
    """The invoice as UTF-8 without BOM, valid against the schema; BillingError says what keeps it from being one.

    `bill` is the reference of the bill in which it is settled. Of a correction, `corrects.ksef_number` is empty if the
    original is not in KSeF.
    """
    if document.kind not in KINDS:
        raise BillingError(f"{document.number} is no invoice of the coordinator's; it does not belong into KSeF")
    root = etree.Element(f"{{{NAMESPACE}}}Faktura", nsmap={None: NAMESPACE})
    head = _add(root, "Naglowek")
    code = _add(head, "KodFormularza", "FA")
    code.set("kodSystemowy", "FA (3)")
    code.set("wersjaSchemy", "1-0E")
    _add(head, "WariantFormularza", "3")
    _add(head, "DataWytworzeniaFa", made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _add(head, "SystemInfo", SYSTEM)
    _seller(_add(root, "Podmiot1"), document)
    _buyer(_add(root, "Podmiot2"), document)
    body = _add(root, "Fa")
    _amounts(body, document)
    _add_notes(body, document)
    _correction(body, document)
    _descriptions(body, document, bill)
    for number, line in enumerate(document.lines, start=1):
        _line(body, number, line, document, wording)
    _settlements(body, document, wording)
    _payment(body, document.seller, due_on)
    content: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    if faults := faults_of(content):
        raise BillingError(f"{document.number} does not fit the schema FA (3): {faults[0]}")
    return content


def faults_of(content: bytes) -> list[str]:
    """What the schema says against the document, each with its line; empty if it is valid."""
    try:
        tree = etree.fromstring(content, etree.XMLParser(no_network=True, resolve_entities=False))
    except etree.XMLSyntaxError as error:
        return [str(error)]
    schema = _schema()
    if schema.validate(tree):
        return []
    return [f"line {each.line}: {each.message.replace(f'{{{NAMESPACE}}}', '')}" for each in schema.error_log]


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(SCHEMA), etree.XMLParser(no_network=True)))


def _seller(element: etree._Element, document: Document) -> None:
    party = document.seller
    if not _is_nip(party.nip):
        raise BillingError(f"{document.number}: the seller {party.name} has no valid tax number (NIP): '{party.nip}'")
    identity = _add(element, "DaneIdentyfikacyjne")
    _add(identity, "NIP", nip_check.compact(party.nip))
    _add(identity, "Nazwa", _needed(party.name, document, "the seller's name"))
    _address(element, party, document)


def _buyer(element: etree._Element, document: Document) -> None:
    party = document.buyer
    identity = _add(element, "DaneIdentyfikacyjne")
    if party.nip:
        if not _is_nip(party.nip):
            raise BillingError(
                f"{document.number}: the buyer {party.name} has no valid tax number (NIP): '{party.nip}'"
            )
        _add(identity, "NIP", nip_check.compact(party.nip))
    else:
        _add(identity, "BrakID", YES)
    _add(identity, "Nazwa", _needed(party.name, document, "the buyer's name"))
    _address(element, party, document)
    if code := _token(party.code, LONGEST):
        _add(element, "NrKlienta", code)
    # Neither for a unit of a municipality nor for a member of a VAT group.
    _add(element, "JST", NO)
    _add(element, "GV", NO)


def _is_nip(text: str) -> bool:
    """The check digit is right, and an office that exists has given it: KSeF's schema takes no others."""
    return bool(nip_check.is_valid(text) and NIP.fullmatch(nip_check.compact(text)))


def _address(element: etree._Element, party: Party, document: Document) -> None:
    place = _token(f"{party.postcode} {party.city}", LONGEST_LINE)
    street = _token(party.street, LONGEST_LINE)
    first = _needed(street or place, document, f"the address of {party.name}")
    address = _add(element, "Adres")
    _add(address, "KodKraju", party.country or "PL")
    _add(address, "AdresL1", first)
    if street and place:
        _add(address, "AdresL2", place)


def _amounts(body: etree._Element, document: Document) -> None:
    _add(body, "KodWaluty", "PLN")
    _add(body, "P_1", document.issued_on.isoformat())
    _add(body, "P_2", document.number)
    period = _add(body, "OkresFa")
    _add(period, "P_6_Od", document.first.isoformat())
    _add(period, "P_6_Do", (document.end - _DAY).isoformat())
    sums: dict[str, Decimal] = {}
    for each in document.vat_sums:
        net, vat, _ = _rate(each.rate, document)
        sums[net] = sums.get(net, ZERO) + each.net_pln
        if vat:
            sums[vat] = sums.get(vat, ZERO) + each.vat_pln
    for net, vat in dict.fromkeys((net, vat) for net, vat, _ in RATES.values()):
        if net in sums:
            _add(body, net, _plain(sums[net]))
            if vat:
                _add(body, vat, _plain(sums[vat]))
    _add(body, "P_15", _plain(document.gross_pln))


def _add_notes(body: etree._Element, document: Document) -> None:
    notes = _add(body, "Adnotacje")
    _add(notes, "P_16", NO)
    _add(notes, "P_17", YES if document.kind == DocumentKind.SELF_BILLING else NO)
    _add(notes, "P_18", NO)
    _add(notes, "P_18A", NO)
    _add(_add(notes, "Zwolnienie"), "P_19N", YES)
    _add(_add(notes, "NoweSrodkiTransportu"), "P_22N", YES)
    _add(notes, "P_23", NO)
    _add(_add(notes, "PMarzy"), "P_PMarzyN", YES)
    _add(body, "RodzajFaktury", "KOR" if document.corrects else "VAT")


def _correction(body: etree._Element, document: Document) -> None:
    if document.corrects is None:
        return
    _add(body, "PrzyczynaKorekty", _needed(document.reason, document, "the reason of the correction", LONGEST))
    _add(body, "TypKorekty", AT_THE_CORRECTION)
    original = _add(body, "DaneFaKorygowanej")
    _add(original, "DataWystFaKorygowanej", document.corrects.issued_on.isoformat())
    _add(original, "NrFaKorygowanej", document.corrects.number)
    if document.corrects.ksef_number:
        _add(original, "NrKSeF", YES)
        _add(original, "NrKSeFFaKorygowanej", document.corrects.ksef_number)
    else:
        _add(original, "NrKSeFN", YES)


def _descriptions(body: etree._Element, document: Document, bill: str) -> None:
    """The bill, and the metering point of each line; once where they all have the same."""
    if bill:
        _describe(body, None, "Numer rozliczenia", bill)
    points = {line.metering_point for line in document.lines}
    if len(points) == 1:
        if point := points.pop():
            _describe(body, None, "Kod PPE", point)
        return
    for number, line in enumerate(document.lines, start=1):
        if line.metering_point:
            _describe(body, number, "Kod PPE", line.metering_point)


def _describe(body: etree._Element, number: int | None, key: str, value: str) -> None:
    element = _add(body, "DodatkowyOpis")
    if number is not None:
        _add(element, "NrWiersza", str(number))
    _add(element, "Klucz", key)
    _add(element, "Wartosc", value)


def _line(body: etree._Element, number: int, line: DocumentLine, document: Document, wording: Wording) -> None:
    element = _add(body, "FaWiersz")
    _add(element, "NrWierszaFa", str(number))
    _add(element, "P_7", _needed(wording.line(line, document), document, f"the name of line {number}"))
    _add(element, "P_8A", _needed(wording.unit(line.unit), document, f"the unit of line {number}", LONGEST))
    _add(element, "P_8B", _short(half_up(line.quantity, QUANTITY_PLACES)))
    if line.unit_price_pln is not None:
        _add(element, "P_9A", _short(line.unit_price_pln))
    _add(element, "P_11", _plain(line.net_pln))
    _add(element, "P_12", _rate(line.vat_rate, document)[2])
    if line.before:
        _add(element, "StanPrzed", YES)


def _settlements(body: etree._Element, document: Document, wording: Wording) -> None:
    if not document.settlements:
        return
    element = _add(body, "Rozliczenie")
    for one, total, chosen in (
        ("Obciazenia", "SumaObciazen", [each for each in document.settlements if each.amount_pln > 0]),
        ("Odliczenia", "SumaOdliczen", [each for each in document.settlements if each.amount_pln < 0]),
    ):
        for settlement in chosen:
            part = _add(element, one)
            _add(part, "Kwota", _plain(abs(settlement.amount_pln)))
            reason = wording.settlement(settlement.reason)
            _add(part, "Powod", _needed(reason, document, "the reason of a settlement", LONGEST))
        if chosen:
            _add(element, total, _plain(_sum(chosen)))
    payable = document.payable_pln
    _add(element, "DoZaplaty" if payable >= 0 else "DoRozliczenia", _plain(abs(payable)))


def _payment(body: etree._Element, seller: Party, due_on: date) -> None:
    payment = _add(body, "Platnosc")
    _add(_add(payment, "TerminPlatnosci"), "Termin", due_on.isoformat())
    _add(payment, "FormaPlatnosci", BANK_TRANSFER)
    account = "".join(seller.iban.split())
    if account:
        _add(_add(payment, "RachunekBankowy"), "NrRB", account)


def _rate(rate: Decimal | None, document: Document) -> tuple[str, str, str]:
    if rate is None or rate not in RATES:
        raise BillingError(f"{document.number}: an invoice in KSeF has no place for a VAT rate of {rate}")
    return RATES[rate]


def _sum(settlements: list[Settlement]) -> Decimal:
    return sum((abs(each.amount_pln) for each in settlements), ZERO)


def _plain(value: Decimal) -> str:
    """Without exponent, and without a sign before nothing."""
    return f"{value + 0 if value else abs(value):f}"


def _short(value: Decimal) -> str:
    """Without zeros at its end."""
    text = _plain(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _needed(text: str, document: Document, what: str, longest: int = LONGEST_LINE) -> str:
    found = _token(text, longest)
    if not found:
        raise BillingError(f"{document.number}: {what} is missing")
    return found


def _token(text: str, longest: int) -> str:
    """On one line, without what XML or a printer can't show, cut to `longest`."""
    return " ".join("".join(_printable(text)).split())[:longest].rstrip()


def _printable(text: str) -> Iterator[str]:
    for letter in text:
        yield letter if letter.isprintable() else " "


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    element.text = text
    return element
