"""What a bill is made of, as its participant sees it: positive is what it pays [PLN]."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.domain.documents import ZERO, Bill, Document, EnergyShare, KeptPromise, Settlement


@dataclass(frozen=True, slots=True)
class Part:
    """All lines of one component and zone, on the documents that correct nothing; net of VAT."""

    component: str
    zone: str
    quantity: Decimal
    unit: str
    net_pln: Decimal


@dataclass(frozen=True, slots=True)
class Summary:
    """`Σ parts + VAT + Σ corrections + Σ settlements` is what is payable."""

    parts: tuple[Part, ...]
    vat_pln: Decimal
    #: Each with what it changes, VAT included.
    corrections: tuple[tuple[Document, Decimal], ...]
    settlements: tuple[Settlement, ...]

    @property
    def payable_pln(self) -> Decimal:
        """The bill's amount [PLN]."""
        parts = sum((part.net_pln for part in self.parts), ZERO)
        corrections = sum((amount for _, amount in self.corrections), ZERO)
        return parts + self.vat_pln + corrections + sum((each.amount_pln for each in self.settlements), ZERO)


def sign_of(bill: Bill, document: Document) -> int:
    """1 where the participant buys, -1 where it sells."""
    return 1 if document.buyer.code == bill.participant.code else -1


def summary(bill: Bill) -> Summary:
    """By component and zone in the order of the documents; settlements by reason."""
    parts: dict[tuple[str, str, str], Part] = {}
    vat = ZERO
    corrections: list[tuple[Document, Decimal]] = []
    settlements: dict[str, Settlement] = {}
    for document in bill.documents:
        sign = sign_of(bill, document)
        for each in document.settlements:
            known = settlements.get(each.reason, Settlement(each.reason, ZERO))
            settlements[each.reason] = replace(known, amount_pln=known.amount_pln + sign * each.amount_pln)
        if document.corrects:
            corrections.append((document, sign * document.gross_pln))
            continue
        vat += sign * document.vat_pln
        for line in document.lines:
            key = (line.component, line.zone, line.unit)
            part = parts.get(key, Part(line.component, line.zone, ZERO, line.unit, ZERO))
            parts[key] = replace(
                part, quantity=part.quantity + line.quantity, net_pln=part.net_pln + sign * line.net_pln
            )
    return Summary(tuple(parts.values()), vat, tuple(corrections), tuple(settlements.values()))


def shares(energy: tuple[EnergyShare, ...]) -> Iterator[tuple[EnergyShare, Decimal]]:
    """What there is of one side, each with its share of the side's energy."""
    total = sum(each.wh for each in energy)
    for each in energy:
        if each.wh:
            yield each, Decimal(each.wh) / total


def better_by(promise: KeptPromise) -> Decimal:
    """By how much the participant is better off than under the standard mechanism, assurance included [PLN]."""
    return promise.standard_pln - promise.p2p_pln + promise.assurance_pln
