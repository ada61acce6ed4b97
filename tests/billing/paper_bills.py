"""Made-up bills as they look in life, and at their worst, for tests of what people read."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from billing.domain.documents import (
    Bill,
    Document,
    DocumentKind,
    DocumentLine,
    EnergyShare,
    KeptPromise,
    Party,
    Reference,
    Settlement,
)
from tests.billing.bills import COORDINATOR, END, FIRST, HOUSEHOLD, ISSUED, PRODUCER, document

DUE = dt.date(2026, 7, 16)
POINT, SECOND_POINT = "590000000000000013", "590000000000000020"
HOSTILE = replace(
    HOUSEHOLD,
    name='#eval("1+1") *gruba* _pochyła_ $x$ `kod` <label> @ref \\ // /* [ ] "\' <script>alert(1)</script>',
    street="= Nagłówek",
    city="- lista",
)
LONG = replace(
    HOUSEHOLD,
    name="Wspólnota Mieszkaniowa Nieruchomości przy ulicy Księdza Biskupa Bandurskiego 12, 14, 16 i 18 w Trzystacjach "
    "Górnych, zarządzana przez Zarząd Budynków Komunalnych",
    street="ul. Konstantego Ildefonsa Gałczyńskiego i Świętopełka Karpińskiego 123A/456, klatka IV, piętro XVIII",
)


def line(
    position: int, component: str, net: str, *, zone: str = "", level: str = "", kwh: str = "100.000",
    price: str | None = None, unit: str = "kWh", point: str = POINT, vat: str | None = "0.23", before: bool = False,
    first: dt.date = FIRST, end: dt.date = END,
) -> DocumentLine:  # fmt: skip
    """A line of June, with 23 % VAT unless told otherwise."""
    return DocumentLine(
        position, point, component, zone, level, first, end, Decimal(kwh), unit, Decimal(price) if price else None,
        Decimal(net), Decimal(vat) if vat else None, before,
    )  # fmt: skip


def purchases() -> tuple[DocumentLine, ...]:
    """What a household of G12 buys in a month."""
    return (
        line(1, "local_energy", "41.20", zone="day", level="station", kwh="82.412", price="0.499928"),
        line(2, "local_energy", "22.31", zone="night", level="cluster", kwh="51.005"),
        line(3, "external_energy", "96.44", zone="day", level="external", kwh="171.250"),
        line(4, "external_energy", "40.02", zone="night", level="external", kwh="98.118"),
        line(5, "equalisation", "-1.17", kwh="402.785"),
        line(6, "excise", "2.01", kwh="402.785", price="0.005"),
        line(7, "service_fee", "4.03", kwh="402.785", price="0.01"),
        line(8, "network_variable", "20.81", zone="day", level="station", kwh="82.412", price="0.252525"),
        line(9, "network_variable", "60.11", zone="day", level="external", kwh="171.250", price="0.351"),
        line(10, "network_variable", "9.84", zone="night", level="external", kwh="98.118", price="0.1003"),
        line(11, "quality", "12.37", zone="flat", level="external", kwh="402.785", price="0.0307"),
        line(12, "res", "1.88", level="external", kwh="269.368", price="0.007"),
        line(13, "network_fixed", "12.60", kwh="1", unit="month", price="12.6"),
        line(14, "subscription", "2.28", kwh="0.5", unit="month", price="4.56", end=dt.date(2026, 6, 16)),
    )


def sales(vat: str | None = None) -> tuple[DocumentLine, ...]:
    """What a household with a roof sells in it."""
    return (
        line(1, "local_energy_sold", "60.40", level="station", kwh="120.804", price="0.5", vat=vat),
        line(2, "external_energy_sold", "18.02", level="external", kwh="60.066", price="0.3", vat=vat),
        line(3, "service_fee", "-1.21", kwh="120.804", price="-0.01", vat=vat),
    )


ENERGY = (
    EnergyShare("buy", "station", 82_412),
    EnergyShare("buy", "cluster", 51_005),
    EnergyShare("buy", "external", 269_368),
    EnergyShare("sell", "station", 120_804),
    EnergyShare("sell", "external", 60_066),
)
PROMISES = (
    KeptPromise("buy", "gross", Decimal("399.65"), Decimal("421.877412345"), Decimal("0.00")),
    KeptPromise("sell", "gross", Decimal("-77.21"), Decimal("-61.3"), Decimal("0.00")),
)


def bill(*documents: Document, party: Party = HOUSEHOLD, energy: bool = True) -> Bill:
    """Of the coordinator."""
    return Bill(
        "R/2026/06/00012", ISSUED, DUE, COORDINATOR, party, documents,
        ENERGY if energy else (), PROMISES if energy else (),
    )  # fmt: skip


def _sale(party: Party = HOUSEHOLD, *lines: DocumentLine) -> Document:
    return document(DocumentKind.SALE, "FS/2026/06/00012", *(lines or purchases()), party=party)


def _note(party: Party = HOUSEHOLD) -> Document:
    return document(DocumentKind.NOTE, "RN/2026/06/00007", *sales(), party=party)


def correction() -> Document:
    """Of May's invoice: half of the energy was not drawn."""
    may = {"first": dt.date(2026, 5, 1), "end": FIRST}
    changes = (
        line(1, "external_energy", "120.00", zone="day", level="external", kwh="240", before=True, **may),
        line(1, "external_energy", "60.00", zone="day", level="external", kwh="120", **may),
        line(2, "quality", "7.37", zone="flat", level="external", kwh="240", price="0.0307", before=True, **may),
        line(2, "quality", "3.68", zone="flat", level="external", kwh="120", price="0.0307", **may),
    )
    return replace(
        document(
            DocumentKind.SALE, "FSK/2026/06/00001", *changes,
            corrects=Reference("FS/2026/05/00011", dt.date(2026, 6, 2)), reason="Odczyt poprawiony przez OSD",
        ),
        **may,
    )  # fmt: skip


