"""The table of states: every act in every state by every role, the drawing in the docs, and the days."""

import datetime as dt
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied

from contracts.agreement_models import AgreementState, PartnerKind
from contracts.agreement_words import DONE
from contracts.domain import agreement_states as states
from contracts.domain.agreement_states import Act, AgreementError, By, Kind, State
from contracts.domain.contract_days import Days, scheme_on, with_scheme
from contracts.models import Agreement, AgreementEvent
from contracts.services import agreements
from contracts.services.agreements import Actor, Evidence
from participants.access import Access
from participants.permissions import TABLE
from participants.tenancy.scope import scope
from tests.cast import NOON, Cast

TODAY = dt.date(2026, 6, 11)
START = dt.date(2026, 6, 12)
JULY = dt.date(2026, 7, 1)
LATER = dt.datetime(2026, 6, 15, 10, tzinfo=dt.UTC)
ON_TIME = [Act.BEGIN, Act.END, Act.PREPARE, Act.REPLACE]
BY_PEOPLE = [act for act in Act if act not in ON_TIME]
#: The acts that lead to a state; later ones than the signatures are done on a later day.
WAYS: dict[State, list[Act]] = {
    State.DRAFT: [],
    State.OFFERED: [Act.OFFER],
    State.ACCEPTED: [Act.OFFER, Act.ACCEPT],
    State.COUNTERSIGNED: [Act.OFFER, Act.COUNTERSIGN],
    State.SIGNED: [Act.OFFER, Act.ACCEPT, Act.COUNTERSIGN],
    State.IN_FORCE: [Act.OFFER, Act.COUNTERSIGN, Act.ACCEPT],
    State.SUSPENDED: [Act.OFFER, Act.ACCEPT, Act.COUNTERSIGN, Act.SUSPEND],
    State.TERMINATED: [Act.OFFER, Act.ACCEPT, Act.COUNTERSIGN, Act.GIVE_NOTICE],
    State.ENDED: [Act.OFFER, Act.ACCEPT, Act.COUNTERSIGN, Act.CLOSE],
    State.WITHDRAWN: [Act.OFFER, Act.WITHDRAW],
}
#: Written down apart from the table: who may do what to an agreement with a participant.
EXPECTED: dict[tuple[Act, State], set[str]] = {
    (Act.OFFER, State.DRAFT): {"coordinator_admin", "operator"},
    (Act.WITHDRAW, State.DRAFT): {"coordinator_admin", "operator"},
    (Act.WITHDRAW, State.OFFERED): {"coordinator_admin", "operator"},
    (Act.WITHDRAW, State.ACCEPTED): {"coordinator_admin", "operator"},
    (Act.WITHDRAW, State.COUNTERSIGNED): {"coordinator_admin"},
    (Act.DECLINE, State.OFFERED): {"member", "delegate_act"},
    (Act.DECLINE, State.COUNTERSIGNED): {"member", "delegate_act"},
    (Act.ACCEPT, State.OFFERED): {"member", "delegate_act"},
    (Act.ACCEPT, State.COUNTERSIGNED): {"member", "delegate_act"},
    (Act.COUNTERSIGN, State.OFFERED): {"coordinator_admin"},
    (Act.COUNTERSIGN, State.ACCEPTED): {"coordinator_admin"},
    (Act.REVOKE, State.SIGNED): {"member", "delegate_act"},
    (Act.CANCEL, State.SIGNED): {"coordinator_admin"},
    (Act.GIVE_NOTICE, State.SIGNED): set(),  # Of an amendment only: what is new is revoked.
    (Act.TERMINATE, State.SIGNED): {"coordinator_admin"},
    (Act.CLOSE, State.SIGNED): {"coordinator_admin"},
    (Act.SUSPEND, State.IN_FORCE): {"coordinator_admin"},
    (Act.RESUME, State.SUSPENDED): {"coordinator_admin"},
    (Act.GIVE_NOTICE, State.IN_FORCE): {"member", "delegate_act"},
    (Act.GIVE_NOTICE, State.SUSPENDED): {"member", "delegate_act"},
    (Act.TERMINATE, State.IN_FORCE): {"coordinator_admin"},
    (Act.TERMINATE, State.SUSPENDED): {"coordinator_admin"},
    (Act.CLOSE, State.IN_FORCE): {"coordinator_admin"},
    (Act.CLOSE, State.SUSPENDED): {"coordinator_admin"},
    (Act.CLOSE, State.TERMINATED): {"coordinator_admin"},
}
LEVELS = {
    "member": ("member", "full"), "delegate_act": ("member", "act"), "delegate_read": ("member", "read"),
    "coordinator_admin": ("coordinator", "full"), "coordinator_accountant": ("coordinator", "accounts"),
    "coordinator_readonly": ("coordinator", "read"), "dso": ("dso", "full"), "dso_area": ("dso", "area"),
    "applicant": ("applicant", "full"), "operator": ("operator", "full"),
}  # fmt: skip


def actor(cast: Cast, who: str) -> Actor:
    role, level = LEVELS[who]
    participant = cast.buyer.pk if role == "member" else None
    user = cast.colleague if role == "member" else cast.coordinator
    return Actor(user, Access(cast.cluster.pk, role, participant, level))


