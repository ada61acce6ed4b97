"""The life of an agreement: its states, the acts that move it on, and who may do them, in one table.

docs/agreements.md draws this table. States that only time brings (`begin`, `end`) are reached at a local midnight.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class State(StrEnum):
    NEW = "new"
    DRAFT = "draft"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    COUNTERSIGNED = "countersigned"
    SIGNED = "signed"
    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    PREPARE = "prepare"
    OFFER = "offer"
    WITHDRAW = "withdraw"
    DECLINE = "decline"
    ACCEPT = "accept"
    RECORD_ACCEPTANCE = "record_acceptance"
    COUNTERSIGN = "countersign"
    REVOKE = "revoke"
    CANCEL = "cancel"
    BEGIN = "begin"
    SUSPEND = "suspend"
    RESUME = "resume"
    GIVE_NOTICE = "give_notice"
    TERMINATE = "terminate"
    CLOSE = "close"
    REPLACE = "replace"
    END = "end"


class Kind(StrEnum):
    """Whom the coordinator agrees with."""

    PARTICIPANT = "participant"
    DSO = "dso"
    SELLER = "seller"
    BUYER = "buyer"


class By(StrEnum):
    """Whose act it is: `office` prepares papers, `coordinator` binds the coordinator, `partner` the other side."""

    OFFICE = "office"
    COORDINATOR = "coordinator"
    PARTNER = "partner"
    TIME = "time"
    SUCCESSOR = "successor"


class AgreementError(Exception):
    """The act is not possible; the text says why, for the person who tried."""


@dataclass(frozen=True)
class Transition:
    """One row of the table; `kinds` empty = agreements with anybody."""

    act: Act
    source: State
    target: State
    by: By
    kinds: frozenset[Kind] = frozenset()

    def fits(self, kind: Kind) -> bool:
        return not self.kinds or kind in self.kinds


_SIGN_IN = frozenset({Kind.PARTICIPANT, Kind.DSO})
#: They have no login: the coordinator keeps their signed paper and records it.
ON_PAPER = frozenset({Kind.SELLER, Kind.BUYER})

TRANSITIONS: tuple[Transition, ...] = (
    Transition(Act.PREPARE, State.NEW, State.DRAFT, By.OFFICE),
    Transition(Act.OFFER, State.DRAFT, State.OFFERED, By.OFFICE),
    Transition(Act.WITHDRAW, State.DRAFT, State.WITHDRAWN, By.OFFICE),
    Transition(Act.WITHDRAW, State.OFFERED, State.WITHDRAWN, By.OFFICE),
    Transition(Act.WITHDRAW, State.ACCEPTED, State.WITHDRAWN, By.OFFICE),
    Transition(Act.WITHDRAW, State.COUNTERSIGNED, State.WITHDRAWN, By.COORDINATOR),
    Transition(Act.DECLINE, State.OFFERED, State.WITHDRAWN, By.PARTNER, _SIGN_IN),
    Transition(Act.DECLINE, State.COUNTERSIGNED, State.WITHDRAWN, By.PARTNER, _SIGN_IN),
    Transition(Act.ACCEPT, State.OFFERED, State.ACCEPTED, By.PARTNER, _SIGN_IN),
    Transition(Act.ACCEPT, State.COUNTERSIGNED, State.SIGNED, By.PARTNER, _SIGN_IN),
    Transition(Act.RECORD_ACCEPTANCE, State.OFFERED, State.ACCEPTED, By.COORDINATOR, ON_PAPER),
    Transition(Act.RECORD_ACCEPTANCE, State.COUNTERSIGNED, State.SIGNED, By.COORDINATOR, ON_PAPER),
    Transition(Act.COUNTERSIGN, State.OFFERED, State.COUNTERSIGNED, By.COORDINATOR),
    Transition(Act.COUNTERSIGN, State.ACCEPTED, State.SIGNED, By.COORDINATOR),
    Transition(Act.REVOKE, State.SIGNED, State.WITHDRAWN, By.PARTNER, frozenset({Kind.PARTICIPANT})),
    # The distributor's stays: how grid fees are settled was set with it.
    Transition(Act.CANCEL, State.SIGNED, State.WITHDRAWN, By.COORDINATOR, frozenset(Kind) - {Kind.DSO}),
    Transition(Act.BEGIN, State.SIGNED, State.IN_FORCE, By.TIME),
    Transition(Act.SUSPEND, State.IN_FORCE, State.SUSPENDED, By.COORDINATOR),
    Transition(Act.RESUME, State.SUSPENDED, State.IN_FORCE, By.COORDINATOR),
    Transition(Act.GIVE_NOTICE, State.SIGNED, State.TERMINATED, By.PARTNER, _SIGN_IN),
    Transition(Act.GIVE_NOTICE, State.IN_FORCE, State.TERMINATED, By.PARTNER, _SIGN_IN),
    Transition(Act.GIVE_NOTICE, State.SUSPENDED, State.TERMINATED, By.PARTNER, _SIGN_IN),
    Transition(Act.TERMINATE, State.SIGNED, State.TERMINATED, By.COORDINATOR),
    Transition(Act.TERMINATE, State.IN_FORCE, State.TERMINATED, By.COORDINATOR),
    Transition(Act.TERMINATE, State.SUSPENDED, State.TERMINATED, By.COORDINATOR),
    Transition(Act.CLOSE, State.SIGNED, State.WITHDRAWN, By.COORDINATOR),
    Transition(Act.CLOSE, State.IN_FORCE, State.TERMINATED, By.COORDINATOR),
    Transition(Act.CLOSE, State.SUSPENDED, State.TERMINATED, By.COORDINATOR),
    Transition(Act.CLOSE, State.TERMINATED, State.TERMINATED, By.COORDINATOR),
    Transition(Act.REPLACE, State.IN_FORCE, State.TERMINATED, By.SUCCESSOR),
    Transition(Act.REPLACE, State.SUSPENDED, State.TERMINATED, By.SUCCESSOR),
    Transition(Act.END, State.TERMINATED, State.ENDED, By.TIME),
)

_TABLE = {(row.act, row.source): row for row in TRANSITIONS}
_PARTNERS = {Kind.PARTICIPANT: "sign_for_participant", Kind.DSO: "sign_for_dso"}

#: Nothing is signed yet by both sides: an offer of which a partner can have one at a time.
OPEN = frozenset({State.DRAFT, State.OFFERED, State.ACCEPTED, State.COUNTERSIGNED})
#: Concluded, without an end.
STANDING = frozenset({State.SIGNED, State.IN_FORCE, State.SUSPENDED})


def permission(row: Transition, kind: Kind) -> str | None:
    """The action in the table of roles that lets a person do it; None = no person does it."""
    if row.by == By.OFFICE:
        return "change_people"
    if row.by == By.COORDINATOR:
        return "sign_for_coordinator"
    return _PARTNERS.get(kind) if row.by == By.PARTNER else None


def transition(act: Act, source: State, kind: Kind) -> Transition:
    """The row of the table; raises AgreementError where there is none."""
    row = _TABLE.get((act, source))
    if row is None or not row.fits(kind):
        raise AgreementError(f"{act} is not possible: the agreement is {source}")
    return row


def acts_from(source: State, kind: Kind) -> list[Transition]:
    """What may happen next, in the order of the table."""
    return [row for row in TRANSITIONS if row.source == source and row.fits(kind)]


def on_day(stored: State, day: date, today: date) -> State:
    """The state on a local day: what was concluded for a day begins, or ends, when that day comes."""
    if stored == State.SIGNED and day <= today:
        return State.IN_FORCE
    if stored == State.TERMINATED and day <= today:
        return State.ENDED
    return stored


def first_day(asked: date, today: date) -> date:
    """The day from which both signatures hold: the one asked for, or the next midnight: the past is settled."""
    return max(asked, today + timedelta(days=1))


def notice_end(today: date, notice_days: int) -> date:
    """The first day without the agreement, when notice is given today.

    >>> notice_end(date(2026, 6, 10), 30)
    datetime.date(2026, 7, 11)
    """
    return today + timedelta(days=notice_days + 1)


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    start = {State.NEW: "[*]"}
    lines = ["stateDiagram-v2"]
    for row in TRANSITIONS:
        source = start.get(row.source, row.source.value)
        lines.append(f"    {source} --> {row.target.value}: {row.act.value} ({row.by.value})")
    lines += [f"    {state.value} --> [*]" for state in (State.ENDED, State.WITHDRAWN)]
    return "\n".join(lines)
