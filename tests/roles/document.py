"""docs/roles.md from the tests' table: `python -m tests.roles.document` writes it."""

import os
from collections.abc import Iterable
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cluster_platform.settings")
django.setup()

from participants.permissions import ACTIONS, TABLE  # noqa: E402
from tests.roles.table import ADMIN_MODELS, ADMIN_ROUTES, ROLES, ROUTES  # noqa: E402

PATH = Path(__file__).parents[2] / "docs" / "roles.md"
INTRODUCTION = """# Roles

Made from the tables that the tests try on every address (`python -m tests.roles.document`): not to be edited by hand.

- **member**: the participant. **delegate_act** sees the same pages, signs and complains in the member's name;
  **delegate_read** only looks. Members invite and remove delegates under *Delegates*.
- **coordinator_admin** runs the cluster, **coordinator_accountant** keeps prices and takes tables along,
  **coordinator_readonly** looks. An administrator invites them under *Invitations to roles*.
- **dso**: the distributor, in all clusters on its grid; **dso_area** only below the grid nodes that the operator gave.
- **applicant** has only the own application. **operator** runs the platform. **nobody** is signed in without a role,
  **machine** has an API key of
  a cluster, **dso_machine** one of a distributor.

Every role holds in one cluster. What belongs to a participant is for those who act for it, and another cluster's rows
do not exist, whatever a request sends along.
"""


def document() -> str:
    people = [role for role in ROLES if role in TABLE]
    parts = [INTRODUCTION, "## Actions\nThe one table of `participants/permissions.py`.\n"]
    rows: list[list[str]] = [[action, *("✓" if action in TABLE[who] else "" for who in people)] for action in ACTIONS]  # type: ignore[index]
    parts.append(_table(["action", *people], rows))
    parts.append("## Pages and API\nr: may open it (GET), w: may send to it (POST).\n")
    parts.append(_table(["address", *ROLES], [_line(name, r.get, r.post) for name, r in sorted(ROUTES.items())]))
    parts.append("## Admin\nr: may look, w: may change, a: may add, d: may delete.\n")
    models = []
    for name, model in sorted(ADMIN_MODELS.items()):
        sets = {"r": model.view, "w": model.change, "a": model.may_add, "d": model.delete}
        models.append([name, *("".join(key for key, who in sets.items() if role in who) for role in ROLES)])
    parts.append(_table(["rows", *ROLES], models))
    parts.append("x: may do it for several rows at once.\n")
    bulk = [(name, model.actions) for name, model in sorted(ADMIN_MODELS.items())]
    parts.append(
        _table(
            ["action", *ROLES],
            [
                [f"{name}: {action}", *("x" if role in who else "" for role in ROLES)]
                for name, actions in bulk
                for action, who in actions.items()
            ],
        )
    )
    pages = sorted(ADMIN_ROUTES.items())
    parts.append(_table(["page", *ROLES], [_line(name, route.get, route.post) for name, route in pages]))
    return "\n".join(parts)


def _line(name: str, get: frozenset[str], post: frozenset[str]) -> list[str]:
    return [name, *(("r" if role in get else "") + ("w" if role in post else "") for role in ROLES)]


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


if __name__ == "__main__":
    PATH.write_text(document())
