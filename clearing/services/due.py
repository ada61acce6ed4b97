"""Working off the list: local day by local day, each one transaction, one worker per cluster at a time."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby

from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

from clearing.domain.errors import ClearingError
from clearing.models import ClearingRun, IntervalState, Position, Trade
from clearing.selectors import work_list
from clearing.services.day import Counts, clear_day
from contracts.domain.tariff import TariffError
from metering.domain.calendar import INTERVAL, local_day, time_zone
from metering.services.passes import BAD_DATA
from participants.models import Cluster
from participants.tenancy.partitions import ensure_month_partitions, renew_statistics
from participants.tenancy.scope import scope

logger = logging.getLogger(__name__)

#: Tells our advisory locks from those of others in the same database.
LOCK = "clearing"
LOCK_TIMEOUT = "120s"
#: From so many new runs on PostgreSQL's idea of the tables is out of date.
BULK = 500

Progress = Callable[[int, int], None]


class ClusterBusy(RuntimeError):
    """Another worker is settling the cluster and did not finish a day in time."""


@dataclass
class Report:
    """What a pass did, in intervals; `failed` names the local days that could not be settled, and why.

    `last` was tried last; whether there is `more` to do after it.
    """

    stored: int = 0
    unchanged: int = 0
    waiting: int = 0
    failed: dict[date, str] = field(default_factory=dict)
    last: datetime | None = field(default=None, compare=False)
    more: bool = False

    def add(self, counts: Counts) -> None:
        """Count a day that is committed."""
        self.stored += counts.stored
        self.unchanged += counts.unchanged
        self.waiting += counts.waiting


def _silent(done: int, total: int) -> None:
    """Nobody watches."""


def clear_due(
    cluster: Cluster,
    now: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    again: bool = False,
    progress: Progress = _silent,
    seconds: float = math.inf,
    patience: str | None = None,
) -> Report:
    """Settle what is due or stale in [start, end), oldest first; with `again` also what has not changed.

    An interval whose result has not changed stores nothing; a changed one, or one that is no longer provisional, is a
    new run that names the run it replaces. A day that can't be settled is reported and the others go on. `progress`
    hears of intervals done, and in all. After so many `seconds` it stops at the end of a day. Safe to run twice and by
    several workers at once; raises ClusterBusy if another one holds the cluster for longer than `patience`.
    """
    until = time.monotonic() + seconds
    report = Report()
    with scope(cluster.pk):
        listed = list(work_list(cluster, now, start, end, again))
    if not listed:
        return report
    for model in (Position, Trade):
        ensure_month_partitions(model._meta.db_table, listed[0], listed[-1])
    done, zone = 0, time_zone(cluster.timezone)
    for day, of_day in groupby(listed, key=lambda moment: local_day(moment, zone)):
        starts = list(of_day)
        if report.last and time.monotonic() > until:
            report.more = True
            break
        report.last = starts[-1]
        try:
            with scope(cluster.pk):
                _lock(cluster, patience or LOCK_TIMEOUT)
                # Another worker may have done some of it in the meantime.
                changes = work_list(cluster, now, starts[0], starts[-1] + INTERVAL, again)
                counts = clear_day(cluster, day, now, changes) if changes else Counts()
        except (ClearingError, TariffError, *BAD_DATA) as error:
            logger.error("%s: %s can't be settled: %s", cluster.slug, day, error, exc_info=isinstance(error, BAD_DATA))
            report.failed[day] = str(error)
        else:
            report.add(counts)
        done += len(starts)
        progress(done, len(listed))
    if report.stored >= BULK or (report.stored and report.more):
        written = (ClearingRun, IntervalState, Position, Trade)
        renew_statistics([model._meta.db_table for model in written], listed[0], listed[-1])
    return report


def _lock(cluster: Cluster, patience: str) -> None:
    """Be the only one to settle the cluster until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [patience])
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [LOCK, cluster.pk])
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise ClusterBusy(f"{cluster.slug} is being settled by another worker") from error
            raise
