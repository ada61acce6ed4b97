"""A bill and its documents, as issued: everything that a PDF, an e-invoice or an export shows, frozen.

A *bill* is what one creditor asks of, or owes to, one participant at once: its documents and one amount to transfer.
A *document* is one numbered paper of it. Money is Decimal PLN with 2 decimals; local days `[first, end)`.

VAT is charged on the sum of the net lines of a rate, half up (the EN 16931 way), never line by line. What lies outside
VAT (assurance, what is carried over) is no line but a *settlement* below the gross amount.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from billing.domain.errors import BillingError
from contracts.domain.money import half_up

ZERO = Decimal("0.00")


class DocumentKind(StrEnum):
    """What a document is. A correction has the kind of what it corrects, and names it in `corrects`."""

    SALE = "sale"
    #: The coordinator issues it on behalf of a seller who is a VAT payer.
    SELF_BILLING = "self_billing"
    #: To a seller who is none: no VAT, not an invoice, never in KSeF.
    NOTE = "note"
    #: The distributor's own grid fees, where it settles directly with the participants.
    GRID = "grid"
    #: Interest on what was paid late: no VAT.
    INTEREST = "interest"


@dataclass(frozen=True, slots=True)
class Party:
    """Seller or buyer as on the day of issue. `code` is the participant's number, empty for others."""

    code: str
    name: str
    street: str
    postcode: str
    city: str
    country: str
    nip: str
    iban: str


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line; positive is what the buyer owes the seller. `before` marks what a correction takes back.

    `unit_price_pln` is the rate that applied, None where several are summed in the line. `vat_rate` is a fraction
    (0.23), None outside VAT (all lines of a `note` or of `interest`).
    """

    position: int
    metering_point: str
    component: str
    zone: str
    sharing_level: str
    first: date
    end: date
    quantity: Decimal
    unit: str
    unit_price_pln: Decimal | None
    net_pln: Decimal
    vat_rate: Decimal | None
    before: bool = False


@dataclass(frozen=True, slots=True)
class VatSum:
    """All lines of one rate: `vat = half_up(net × rate)`, `gross = net + vat`."""

    rate: Decimal | None
    net_pln: Decimal
    vat_pln: Decimal

    @property
    def gross_pln(self) -> Decimal:
        """Net plus VAT [PLN]."""
        return self.net_pln + self.vat_pln


@dataclass(frozen=True, slots=True)
class Settlement:
    """An amount outside VAT that changes what is payable [PLN]: positive adds to what the buyer owes the seller."""

    reason: str
    amount_pln: Decimal


@dataclass(frozen=True, slots=True)
class Reference:
    """The document that a correction refers to: the original, whose first issue the chain began with."""

    number: str
    issued_on: date
    ksef_number: str = ""


@dataclass(frozen=True)
class Document:
    """One numbered document. Amounts follow from lines and settlements; a correction's are the differences."""

    kind: DocumentKind
    number: str
    issued_on: date
    first: date
    end: date
    seller: Party
    buyer: Party
    lines: tuple[DocumentLine, ...]
    settlements: tuple[Settlement, ...] = ()
    corrects: Reference | None = None
    reason: str = ""
    #: Once KSeF has accepted it: its number there, and the address at which anybody can check it.
    ksef_number: str = ""
    ksef_link: str = ""

    @cached_property
    def vat_sums(self) -> tuple[VatSum, ...]:
        """Sums per VAT rate, highest rate first, what lies outside VAT last; before-lines count negative."""
        return vat_sums(self.lines)

    @property
    def net_pln(self) -> Decimal:
        """Σ net [PLN]."""
        return sum((each.net_pln for each in self.vat_sums), ZERO)

    @property
    def vat_pln(self) -> Decimal:
        """Σ VAT [PLN]."""
        return sum((each.vat_pln for each in self.vat_sums), ZERO)

    @property
    def gross_pln(self) -> Decimal:
        """Net plus VAT [PLN]."""
        return self.net_pln + self.vat_pln

    @property
    def payable_pln(self) -> Decimal:
        """What the buyer owes the seller for this document, settlements included [PLN]."""
        return self.gross_pln + sum((each.amount_pln for each in self.settlements), ZERO)


@dataclass(frozen=True, slots=True)
class EnergyShare:
    """Energy of one sharing level (`external` = outside) on one side, `buy` or `sell` [Wh]."""

    side: str
    sharing_level: str
    wh: int


@dataclass(frozen=True, slots=True)
class KeptPromise:
    """One side against the standard mechanism, as in promises.csv [PLN]; a cost is positive."""

    side: str
    basis: str
    p2p_pln: Decimal
    standard_pln: Decimal
    assurance_pln: Decimal


@dataclass(frozen=True, slots=True)
class Bill:
    """What one creditor (the coordinator, or the distributor) settles with a participant at once.

    `payable_pln` is positive where the participant pays, negative where it is paid; `account` is the IBAN to pay to
    (the creditor's, or the participant's own for a payout). `reference` is the title of the transfer.
    """

    reference: str
    issued_on: date
    due_on: date
    creditor: Party
    participant: Party
    documents: tuple[Document, ...]
    energy: tuple[EnergyShare, ...] = ()
    promises: tuple[KeptPromise, ...] = ()

    @property
    def payable_pln(self) -> Decimal:
        """Purchases less sales [PLN]: positive where the participant pays."""
        return sum(
            (
                document.payable_pln if document.buyer.code == self.participant.code else -document.payable_pln
                for document in self.documents
            ),
            ZERO,
        )


def vat_sums(lines: Iterable[DocumentLine]) -> tuple[VatSum, ...]:
    """Sums per VAT rate, highest rate first, what lies outside VAT last.

    Of a correction, the VAT of a rate is the difference of the two rounded VATs, so that a chain of corrections adds
    up to its original.
    """
    before: dict[Decimal | None, Decimal] = {}
    after: dict[Decimal | None, Decimal] = {}
    for line in lines:
        if line.net_pln != half_up(line.net_pln, 2):
            raise BillingError(f"line {line.position} has {line.net_pln} PLN; a document's line has two decimals")
        sums = before if line.before else after
        sums[line.vat_rate] = sums.get(line.vat_rate, ZERO) + line.net_pln
    rates = sorted({*before, *after}, key=lambda rate: (rate is None, -(rate or 0)))
    return tuple(
        VatSum(
            rate,
            after.get(rate, ZERO) - before.get(rate, ZERO),
            _vat(after.get(rate, ZERO), rate) - _vat(before.get(rate, ZERO), rate),
        )
        for rate in rates
    )


def _vat(net: Decimal, rate: Decimal | None) -> Decimal:
    return ZERO if rate is None else half_up(net * rate, 2)
