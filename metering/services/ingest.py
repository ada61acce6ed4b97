"""The one way by which readings are stored: from meters, files and datasets alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from metering.domain.readings import COLUMNS, ReadingFault, ReadingsRefused
from metering.domain.versions import version_of
from metering.selectors.points import END_OF_TIME, point_spans
from metering.services.judging import (
    ACCEPTED,
    JUDGED,
    REPLACED,
    SUPERSEDED,
    UNCHANGED,
    count_letters,
    letters_of_rows,
    store_news,
)
from metering.services.locks import lock_readings
from metering.services.progress import Progress, silent
from metering.services.refusals import CLOCKS_DIFFER, Rules
from metering.services.resolving import INCOMING, refusals, resolve, set_apart
from metering.services.staging import LineFaults, Source, stage, stage_what_can
from participants.models import Cluster
from participants.tenancy.partitions import ensure_month_partitions
from participants.tenancy.scope import scope

MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery's readings, by number.

    `accepted`: the first of their quarter-hour; `replaced`: hold now instead of another value; `unchanged`: known
    already; `superseded`: kept as history, because a value issued later holds; refused: `refused_count` in all, of
    which `refused` names the first. `status_of_rows`, if asked for, has a letter for each line: a, r, u, s, or x.
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
    cluster: Cluster
    version: int
    stamped: bool
    whole: bool
    now: datetime
    rows_wanted: bool
    points: frozenset[int] | None
    most_faults: int


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
    delivery = _Delivery(cluster, version_of(issued_at), stamped, whole, now, rows_wanted, points, most_faults)
    with scope(cluster.pk), connection.cursor() as cursor:
        if not whole:
            return _store(cursor, delivery, ("",), stage_what_can(cursor, batches, columns))
        stage(cursor, [Source("", columns, False, 0, lambda: batches)], silent)
        return _store(cursor, delivery, ("",), {})


def ingest_files(
    cluster: Cluster, files: Sequence[Source], *, issued_at: datetime, progress: Progress = silent
) -> Outcome:
    """Store whole files, all of them or nothing, as received at `issued_at`; opens its own scope.

    The days of a dataset may be yet to come. Raises ReadingsRefused naming file, line and column of bad readings.
    """
    delivery = _Delivery(cluster, version_of(issued_at), False, True, END_OF_TIME, False, None, MOST_FAULTS)
    with scope(cluster.pk), connection.cursor() as cursor:
        stage(cursor, files, progress)
        return _store(cursor, delivery, tuple(file.name for file in files), {}, first_line=2)


def _store(
    cursor: Any, delivery: _Delivery, names: Sequence[str], line_faults: LineFaults, first_line: int = 1
) -> Outcome:
    """From the table `staged`, lines of the sources `names`, into the readings."""
    cluster = delivery.cluster
    lock_readings(cluster)
    spans = point_spans(cluster)
    if delivery.points is not None:
        spans = {code: span for code, span in spans.items() if span.id in delivery.points}
    rules = Rules(spans, delivery.now)
    cursor.execute(INCOMING)
    cursor.execute(JUDGED)
    starts = resolve(cursor, rules, delivery.version, delivery.stamped)
    if starts:
        ensure_month_partitions("metering_reading", min(starts), max(starts))
    set_apart(cursor, delivery.whole)
    refused, count = refusals(cursor, rules, names, line_faults, first_line, delivery.most_faults)
    if count and delivery.whole:
        raise ReadingsRefused(refused)
    store_news(cursor, cluster.pk)
    letters = letters_of_rows(cursor) if delivery.rows_wanted else None
    counts = count_letters(cursor)
    cursor.execute("DROP TABLE staged, incoming, judged")
    return Outcome(
        counts.get(ACCEPTED, 0), counts.get(REPLACED, 0), counts.get(UNCHANGED, 0), counts.get(SUPERSEDED, 0),
        refused, count, letters,
    )  # fmt: skip
