"""Who may do what: the one table of roles and actions, asked by pages, admin and API.

A role is how a user stands in a cluster (`Access.who`); levels of a membership are roles of their own here. The table
says what a role may do at all; `may` adds that it is done to rows of one's own cluster, and of one's own participant.
A distributor's user who looks after a part of the grid only is checked in `metering.selectors.areas`.
"""

from typing import Any, Literal, get_args

from participants.access import Access, Who

Action = Literal[
    "apply",
    "view_own",
    "act_for_participant",
    "sign_for_participant",
    "decide_privacy",
    "manage_delegates",
    "view_cluster",
    "view_audit",
    "export_cluster",
    "change_people",
    "review_applications",
    "answer_complaints",
    "change_grid",
    "substitute_readings",
    "deliver_readings",
    "answer_findings",
    "change_prices",
    "settle_externally",
    "book_payments",
    "send_bills",
    "change_settings",
    "manage_roles",
    "sign_for_coordinator",
    "view_missing",
    "confirm_points",
    "sign_for_dso",
    "view_tariff_books",
    "change_tariff_books",
    "operate",
]
ACTIONS: tuple[Action, ...] = get_args(Action)

_OWN: frozenset[Action] = frozenset({"view_own"})
_ACT: frozenset[Action] = _OWN | {"act_for_participant", "sign_for_participant"}
_LOOK: frozenset[Action] = frozenset({"view_cluster", "view_audit", "view_tariff_books"})
_ACCOUNTS: frozenset[Action] = _LOOK | {
    "settle_externally",
    "export_cluster",
    "change_prices",
    "book_payments",
    "send_bills",
}
_RUN: frozenset[Action] = _ACCOUNTS | {
    "change_people",
    "review_applications",
    "answer_complaints",
    "change_grid",
    "substitute_readings",
    "deliver_readings",
    "answer_findings",
    "change_settings",
    "manage_roles",
}

_DSO: frozenset[Action] = frozenset(
    {"view_missing", "deliver_readings", "answer_findings", "confirm_points", "view_tariff_books"}
)

TABLE: dict[Who, frozenset[Action]] = {
    "member": _ACT | {"decide_privacy", "manage_delegates"},
    "delegate_act": _ACT,
    "delegate_read": _OWN,
    "coordinator_admin": _RUN | {"sign_for_coordinator"},
    "coordinator_accountant": _ACCOUNTS,
    "coordinator_readonly": _LOOK,
    "dso": _DSO | {"sign_for_dso", "change_tariff_books"},
    "dso_area": _DSO,
    "applicant": frozenset({"apply"}),
    "operator": _RUN | {"operate"},
}


def may(access: Access | None, action: Action, obj: Any = None) -> bool:
    """Whether `access` allows `action`, and on `obj` if one is given.

    A row of another cluster is nobody's; who acts for a participant has only the participant itself and rows that name
    it in `participant`.
    """
    if access is None or action not in TABLE[access.who]:
        return False
    if obj is None:
        return True
    # A participant and a cluster name themselves; all other rows name them.
    kind = obj._meta.label
    if access.cluster_id != (obj.pk if kind == "participants.Cluster" else getattr(obj, "cluster_id", None)):
        return False
    if access.role != "member":
        return True
    return access.participant_id == (
        obj.pk if kind == "participants.Participant" else getattr(obj, "participant_id", None)
    )
