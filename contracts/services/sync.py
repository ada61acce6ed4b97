"""Makes stored rows equal to records, writing only what differs."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import Model

from participants.models import Cluster

Record = TypeVar("Record")


@dataclass(slots=True)
class Changes(Generic[Record]):
    """(before, after) of every row that was changed; None where there was or is none."""

    pairs: list[tuple[Record | None, Record | None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.pairs)


def sync(
    cluster: Cluster,
    model: type[Model],
    stored: Sequence[tuple[Any, Record]],
    wanted: Iterable[Record],
    *,
    key: Callable[[Record], Hashable],
    values: Callable[[Record], Mapping[str, Any]],
    remove: Callable[[Record], bool],
) -> Changes[Record]:
    """Create, update by natural key, and remove stored rows that are not wanted where `remove` says so.

    Rows go before others come or grow, so that dated rows never overlap on the way.
    """
    changes: Changes[Record] = Changes()
    target = {key(record): record for record in wanted}
    known = {key(record): (row, record) for row, record in stored}
    gone = [(row, record) for place, (row, record) in known.items() if place not in target and remove(record)]
    if gone:
        model._default_manager.filter(cluster=cluster, pk__in=[row.pk for row, _ in gone]).delete()
        changes.pairs += [(record, None) for _, record in gone]
    updated, created = [], []
    fields: set[str] = set()
    for place, record in target.items():
        if place not in known:
            created.append(model(cluster=cluster, **values(record)))
            changes.pairs.append((None, record))
        elif known[place][1] != record:
            row = known[place][0]
            for name, value in values(record).items():
                setattr(row, name, value)
                fields.add(name)
            updated.append(row)
            changes.pairs.append((known[place][1], record))
    if updated:
        model._default_manager.bulk_update(updated, sorted(fields), batch_size=500)
    model._default_manager.bulk_create(created, batch_size=1000)
    return changes