def consumer() -> Bill:
    """Buys only, with an assurance."""
    sale = replace(_sale(), settlements=(Settlement("assurance", Decimal("-3.10")),))
    return replace(bill(sale), energy=ENERGY[:3], promises=PROMISES[:1])


def in_ksef() -> Bill:
    """With an invoice that KSeF has."""
    link = "https://qr.ksef.mf.gov.pl/invoice/5265877635/02-07-2026/UtQp9Gpc51y-u3xApZjIjgkpZ01js-J8KflSPW8WzIE"
    return bill(replace(_sale(), ksef_number="5265877635-20260702-010080615740-E4", ksef_link=link))


def prosumer() -> Bill:
    """Buys and sells; pays the rest."""
    return bill(_sale(), _note())


def producer() -> Bill:
    """A VAT payer who sells only: is paid."""
    own = document(DocumentKind.SELF_BILLING, "SF/2026/06/00001", *sales("0.23"), party=PRODUCER)
    return replace(bill(own, party=PRODUCER), energy=ENERGY[3:], promises=PROMISES[1:])


def nothing() -> Bill:
    """What is sold pays exactly for what is bought."""
    sale = _sale(HOUSEHOLD, line(1, "local_energy", "10.00", level="station"))
    note = document(
        DocumentKind.NOTE, "RN/2026/06/00007", line(1, "local_energy_sold", "12.30", level="station", vat=None)
    )
    return bill(sale, note)


def corrected() -> Bill:
    """A month with a correction of the month before, which gives back more than the month costs."""
    return bill(_sale(HOUSEHOLD, line(1, "local_energy", "10.00", level="station")), correction(), energy=False)


def interest() -> Bill:
    """For a bill that was paid late."""
    own = document(
        DocumentKind.INTEREST, "NO/2026/06/00001",
        line(1, "interest", "1.37", kwh="12", unit="day", point="", vat=None),
    )  # fmt: skip
    return bill(own, energy=False)


def grid() -> Bill:
    """The distributor's own bill."""
    distributor = Party(
        "", "Dystrybucja S.A.", "Sieciowa 2", "00-002", "Trzystacje", "PL", "5260250995", COORDINATOR.iban
    )
    lines = tuple(each for each in purchases() if each.position > 7)
    own = replace(document(DocumentKind.GRID, "FD/2026/06/00001", *lines), seller=distributor)
    return replace(bill(own, energy=False), creditor=distributor)


def many_lines(party: Party = LONG, lines: int = 60) -> Bill:
    """Two metering points, a tariff that changed in the month, a name longer than any line."""
    found = tuple(
        line(
            number + 1, ("local_energy", "external_energy", "network_variable")[number % 3], f"{number}.17",
            zone=("day", "night")[number % 2], level=("station", "substation", "cluster", "external")[number % 4],
            kwh=f"{number * 1234}.567", price="0.512345", point=(POINT, SECOND_POINT)[number * 2 // lines],
            first=FIRST if number % 5 else dt.date(2026, 6, 11),
        )
        for number in range(lines)
    )  # fmt: skip
    return bill(_sale(party, *found), party=party)


def hostile() -> Bill:
    """Texts that would be markup, could they."""
    own = replace(_sale(HOSTILE), reason="#panic()")
    paid = replace(own, settlements=(Settlement("#sys.inputs", Decimal("1.00")),))
    return replace(bill(paid, correction(), party=HOSTILE), reference='R/#"*2026*"')


BILLS = {
    "consumer": consumer, "prosumer": prosumer, "producer": producer, "nothing": nothing, "corrected": corrected,
    "interest": interest, "grid": grid, "many_lines": many_lines, "hostile": hostile,
    "in_ksef": in_ksef,
}  # fmt: skip
