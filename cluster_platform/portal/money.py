"""A member's statements: the newest revision of each month, its lines and its two promises."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.domain.relief import is_relief
from billing.models import Promise, Side, Statement, StatementLine
from metering.domain.calendar import format_period
from participants.models import Participant

ZERO = Decimal(0)
#: The columns of statements.csv.
CSV_COLUMNS = (
    "period", "participant", "metering_point", "component", "zone", "sharing_level", "rate_from", "rate_to",
    "quantity", "unit", "amount_exact_pln", "net_pln",
)  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """One side of a statement against the standard mechanism (PLN; what is paid or received, both positive)."""

    side: str
    basis: str
    standard_pln: Decimal
    cluster_pln: Decimal
    better_pln: Decimal
    assurance_pln: Decimal

    @property
    def share(self) -> Decimal | None:
        """How much better, of the standard; None where that is nothing, or less than could be said in whole percent."""
        share = self.better_pln / self.standard_pln if self.standard_pln > 0 else ZERO
        return share if share >= Decimal("0.005") else None

    @property
    def largest_pln(self) -> Decimal:
        return max(self.standard_pln, self.cluster_pln, ZERO)


@dataclass(frozen=True)
class Component:
    """The lines of one component, and their sum (PLN, net; a cost is positive)."""

    side: str
    component: str
    lines: list[StatementLine]

    @property
    def net_pln(self) -> Decimal:
        return sum((line.net_pln for line in self.lines), ZERO)


def newest_statements(participant_id: int) -> dict[date, Statement]:
    """All months that the member has a statement of, newest first."""
    statements = Statement.objects.filter(participant_id=participant_id).order_by("-period", "-revision")
    return {row.period: row for row in statements.distinct("period")}


def kept_promises(statement: Statement) -> list[Kept]:
    """Both sides, after assurance; buying first. A side on which nothing was due either way is left out."""
    kept = []
    for promise in Promise.objects.filter(statement=statement).order_by("side"):
        if promise.standard_pln == 0 and promise.p2p_pln == 0:
            continue
        sign = 1 if promise.side == Side.BUY else -1
        kept.append(
            Kept(
                side=promise.side,
                basis=promise.basis,
                standard_pln=sign * promise.standard_pln,
                cluster_pln=sign * (promise.p2p_pln - promise.assurance_pln),
                better_pln=promise.difference_pln + promise.assurance_pln,
                assurance_pln=promise.assurance_pln,
            )
        )
    return kept


def saved(kept: list[Kept]) -> Decimal:
    """By how much the member is better off on both sides together (PLN)."""
    return sum((side.better_pln for side in kept), ZERO)


def components(statement: Statement) -> list[Component]:
    """The statement's lines by side and component, in the statement's order."""
    grouped: dict[tuple[str, str], list[StatementLine]] = {}
    for line in statement.lines.select_related("metering_point").order_by("position"):
        grouped.setdefault((line.side, line.component), []).append(line)
    return [Component(side, component, lines) for (side, component), lines in grouped.items()]


@dataclass(frozen=True)
class Relief:
    """What the statutory hour waived: its energy (kWh), and the sum of its lines (PLN, net, positive)."""

    kwh: Decimal
    waived_pln: Decimal


def relief_of(parts: list[Component]) -> Relief | None:
    """The statutory relief among the components of a statement; None if there was none."""
    relieved = [part for part in parts if is_relief(part.component)]
    if not relieved:
        return None
    energy = max(sum((line.quantity for line in part.lines), ZERO) for part in relieved)
    return Relief(energy, -sum((part.net_pln for part in relieved), ZERO))


def csv_rows(statement: Statement, participant: Participant) -> Iterator[tuple[object, ...]]:
    """The statement's lines in CSV_COLUMNS, in the statement's order."""
    for line in statement.lines.select_related("metering_point").order_by("position"):
        point = line.metering_point.code if line.metering_point else ""
        quantity = line.quantity.quantize(Decimal("0.001")) if line.unit == "kWh" else line.quantity
        yield (
            format_period(statement.period), participant.code, point, line.component, line.zone, line.sharing_level,
            line.rate_from, line.rate_to, quantity, line.unit, line.amount_exact_pln, line.net_pln,
        )  # fmt: skip
