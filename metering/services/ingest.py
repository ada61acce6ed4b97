"""The one way by which readings are stored: from meters, files and datasets alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from metering.domain.readings import COLUMNS, ReadingFault, ReadingsRefused
from metering.domain.versions import version_of
from metering.selectors.points import END_OF_TIME
from metering.services.answers import count_letters, letters_of_rows, refusals
from metering.services.judging import judge
from metering.services.locks import lock_readings
from metering.services.progress import Progress, silent
from metering.services.refusals import CLOCKS_DIFFER, Rules
from metering.services.resolving import Resolved
from metering.services.staging import LineFaults, Source, stage, stage_what_can
from metering.services.unseen import store_unseen
from participants.models import Cluster
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope

MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery's readings, by number.

    `accepted`: the first of their quarter-hour; `replaced`: hold now instead of another value; `unchanged`: say what
    holds already; `superseded`: kept as history, because a value issued later holds; refused: `refused_count` in all,
    of which `refused` names the first. `status_of_rows`, if asked for, has a letter for each line: a, r, u, s, or x.
    """

    accepted: int = 0
    replaced: int = 0
    unchanged: int = 0
    superseded: int = 0
    refused: tuple[ReadingFault, ...] = ()
    refused_count: int = 0
    status_of_rows: str | None = None

    @property
    def changed(self) -> int:
        """How many values hold that did not before."""
        return self.accepted + self.replaced


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What `ingest` is told, once."""

    cluster: Cluster
    version: int
    stamped: bool
    own_stamps: bool
    whole: bool
    rules: Rules
    sources: Sequence[Source]
    rows_wanted: bool = False
    most_faults: int = MOST_FAULTS
    store: bool = True


def ingest(
    cluster: Cluster,
    batches: Iterable[bytes],
    *,
    issued_at: datetime,
    whole: bool,
    now: datetime,
    columns: tuple[str, ...] = COLUMNS,
    stamped: bool = False,
    rows_wanted: bool = False,
    points: frozenset[int] | None = None,
    most_faults: int = MOST_FAULTS,
    store: bool = True,
) -> Outcome:
    """Store a delivery; opens its own scope. `batches` are CSV lines without a header, cut anywhere.

    `columns` is COLUMNS or STAMPED_COLUMNS, whose last one may be empty. A reading without a stamp of its own is issued
    at `issued_at`: the time that the source named (`stamped`), or that of receipt. A value that its source issued again
    is kept as well, so that a correction issued before it and delivered after it does not hold; a value only received
    again stores nothing. `points`: the ids of those that the sender may write, None: all.

    `whole`: everything or nothing, and a second reading of a quarter-hour is refused too; raises ReadingsRefused. Else
    what is right is stored; of readings of the same point, time and stamp with different values none is.
    Lines of faults are counted from 1. Raises ValueError if `issued_at` is out of range or later than `now`.
    """
    if issued_at > now + CLOCKS_DIFFER:
        raise ValueError(f"{issued_at.isoformat()}, the time of issue, is yet to come")
    source = Source("", columns, False, 0, lambda: batches)
    delivery = _Delivery(
        cluster, version_of(issued_at), stamped, "issued_at" in columns, whole, Rules(cluster, points, now), [source],
        rows_wanted, most_faults, store,
    )  # fmt: skip
    with scope(cluster.pk), connection.cursor() as cursor:
        if whole:
            return _store(cursor, delivery, stage(cursor, [source], silent), {}, silent)
        return _store(cursor, delivery, *stage_what_can(cursor, batches, columns, most_faults), silent)


def ingest_files(
    cluster: Cluster, files: Sequence[Source], *, issued_at: datetime, progress: Progress = silent
) -> Outcome:
    """Store whole files, all of them or nothing, as received at `issued_at`; opens its own scope.

    The days of a dataset may be yet to come. Raises ReadingsRefused naming file, line and column of bad readings.
    """
    rules = Rules(cluster, None, END_OF_TIME)
    delivery = _Delivery(cluster, version_of(issued_at), False, False, True, rules, files)
    with scope(cluster.pk), connection.cursor() as cursor:
        return _store(cursor, delivery, stage(cursor, files, progress), {}, progress)


def _store(cursor: Any, delivery: _Delivery, count: int, line_faults: LineFaults, progress: Progress) -> Outcome:
    """From the `count` lines of the table `staged` into the readings."""
    cluster, rules = delivery.cluster, delivery.rules
    if delivery.store:
        lock_readings(cluster)
    cursor.execute("SET LOCAL work_mem = '64MB'")
    resolved = Resolved(cursor, cluster, rules, delivery.version, delivery.stamped, delivery.own_stamps)
    stored = None
    if delivery.store:
        for month in resolved.months(cursor):
            ensure_month_partitions("metering_reading", month, month)
        stored = store_unseen(cursor, cluster.pk, resolved, count, progress)
    taken = (
        resolved.taken if stored is not None else judge(cursor, cluster.pk, resolved, delivery.whole, delivery.store)
    )
    counts = {"a": stored} if stored is not None else count_letters(cursor, taken)
    refused_count = count - sum(counts.values())
    refused = (
        refusals(cursor, rules, delivery.sources, line_faults, taken, delivery.most_faults) if refused_count else ()
    )
    if refused_count and delivery.whole:
        raise ReadingsRefused(refused)
    letters = letters_of_rows(cursor, taken) if delivery.rows_wanted else None
    cursor.execute("DROP TABLE IF EXISTS staged, known_point, known_start, known_stamp, incoming, twice, judged")
    accepted, replaced, unchanged, superseded = (counts.get(letter, 0) for letter in "arus")
    return Outcome(accepted, replaced, unchanged, superseded, refused, refused_count, letters)
