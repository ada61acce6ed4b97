"""Correcting issued documents: what they say by now, what they should say, and the documents of the difference.

A correction refers to the original. It shows all lines of the document, before and after: the VAT of a rate is that of
their sums, so that a chain of corrections adds up to what the document says last.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from billing.domain.documents import (
    ZERO,
    Document,
    DocumentKind,
    Party,
    Reference,
    Settlement,
)
from billing.domain.issue import Content, IssueTerms, unnumbered


class Change(StrEnum):
    """What a correction does to what is payable."""

    INCREASE = "increase"
    DECREASE = "decrease"
    CANCEL = "cancel"
    #: The amount stays, the lines are others.
    TEXT = "text"
    #: There was no such document yet.
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Chain:
    """An original and its corrections, in the order of issue."""

    documents: tuple[Document, ...]

    @property
    def original(self) -> Document:
        return self.documents[0]

    @property
    def content(self) -> Content:
        """What the document says after its last correction."""
        last = self.documents[-1]
        lines = tuple(line for line in last.lines if not line.before)
        return Content(lines, _settled(each.settlements for each in self.documents))

    @property
    def payable_pln(self) -> Decimal:
        """What the buyer owes after the last correction [PLN]."""
        return sum((each.payable_pln for each in self.documents), ZERO)


def corrections(
    chains: Mapping[DocumentKind, Chain], after: Mapping[DocumentKind, Content], terms: IssueTerms, participant: Party,
    reason: str,
) -> list[Document]:  # fmt: skip
    """The documents, without numbers, that make the chains say `after`; none for what says it already.

    The parties of a correction are those of its original.
    """
    found = []
    for kind in (*after, *(kind for kind in chains if kind not in after)):
        now = after.get(kind, Content(()))
        chain = chains.get(kind)
        if chain is None:
            found.append(unnumbered(kind, terms, participant, now.lines, now.settlements))
        elif (document := correction(chain, now, terms, reason)) is not None:
            found.append(document)
    return found


def correction(chain: Chain, now: Content, terms: IssueTerms, reason: str) -> Document | None:
    """The document, without number, that makes the chain say `now`; None if it says it already."""
    before, original = chain.content, chain.original
    if before.lines == now.lines and before.settlements == now.settlements:
        return None
    lines = (*(replace(line, before=True) for line in before.lines), *now.lines)
    taken_back = tuple(Settlement(each.reason, -each.amount_pln) for each in before.settlements)
    return Document(
        original.kind, "", terms.issued_on, original.first, original.end, original.seller, original.buyer, lines,
        _settled([now.settlements, taken_back]), Reference(original.number, original.issued_on), reason,
    )  # fmt: skip


def change_of(chain: Chain | None, document: Document, now: Content) -> Change:
    """What a correction does, for a list of them."""
    if chain is None:
        return Change.NEW
    if not now.lines and not now.settlements:
        return Change.CANCEL
    if document.payable_pln == 0:
        return Change.TEXT
    return Change.INCREASE if document.payable_pln > 0 else Change.DECREASE


def owed(kind: DocumentKind, payable_pln: Decimal) -> Decimal:
    """A document's amount as what the participant owes: what is sold to the coordinator counts negative [PLN]."""
    return -payable_pln if kind in (DocumentKind.SELF_BILLING, DocumentKind.NOTE) else payable_pln


def _settled(groups: Iterable[Iterable[Settlement]]) -> tuple[Settlement, ...]:
    """Sums by reason, without those that come to nothing."""
    sums: dict[str, Decimal] = {}
    for group in groups:
        for each in group:
            sums[each.reason] = sums.get(each.reason, ZERO) + each.amount_pln
    return tuple(Settlement(reason, amount) for reason, amount in sorted(sums.items()) if amount)
