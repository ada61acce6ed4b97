"""A bill as its reader sees it: nothing but texts, ready for a page or a PDF, and shares for its bars."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from billing.domain.bill_summary import Part, better_by, shares, sign_of, summary
from billing.domain.documents import ZERO, Bill, EnergyShare, KeptPromise, Party, Settlement
from billing.domain.lines import EQUALISATION
from billing.domain.transfer_qr import transfer_code
from billing.numbers import kwh, percent, pln_unit
from billing.papers import words
from billing.papers.documents import DocumentSheet, sheet_of, short_name_of
from billing.papers.texts import account, address, day, drawable, money, quantity, span
from billing.words import COMPONENTS, ZONES, said
from contracts.domain.fees import EXTERNAL
from contracts.domain.tariff import RELIEF_ENDING

Row = tuple[str, str]


@dataclass(frozen=True)
class Answer:
    """The one thing that a reader came for: `kind` is pay, receive or nothing."""

    kind: str
    headline: str
    amount: str
    unit: str
    note: str


@dataclass(frozen=True)
class Bar:
    """One place that energy came from or went to; `colour` is local, outside or sold."""

    label: str
    energy: str
    percent: str
    share: float
    colour: str


@dataclass(frozen=True)
class Energy:
    """One side's energy, in words and bars; `text` says it to who can't see them."""

    title: str
    total: str
    bars: tuple[Bar, ...]
    text: str


@dataclass(frozen=True)
class Kept:
    """One side against the standard mechanism."""

    side: str
    standard: str
    here: str
    better: str


@dataclass(frozen=True)
class MadeOf:
    """A row of what the bill is made of; `strong` closes a sum."""

    label: str
    zone: str
    quantity: str
    amount: str
    strong: bool = False


@dataclass(frozen=True)
class BillSheet:
    """Everything that stands in a bill."""

    language: str
    heading: str
    reference: str
    period: str
    issued_on: str
    creditor: str
    creditor_lines: tuple[str, ...]
    participant: str
    participant_lines: tuple[str, ...]
    answer: Answer
    transfer: tuple[Row, ...]
    code: str | None
    sum_of_documents: tuple[MadeOf, ...]
    energy: tuple[Energy, ...]
    saved: str
    kept: tuple[Kept, ...]
    basis: str
    made_of: tuple[MadeOf, ...]
    terms: tuple[Row, ...]
    documents: tuple[DocumentSheet, ...]
    labels: dict[str, str]


def bill_sheet(bill: Bill, language: str) -> BillSheet:
    """The bill in the language in force, whose code is `language`."""
    # What is corrected lies behind.
    current = [document for document in bill.documents if not document.corrects] or bill.documents
    period = span(min(document.first for document in current), max(document.end for document in current))
    payable = bill.payable_pln
    saved = sum((better_by(promise) for promise in bill.promises), ZERO)
    return BillSheet(
        language=language,
        heading=_("Bill for %(period)s") % {"period": period},
        reference=drawable(bill.reference),
        period=period,
        issued_on=day(bill.issued_on),
        creditor=drawable(bill.creditor.name),
        creditor_lines=_lines(bill.creditor),
        participant=drawable(bill.participant.name),
        participant_lines=_lines(bill.participant),
        answer=_answer(bill),
        transfer=_transfer(bill) if payable > 0 else (),
        code=transfer_code(bill.creditor, bill.creditor.iban, payable, bill.reference),
        sum_of_documents=_documents(bill),
        energy=tuple(_energy(bill)),
        saved=_("You are better off by %(amount)s") % {"amount": _pln(saved)} if bill.promises else "",
        kept=tuple(_kept(promise) for promise in bill.promises if promise.standard_pln or promise.p2p_pln),
        basis=_basis(bill.promises),
        made_of=tuple(_made_of(bill)),
        terms=_terms(bill),
        documents=tuple(sheet_of(document) for document in bill.documents),
        labels={name: str(text) for name, text in words.LABELS.items()},
    )


def _pln(value: Decimal) -> str:
    return f"{money(value)}\N{NO-BREAK SPACE}{pln_unit()}"


def _lines(party: Party) -> tuple[str, ...]:
    nip = (f"{words.LABELS['nip']}: {party.nip}",) if party.nip else ()
    return (*address(party), *nip)


def _answer(bill: Bill) -> Answer:
    payable, due = bill.payable_pln, {"day": day(bill.due_on)}
    if payable > 0:
        return Answer("pay", _("To pay by %(day)s") % due, money(payable), pln_unit(), "")
    if not payable:
        return Answer("nothing", _("Nothing to pay"), money(payable), pln_unit(), "")
    iban = bill.participant.iban
    note = (
        _("to your account %(account)s") % {"account": account(iban)}
        if iban
        else _("We do not know your account yet. Tell the coordinator its number.")
    )
    return Answer("receive", _("You are paid by %(day)s") % due, money(-payable), pln_unit(), note)


def _transfer(bill: Bill) -> tuple[Row, ...]:
    label = words.LABELS
    return (
        (str(label["account"]), account(bill.creditor.iban)),
        (str(label["recipient"]), drawable(bill.creditor.name)),
        (str(label["title"]), drawable(bill.reference)),
        (str(label["amount"]), _pln(bill.payable_pln)),
    )


def _documents(bill: Bill) -> tuple[MadeOf, ...]:
    rows = [
        MadeOf(short_name_of(document), "", "", money(sign_of(bill, document) * document.payable_pln))
        for document in bill.documents
    ]
    return (*rows, MadeOf(_sum_label(bill), "", "", money(bill.payable_pln), strong=True))


def _sum_label(bill: Bill) -> str:
    if not bill.payable_pln:
        return _("Nothing to pay")
    return _("To pay") if bill.payable_pln > 0 else _("To be paid to you")


def _energy(bill: Bill) -> list[Energy]:
    found = []
    for side in ("buy", "sell"):
        rows = tuple(sorted((each for each in bill.energy if each.side == side), key=_distance))
        total = sum(each.wh for each in rows)
        if not total:
            continue
        bars = []
        for each, share in shares(rows):
            outside = each.sharing_level == EXTERNAL
            label = words.OUTSIDE[side] if outside else said(words.NEIGHBOURS, each.sharing_level)
            colour = "local" if not outside else "outside" if side == "buy" else "sold"
            bars.append(Bar(str(label), kwh(each.wh), percent(share), float(share), colour))
        text = "; ".join(f"{bar.label}: {bar.energy}, {bar.percent}" for bar in bars)
        found.append(Energy(str(words.ENERGY[side]), kwh(total), tuple(bars), text))
    return found


def _distance(each: EnergyShare) -> int:
    """The nearest first, outside last."""
    nearest = list(words.NEIGHBOURS)
    return nearest.index(each.sharing_level) if each.sharing_level in nearest else len(nearest)


def _kept(promise: KeptPromise) -> Kept:
    sign = 1 if promise.side == "buy" else -1
    return Kept(
        str(words.SIDES[promise.side]),
        money(sign * promise.standard_pln),
        money(sign * (promise.p2p_pln - promise.assurance_pln)),
        money(better_by(promise)),
    )


def _basis(promises: tuple[KeptPromise, ...]) -> str:
    if not promises:
        return ""
    gross = any(promise.basis == "gross" for promise in promises)
    with_vat = _("What you buy with VAT, as you pay it; what you sell as it is paid to you. Assurance is included.")
    rounded = _("Compared before each line is rounded, so it may differ from the documents by a few hundredths.")
    return f"{with_vat if gross else _('Without VAT. Assurance is included.')} {rounded}"


def _made_of(bill: Bill) -> list[MadeOf]:
    made = summary(bill)
    rows = [_part(part) for part in made.parts]
    if made.vat_pln:
        rows.append(MadeOf(_("VAT"), "", "", money(made.vat_pln)))
    for document, amount in made.corrections:
        rows.append(MadeOf(short_name_of(document), "", "", money(amount)))
    rows += [_settlement(each) for each in made.settlements if each.amount_pln]
    rows.append(MadeOf(_sum_label(bill), "", "", money(made.payable_pln), strong=True))
    return rows


def _part(part: Part) -> MadeOf:
    zone = said(ZONES, part.zone) if part.zone else ""
    return MadeOf(
        drawable(said(COMPONENTS, part.component)),
        drawable(zone),
        # Bought and sold together: no quantity that a reader could compare with another.
        "" if part.component == EQUALISATION else quantity(part.quantity, part.unit),
        money(part.net_pln),
    )


def _settlement(each: Settlement) -> MadeOf:
    return MadeOf(drawable(said(words.SETTLEMENTS, each.reason)), "", "", money(each.amount_pln))


def _terms(bill: Bill) -> tuple[Row, ...]:
    lines = [line for document in bill.documents for line in document.lines]
    found = {line.component for line in lines}
    if bill.promises:
        found.add("standard")
    if any(line.sharing_level not in ("", EXTERNAL) for line in lines):
        found.add("neighbours")
    if any(code.endswith(RELIEF_ENDING) for code in found):
        found.add("relief")
    if {line.zone for line in lines} - {"", "flat"}:
        found.add("zone")
    if any(each.reason == "assurance" for document in bill.documents for each in document.settlements):
        found.add("assurance")
    named = words.TERM_NAMES
    return tuple(
        (str(named[code]) if code in named else said(COMPONENTS, code), str(meaning))
        for code, meaning in words.TERMS.items()
        if code in found
    )
