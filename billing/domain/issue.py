"""From a statement to the documents that ask for its money.

- what was bought, and a VAT payer's fee for selling: the coordinator's sales invoice, with VAT
- what was sold: a self-billing invoice with VAT if the seller is a VAT payer; else a note without, the fee on it
- grid fees of days on which the distributor settles directly: its own document
- assurance: below the gross amount of its side's document, outside VAT

A line is rounded once, half up to 0.01 PLN. What rounding adds up to is posted apart (`ledger.rounding_postings`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from billing.domain.documents import (
    Bill,
    Document,
    DocumentKind,
    DocumentLine,
    EnergyShare,
    KeptPromise,
    Party,
    Settlement,
)
from billing.domain.inputs import BUY, SELL
from billing.domain.ledger import AccountKind, account_of_component
from billing.domain.lines import (
    ASSURANCE,
    EXTERNAL_ENERGY,
    EXTERNAL_SOLD,
    KWH,
    LOCAL_ENERGY,
    LOCAL_SOLD,
    SERVICE_FEE,
)
from contracts.domain.money import half_up

_SIDE_OF_ENERGY = {LOCAL_ENERGY: BUY, EXTERNAL_ENERGY: BUY, LOCAL_SOLD: SELL, EXTERNAL_SOLD: SELL}
RATE_PLACES = 6
#: A monthly rate is worked out from its share of the month, which is rounded: it has fewer decimals than that shows.
MONTHLY_RATE_PLACES = 4
_KINDS = (DocumentKind.SALE, DocumentKind.GRID, DocumentKind.SELF_BILLING, DocumentKind.NOTE)


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line of a statement; a cost is positive, an income negative. `amount_pln` has 9 decimals."""

    side: str
    metering_point: str
    component: str
    zone: str
    sharing_level: str
    first: date
    end: date
    quantity: Decimal
    unit: str
    amount_pln: Decimal


@dataclass(frozen=True, slots=True)
class IssueTerms:
    """What documents of a month `[first, end)` have in common.

    `direct`: spans of local days on which the distributor settles its grid fees itself.
    """

    first: date
    end: date
    issued_on: date
    due_on: date
    vat_rate: Decimal
    coordinator: Party
    distributor: Party
    direct: tuple[tuple[date, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What the documents of one kind say for a month: lines and what lies outside VAT."""

    lines: tuple[DocumentLine, ...]
    settlements: tuple[Settlement, ...] = ()


def contents(lines: Iterable[BilledLine], terms: IssueTerms, vat_payer: bool) -> dict[DocumentKind, Content]:
    """What each document of a statement says; kinds without a line or settlement are left out."""
    sold = DocumentKind.SELF_BILLING if vat_payer else DocumentKind.NOTE
    found: dict[DocumentKind, list[DocumentLine]] = defaultdict(list)
    settlements: dict[DocumentKind, list[Settlement]] = defaultdict(list)
    for line in lines:
        kind = _kind(line, terms, sold)
        sign = -1 if kind == sold else 1
        net = half_up(sign * line.amount_pln, 2)
        if line.component == ASSURANCE:
            settlements[kind].append(Settlement(ASSURANCE, net))
            continue
        found[kind].append(
            DocumentLine(
                len(found[kind]) + 1, line.metering_point, line.component, line.zone, line.sharing_level, line.first,
                line.end, line.quantity, line.unit, _rate(line, sign), net,
                None if kind == DocumentKind.NOTE else terms.vat_rate,
            )
        )  # fmt: skip
    return {
        kind: Content(tuple(found[kind]), tuple(settlements[kind]))
        for kind in _KINDS
        if kind in found or kind in settlements
    }


def documents(content: dict[DocumentKind, Content], terms: IssueTerms, participant: Party) -> list[Document]:
    """The documents, without numbers, in the order in which a bill shows them."""
    return [unnumbered(kind, terms, participant, each.lines, each.settlements) for kind, each in content.items()]


def unnumbered(
    kind: DocumentKind, terms: IssueTerms, participant: Party, lines: Sequence[DocumentLine],
    settlements: Sequence[Settlement],
) -> Document:  # fmt: skip
    """A document of the month between the participant and whom that kind is settled with."""
    other = terms.distributor if kind == DocumentKind.GRID else terms.coordinator
    sells = kind in (DocumentKind.SELF_BILLING, DocumentKind.NOTE)
    seller, buyer = (participant, other) if sells else (other, participant)
    return Document(kind, "", terms.issued_on, terms.first, terms.end, seller, buyer, tuple(lines), tuple(settlements))


def bills(
    papers: Sequence[Document], terms: IssueTerms, participant: Party, energy: tuple[EnergyShare, ...] = (),
    promises: tuple[KeptPromise, ...] = (),
) -> list[Bill]:  # fmt: skip
    """The coordinator's bill, and the distributor's of its own documents; none without documents."""
    own = tuple(each for each in papers if each.kind != DocumentKind.GRID)
    grid = tuple(each for each in papers if each.kind == DocumentKind.GRID)
    bill = Bill("", terms.issued_on, terms.due_on, terms.coordinator, participant, own, energy, promises)
    found = [bill] if own else []
    if grid:
        found.append(replace(bill, creditor=terms.distributor, documents=grid, energy=(), promises=()))
    return found


def energy_shares(lines: Iterable[BilledLine]) -> tuple[EnergyShare, ...]:
    """Energy bought and sold by sharing level [Wh], purchases first, in the order of the lines."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        side = _SIDE_OF_ENERGY.get(line.component)
        if side is not None:
            found[side, line.sharing_level] += line.quantity
    ordered = sorted(found, key=lambda key: key[0] != BUY)
    return tuple(EnergyShare(side, level, int(found[side, level] * 1000)) for side, level in ordered)


def exact_postings(amounts: Iterable[tuple[str, date, Decimal]], terms: IssueTerms) -> dict[AccountKind, Decimal]:
    """What lines (component, first day, exact amount) are worth on the coordinator's accounts [PLN, credit negative].

    Assurance is whole grosze and never rounded; what the distributor settles itself is none of the coordinator's books.
    """
    found: dict[AccountKind, Decimal] = defaultdict(Decimal)
    for component, first, amount in amounts:
        if component != ASSURANCE and not _direct(component, first, terms):
            found[account_of_component(component)] -= amount
    return dict(found)


def _kind(line: BilledLine, terms: IssueTerms, sold: DocumentKind) -> DocumentKind:
    if line.side == SELL:
        charged = line.component == SERVICE_FEE and sold == DocumentKind.SELF_BILLING
        return DocumentKind.SALE if charged else sold
    return DocumentKind.GRID if _direct(line.component, line.first, terms) else DocumentKind.SALE


def _direct(component: str, first: date, terms: IssueTerms) -> bool:
    """Whether it is a grid fee of days on which the distributor settles itself."""
    if component == ASSURANCE or account_of_component(component) != AccountKind.DISTRIBUTOR:
        return False
    return any(start <= first < end for start, end in terms.direct)


def _rate(line: BilledLine, sign: int) -> Decimal | None:
    """The rate of a line, if there is one that explains its amount; energy at changing prices has none."""
    if not line.quantity:
        return None
    rate = sign * line.amount_pln / line.quantity
    if line.unit != KWH:
        return half_up(rate, MONTHLY_RATE_PLACES)
    rounded = half_up(rate, RATE_PLACES)
    return rounded if rounded * line.quantity == sign * line.amount_pln else None
