"""From sums to a member's statement of one month."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from billing.domain.inputs import BUY, Member, Span, Terms
from billing.domain.lines import ASSURANCE, BILLED_FIRST, MONTH, NANO_PER_CENT, Line, span_lines
from billing.domain.promises import Promise, promises
from contracts.domain.fees import EXTERNAL
from contracts.domain.money import NANO

#: What stands in a digest, as `astuple` gives it, which is twenty times slower.
_PROMISE = attrgetter(*(field.name for field in fields(Promise)))


@dataclass(frozen=True, slots=True)
class StatementDraft:
    """A finished statement: its lines in reading order, assurance last, and the promises of both sides."""

    member: Member
    lines: tuple[Line, ...]
    promises: tuple[Promise, Promise]

    @property
    def amount_nano(self) -> int:
        """Σ of all lines, assurance included: what the member owes (positive) or is owed."""
        return sum(line.amount_nano for line in self.lines)

    def total_nano(self, component: str) -> int:
        """Σ of one component's lines."""
        return sum(line.amount_nano for line in self.lines if line.component == component)

    @property
    def content_digest(self) -> str:
        """SHA-256 of lines and promises: equal whenever the same is billed."""
        rows = [*self.lines, *map(_PROMISE, self.promises)]
        text = "".join(",".join(map(str, row)) + "\n" for row in rows)
        return hashlib.sha256(text.encode()).hexdigest()


def build_statement(member: Member, spans: Sequence[Span], terms: Terms) -> StatementDraft:
    """The statement of a member from its spans, in any order; no spans give a statement without lines.

    Raises `BillingError` for a price that is missing, `TariffError` for a rate or discount that is.
    """
    lines = sorted((line for span in spans for line in span_lines(span, terms)), key=_reading_order)
    kept = promises(member, spans, lines, terms)
    first = min((span.first for span in spans), default=terms.first)
    end = max((span.end for span in spans), default=terms.end)
    assurance = tuple(
        Line(promise.side, "", ASSURANCE, "", "", first, end, NANO, MONTH, -cents * NANO_PER_CENT)
        for promise in kept
        if (cents := promise.assurance_cents)
    )
    return StatementDraft(member, (*lines, *assurance), kept)


def _reading_order(line: Line) -> tuple[object, ...]:
    """By point and side; energy, excise and fee before the grid's components; local levels before the outside."""
    rank = BILLED_FIRST.index(line.component) if line.component in BILLED_FIRST else len(BILLED_FIRST)
    return (
        line.metering_point, line.side != BUY, rank, line.component, line.zone,
        line.sharing_level == EXTERNAL, line.sharing_level, line.rate_from, line.rate_to, line.unit,
    )  # fmt: skip
