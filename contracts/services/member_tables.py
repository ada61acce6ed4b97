"""One table of members, taken in and handed out: participants or metering points, in the format of a dataset."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from django.db import transaction

from contracts.dataset.check_members import check_known, check_points, check_unique
from contracts.dataset.faults import Faults
from contracts.dataset.records import Table
from contracts.dataset.tables import COLUMNS, read_metering_points, read_participants
from contracts.dataset.write import metering_point_line, participant_line
from contracts.selectors import stored
from contracts.selectors.book import tariff_groups
from contracts.services.members import sync_participants, sync_points
from contracts.services.sync import Changes
from contracts.services.touched import WHOLE_TIME, changed_spans, instants, within
from metering.domain.calendar import time_zone
from metering.models import GridNode
from metering.services.inputs import known_intervals, touch_intervals
from metering.services.locks import lock_readings
from participants.models import Cluster, Participant

Name = Literal["participants.csv", "metering_points.csv"]
_LINES: dict[str, Callable[[Any], Sequence[object]]] = {
    "participants.csv": participant_line,
    "metering_points.csv": metering_point_line,
}


@dataclass(frozen=True)
class RowChange:
    """One row before and after as (column, before, after); a new row has no before, a removed one no after."""

    name: str
    kind: Literal["new", "changed", "removed"]
    values: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class TableChanges:
    """What a table changes; `digest` names exactly these changes."""

    rows: tuple[RowChange, ...]
    unchanged: int
    digest: str


def preview_table(cluster: Cluster, name: Name, text: str) -> TableChanges:
    """What storing the table would change: it is stored and taken back. Raises DatasetError. Needs the scope."""
    with transaction.atomic():
        changes = _store(cluster, name, text)
        transaction.set_rollback(True)
    return changes


def store_table(cluster: Cluster, name: Name, text: str, digest: str) -> TableChanges | None:
    """Store the table if it still changes what the preview with this digest said; None, and nothing stored, if not.

    What is the same stores nothing. Quarter-hours that a change of points concerns are due again. Raises DatasetError.
    """
    with transaction.atomic():
        changes = _store(cluster, name, text)
        if changes.digest == digest:
            return changes
        transaction.set_rollback(True)
    return None


def table_lines(cluster: Cluster, name: Name, participants: Iterable[int] | None = None) -> list[Sequence[object]]:
    """The stored rows in the columns of the format; of these participants (ids) only, if given."""
    by_participant = name == "participants.csv"
    pairs: Sequence[tuple[Any, Any]] = (stored.participants if by_participant else stored.metering_points)(cluster)
    wanted = None if participants is None else set(participants)
    own = "pk" if by_participant else "participant_id"
    return [_LINES[name](record) for row, record in pairs if wanted is None or getattr(row, own) in wanted]


def _store(cluster: Cluster, name: Name, text: str) -> TableChanges:
    faults = Faults()
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8", newline="")
        table: Any = (read_participants if name == "participants.csv" else read_metering_points)(path, faults)
    if name == "participants.csv":
        check_unique(table, "id", [row.id for row in table], faults)
        faults.check()
        changes: Changes[Any] = sync_participants(cluster, table)
    else:
        changes = _store_points(cluster, table, faults)
    return _told(name, table, changes)


def _store_points(cluster: Cluster, table: Table[Any], faults: Faults) -> Changes[Any]:
    people = dict(Participant.objects.filter(cluster=cluster).values_list("code", "pk"))
    nodes = set(GridNode.objects.filter(cluster=cluster).values_list("code", flat=True))
    groups = set(tariff_groups(cluster.dso))
    check_points(table, set(people), nodes, faults)
    check_known(table, "tariff_group", lambda row: row.tariff_group, groups, faults)
    faults.check()
    lock_readings(cluster)
    changes = sync_points(cluster, table, people)
    tz = time_zone(cluster.timezone)
    known = known_intervals(cluster.pk, *instants([WHOLE_TIME], tz)[0])
    touch_intervals(cluster.pk, within(known, instants(changed_spans(changes), tz)))
    return changes


def _told(name: Name, table: Table[Any], changes: Changes[Any]) -> TableChanges:
    rows = tuple(_row_change(name, before, after) for before, after in changes.pairs)
    removed = sum(row.kind == "removed" for row in rows)
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()
    return TableChanges(rows, len(table) - len(rows) + removed, digest)


def _row_change(name: Name, before: Any, after: Any) -> RowChange:
    columns = COLUMNS[name]
    old, new = (
        ["" if value is None else str(value) for value in _LINES[name](record)] if record else [""] * len(columns)
        for record in (before, after)
    )
    values = tuple((column, was, now) for column, was, now in zip(columns, old, new, strict=True) if was != now)
    kind: Literal["new", "changed", "removed"] = "new" if before is None else "removed" if after is None else "changed"
    return RowChange(new[0] or old[0], kind, values)
