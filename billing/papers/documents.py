"""One numbered document of a bill as texts: parties, lines, VAT by rate, totals; a correction with before and after."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from billing.domain.documents import ZERO, Document, DocumentKind, DocumentLine, Party
from billing.numbers import pln_unit
from billing.papers import words
from billing.papers.texts import account, address, day, drawable, money, quantity, rate, span, unit_price
from billing.words import COMPONENTS, PLACES, ZONES, said

Row = tuple[str, str]


@dataclass(frozen=True)
class PartySheet:
    """Who sells or buys."""

    role: str
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class LineSheet:
    """One line of a table."""

    position: str
    component: str
    detail: str
    quantity: str
    unit_price: str
    net: str
    vat_rate: str


@dataclass(frozen=True)
class PointSheet:
    """The lines of one metering point; `point` is empty for what belongs to none."""

    point: str
    lines: tuple[LineSheet, ...]


@dataclass(frozen=True)
class Table:
    """Lines with their sum; `title` is empty but in a correction."""

    title: str
    points: tuple[PointSheet, ...]
    net: str


@dataclass(frozen=True)
class VatRow:
    """What was charged at one rate."""

    rate: str
    net: str
    vat: str
    gross: str


@dataclass(frozen=True)
class DocumentSheet:
    """Everything that stands on the document."""

    kind: str
    number: str
    facts: tuple[Row, ...]
    parties: tuple[PartySheet, ...]
    tables: tuple[Table, ...]
    vat: tuple[VatRow, ...]
    vat_total: VatRow
    vat_title: str
    settlements: tuple[Row, ...]
    total_label: str
    total: str
    note: str
    #: Number in KSeF and the address to check it at; empty outside.
    ksef_number: str
    ksef_link: str


def kind_of(document: Document) -> str:
    """Its name, without number."""
    return str((words.CORRECTIONS if document.corrects else words.KINDS)[document.kind])


def short_name_of(document: Document) -> str:
    """With number; of a correction also what it corrects."""
    name = f"{kind_of(document)} {drawable(document.number)}"
    if document.corrects is None:
        return name
    return _("%(name)s, of %(original)s") % {"name": name, "original": drawable(document.corrects.number)}


def sheet_of(document: Document) -> DocumentSheet:
    """The document in the language in force."""
    sums = [
        VatRow(rate(each.rate), money(each.net_pln), money(each.vat_pln), money(each.gross_pln))
        for each in document.vat_sums
    ]
    settlements = tuple(
        (drawable(said(words.SETTLEMENTS, each.reason)), money(each.amount_pln)) for each in document.settlements
    )
    return DocumentSheet(
        kind=kind_of(document),
        number=drawable(document.number),
        facts=_facts(document),
        parties=_parties(document),
        tables=_tables(document),
        vat=tuple(sums),
        vat_total=VatRow(
            str(words.LABELS["total"]), money(document.net_pln), money(document.vat_pln), money(document.gross_pln)
        ),
        vat_title=str(words.LABELS["difference"]) if document.corrects else "",
        settlements=settlements,
        total_label=_total_label(document),
        total=f"{money(abs(document.payable_pln))}\N{NO-BREAK SPACE}{pln_unit()}",
        note=_note(document),
        ksef_number=drawable(document.ksef_number),
        ksef_link=document.ksef_link,
    )


def _total_label(document: Document) -> str:
    if not document.corrects:
        return _("Total of the document") if document.payable_pln >= 0 else _("Total, owed to the buyer")
    if not document.payable_pln:
        return _("Nothing changes in the total")
    return _("The buyer owes more") if document.payable_pln > 0 else _("The buyer owes less")


def _note(document: Document) -> str:
    if all(line.vat_rate is None for line in document.lines):
        return _("Not subject to VAT.")
    return ""


def _facts(document: Document) -> tuple[Row, ...]:
    label = words.LABELS
    facts = [
        (str(label["issued_on"]), day(document.issued_on)),
        (str(label["period"]), span(document.first, document.end)),
    ]
    if document.corrects:
        original = _("%(number)s of %(day)s") % {
            "number": drawable(document.corrects.number), "day": day(document.corrects.issued_on)
        }  # fmt: skip
        if document.corrects.ksef_number:
            original += f", KSeF {drawable(document.corrects.ksef_number)}"
        facts.append((str(label["corrects"]), original))
        facts.append((str(label["reason"]), drawable(document.reason) or "–"))
    return tuple(facts)


def _parties(document: Document) -> tuple[PartySheet, ...]:
    roles = ("creditor", "debtor") if document.kind == DocumentKind.INTEREST else ("seller", "buyer")
    return (_party(roles[0], document.seller, with_account=True), _party(roles[1], document.buyer))


def _party(role: str, party: Party, with_account: bool = False) -> PartySheet:
    lines = list(address(party))
    if party.nip:
        lines.append(f"{words.LABELS['nip']}: {drawable(party.nip)}")
    if party.code:
        lines.append(_("Member %(code)s") % {"code": drawable(party.code)})
    if with_account and party.iban:
        lines.append(f"{words.LABELS['account']}: {account(party.iban)}")
    return PartySheet(str(words.LABELS[role]), drawable(party.name), tuple(lines))


def _tables(document: Document) -> tuple[Table, ...]:
    if not document.corrects:
        return (_table(document, "", document.lines),)
    label = words.LABELS
    return (
        _table(document, str(label["before"]), tuple(line for line in document.lines if line.before)),
        _table(document, str(label["after"]), tuple(line for line in document.lines if not line.before)),
    )


def _table(document: Document, title: str, lines: tuple[DocumentLine, ...]) -> Table:
    points: dict[str, list[LineSheet]] = {}
    for line in lines:
        points.setdefault(line.metering_point, []).append(_line(document, line))
    net = sum((line.net_pln for line in lines), ZERO)
    return Table(title, tuple(PointSheet(point, tuple(found)) for point, found in points.items()), money(net))


def _line(document: Document, line: DocumentLine) -> LineSheet:
    detail = [said(words_of, code) for words_of, code in ((PLACES, line.sharing_level), (ZONES, line.zone)) if code]
    if (line.first, line.end) != (document.first, document.end):
        detail.append(span(line.first, line.end))
    return LineSheet(
        str(line.position),
        drawable(said(COMPONENTS, line.component)),
        drawable(" · ".join(detail)),
        quantity(line.quantity, line.unit),
        unit_price(line.unit_price_pln),
        money(line.net_pln),
        rate(line.vat_rate),
    )