def do(agreement: Agreement, act: Act, who: Actor, now: dt.datetime) -> None:
    how = Evidence(agreement.documents.get().pdf_sha256, "I accept.", None, [])
    match act:
        case Act.ACCEPT:
            agreements.sign(agreement, who, "partner", now, how)
        case Act.COUNTERSIGN:
            agreements.sign(agreement, who, "coordinator", now, how)
        case Act.GIVE_NOTICE | Act.TERMINATE:
            agreements.terminate(agreement, who, now)
        case Act.CLOSE:
            agreements.end_by_move_or_death(agreement, who, now, None, "moved")
        case Act.OFFER | Act.WITHDRAW | Act.DECLINE | Act.REVOKE | Act.SUSPEND | Act.RESUME:
            getattr(agreements, act.value)(agreement, who, now)


def brought_to(cast: Cast, state: State) -> tuple[Agreement, dt.datetime]:
    office = actor(cast, "coordinator_admin")
    agreement = agreements.prepare(cast.cluster, office, NOON, START, participant=cast.buyer, language="en")
    now = NOON
    for act in WAYS[state]:
        if act in (Act.SUSPEND, Act.GIVE_NOTICE, Act.CLOSE):
            now = LATER
        do(agreement, act, actor(cast, "member") if act in (Act.ACCEPT, Act.GIVE_NOTICE) else office, now)
    if state == State.IN_FORCE:
        now = LATER
    if state == State.ENDED:
        now = LATER + dt.timedelta(days=1)
    assert agreements.standing_of(agreement, now).state == state
    return agreement, now


@pytest.mark.parametrize("state", list(WAYS))
def test_every_act_in_every_state_by_every_role(state: State, cast: Cast) -> None:
    """What the table doesn't allow is refused, and leaves no trace."""
    with scope(cast.cluster.pk):
        agreement, now = brought_to(cast, state)
        for act in BY_PEOPLE:
            if act in (Act.RECORD_ACCEPTANCE, Act.CANCEL):
                continue  # Only for partners without a login; what notice before the first day may come to.
            for who in LEVELS:
                if act in (Act.GIVE_NOTICE, Act.TERMINATE) and (act == Act.GIVE_NOTICE) != (
                    LEVELS[who][0] in ("member", "dso")
                ):
                    continue  # One service for both; whose act it is follows from the role.
                allowed = who in EXPECTED.get((act, state), set())
                count = AgreementEvent.objects.count()
                try:
                    with scope(cast.cluster.pk):
                        do(agreement, act, actor(cast, who), now)
                        done = True
                        raise UndoError
                except UndoError:
                    pass
                except (AgreementError, PermissionDenied):
                    done = False
                assert done == allowed, (act, state, who)
                assert AgreementEvent.objects.count() == count


class UndoError(Exception):
    """Takes back what was tried."""


def test_the_expectation_covers_the_whole_table() -> None:
    rows = {(row.act, row.source) for row in states.TRANSITIONS if row.act in BY_PEOPLE and row.fits(Kind.PARTICIPANT)}
    assert rows == set(EXPECTED)
    assert set(LEVELS) - {"dso_area"} <= set(TABLE)
    assert set(TABLE) <= set(LEVELS), "a role is not tried"


def test_only_time_and_a_successor_need_no_permission() -> None:
    for row in states.TRANSITIONS:
        for kind in filter(row.fits, Kind):
            assert (states.permission(row, kind) is None) == (row.by in (By.TIME, By.SUCCESSOR)), (row, kind)


def test_every_state_is_reached_and_left_but_for_the_last_ones() -> None:
    assert {row.target for row in states.TRANSITIONS} == set(State) - {State.NEW}
    assert {row.source for row in states.TRANSITIONS} == set(State) - {State.ENDED, State.WITHDRAWN}
    assert len({(row.act, row.source) for row in states.TRANSITIONS}) == len(states.TRANSITIONS)


def test_words_exist_for_all_states_acts_and_kinds() -> None:
    assert {str(state) for state in State} - {"new"} == set(AgreementState.values)
    assert {str(act) for act in Act} == {str(act) for act in DONE}
    assert {str(kind) for kind in Kind} == set(PartnerKind.values)


def test_the_docs_draw_this_table() -> None:
    page = Path(settings.BASE_DIR, "docs", "agreements.md").read_text()
    assert states.diagram() in page
    for row in states.TRANSITIONS:
        assert f"| `{row.act}` | {row.source} → {row.target} | {row.by} |" in page


DAYS = [Days(dt.date(2026, 1, 1), None, "p2p")]


@pytest.mark.parametrize(
    ("first", "end", "scheme", "expected"),
    [
        (JULY, None, "p2p", DAYS),
        (JULY, None, "standard", [Days(dt.date(2026, 1, 1), JULY, "p2p"), Days(JULY, None, "standard")]),
        (JULY, None, None, [Days(dt.date(2026, 1, 1), JULY, "p2p")]),
        (
            JULY,
            dt.date(2026, 8, 1),
            None,
            [Days(dt.date(2026, 1, 1), JULY, "p2p"), Days(dt.date(2026, 8, 1), None, "p2p")],
        ),
        (dt.date(2025, 1, 1), None, "standard", [Days(dt.date(2025, 1, 1), None, "standard")]),
    ],
)
def test_days_under_a_scheme(first: dt.date, end: dt.date | None, scheme: str | None, expected: list[Days]) -> None:
    after = with_scheme(DAYS, first, end, scheme)
    assert after == expected
    assert scheme_on(after, first) == scheme
