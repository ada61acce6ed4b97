"""What a worker does with a file of readings: reads it for the preview, then stores it batch by batch.

Each step is a transaction of its own that also notes how far it got. A worker that was killed in the middle leaves the
file as after its last step; the next one goes on there, and nothing is stored twice.
"""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic

from django.db.models import F, Q
from django.db.models.functions import Now

from metering.domain.calendar import time_zone
from metering.formats.assemble import assemble
from metering.formats.base import Context, Energy, Fault
from metering.formats.columns import columns_of
from metering.formats.registry import FORMATS
from metering.models import Delivery, DeliveryBatch, DeliveryDay, DeliveryFault
from metering.selectors.generation import generation_spans
from metering.services.deliveries import NOTHING_STORED
from metering.services.delivery_contents import Faults, add_days, add_late_faults, keep_good
from metering.services.delivery_stream import open_delivery
from metering.services.ingest import Outcome, ingest
from participants.models import Cluster
from participants.tenancy.scope import scope

#: A worker that was not heard of for so long is taken for dead.
SILENT = timedelta(minutes=2)
#: Stored in one transaction.
BATCH_ROWS = 50_000
_HEARD_SECONDS = 10
_MOST_TRIES = 5
_ITEMS_BETWEEN_LOOKS = 10_000
GIVEN_UP = "the file could not be processed in several attempts; ask the operator"
NOTHING_GOOD = "nothing in the file can be stored"


class TakenOver(RuntimeError):
    """Somebody else works on the file, or it was cancelled."""


class _Work:
    """One worker's hold on a delivery."""

    def __init__(self, cluster: Cluster, delivery: Delivery) -> None:
        self.cluster, self.delivery = cluster, delivery
        self._heard = monotonic()

    @contextmanager
    def step(self) -> Iterator[Delivery]:
        """A transaction in which the delivery is still this worker's; raises TakenOver."""
        with scope(self.cluster.pk):
            row = Delivery.objects.select_for_update().get(pk=self.delivery.pk)
            if (row.attempt, row.state) != (self.delivery.attempt, self.delivery.state):
                raise TakenOver
            yield row
            Delivery.objects.filter(pk=row.pk).exclude(worked_at=None).update(worked_at=Now())
        self._heard = monotonic()

    def heard(self, read_bytes: int | None = None) -> None:
        """Say now and then that this worker lives."""
        if monotonic() - self._heard > _HEARD_SECONDS:
            with self.step() as row:
                if read_bytes is not None:
                    Delivery.objects.filter(pk=row.pk).update(read_bytes=read_bytes)


def stopped(cluster: Cluster, now: datetime) -> list[int]:
    """Deliveries that a worker should have and none has. Needs the scope."""
    silent = Q(worked_at__lt=now - SILENT) | Q(worked_at=None, received_at__lt=now - SILENT)
    moving = Delivery.objects.filter(silent, cluster=cluster, state__in=("received", "storing"))
    return list(moving.order_by("received_at", "pk").values_list("pk", flat=True))


def work_on(cluster: Cluster, delivery_id: int, now: datetime, seconds: float = 120) -> bool:
    """Do what is to be done about one file, storing for about so many `seconds`; whether something is left.

    Opens its own scopes. `now` decides which quarter-hours have ended.
    """
    delivery = _begin(cluster, delivery_id, now)
    if delivery is None:
        return False
    try:
        if delivery.state == Delivery.State.RECEIVED:
            _read(_Work(cluster, delivery), now)
        if delivery.state == Delivery.State.STORING:
            return _store(_Work(cluster, delivery), now, monotonic() + seconds)
    except TakenOver:
        pass
    return False


def _begin(cluster: Cluster, delivery_id: int, now: datetime) -> Delivery | None:
    """Take the delivery, unless another worker that is heard of has it."""
    with scope(cluster.pk):
        free = Q(worked_at=None) | Q(worked_at__lt=Now() - SILENT)
        rows = Delivery.objects.select_for_update(of=("self",)).filter(free, pk=delivery_id, cluster=cluster)
        delivery = rows.filter(state__in=("received", "storing")).select_related("mapping").first()
        if delivery is None:
            return None
        delivery.attempt += 1
        delivery.tries += 1
        if delivery.tries > _MOST_TRIES:
            delivery.state, delivery.reason, delivery.ended_at = Delivery.State.REFUSED, GIVEN_UP, now
            delivery.save()
            return None
        Delivery.objects.filter(pk=delivery.pk).update(attempt=delivery.attempt, tries=delivery.tries, worked_at=Now())
        return delivery


def _read(work: _Work, now: datetime) -> None:
    """Into batches, days and faults; the delivery is previewed then, or refused, or goes on to be stored."""
    delivery, cluster = work.delivery, work.cluster
    with work.step():
        for model in (DeliveryBatch, DeliveryDay, DeliveryFault):
            model._base_manager.filter(delivery=delivery)._raw_delete("default")
        generation = generation_spans(cluster)
    tz = time_zone(cluster.timezone)
    columns = columns_of(delivery.mapping.columns) if delivery.mapping else None
    context = Context(tz, delivery.point, delivery.direction, columns)  # type: ignore[arg-type]
    stream = open_delivery(cluster.pk, delivery.pk, work.heard)
    found = _alive(FORMATS[delivery.format].read(stream, context), work)
    counts, faults, number = dict.fromkeys(("readings", "refused", *NOTHING_STORED), 0), Faults(), 0
    for item in assemble(found, generation, BATCH_ROWS):
        if isinstance(item, Fault):
            faults.add(item.line, item.column, item.text)
            continue
        with work.step():
            outcome = _ingest(work, item.rows, now, store=False, most_faults=len(item.import_lines))
            letters = outcome.status_of_rows or ""
            add_days(delivery, item, letters, tz)
            keep_good(delivery, number, item, letters)
        for fault in outcome.refused:
            faults.add(item.line_of(fault.line - 1, fault.column), fault.column, fault.text)
        _count(counts, outcome)
        counts["readings"] += len(item.import_lines)
        number += 1
    _end_reading(work, counts, faults)


def _alive(found: Iterable[Energy | Fault], work: _Work) -> Iterator[Energy | Fault]:
    for number, item in enumerate(found):
        if number % _ITEMS_BETWEEN_LOOKS == 0:
            work.heard()
        yield item


def _end_reading(work: _Work, counts: dict[str, int], faults: Faults) -> None:
    delivery = work.delivery
    good = counts["readings"] - counts["refused"]
    state = Delivery.State.PREVIEWED if delivery.asks else Delivery.State.STORING
    with work.step() as row:
        faults.store(delivery)
        for name, count in counts.items():
            setattr(row, name, count)
        row.state, row.unread, row.read_bytes = state, faults.count - counts["refused"], row.size
        row.tries, row.worked_at = 0, row.worked_at if state == Delivery.State.STORING else None
        if not good:
            row.state, row.reason, row.ended_at, row.worked_at = Delivery.State.REFUSED, NOTHING_GOOD, Now(), None
            DeliveryBatch.objects.filter(delivery=delivery)._raw_delete("default")
        elif state == Delivery.State.STORING:
            for name in NOTHING_STORED:
                setattr(row, name, 0)
        row.save()
    delivery.state = row.state


def _store(work: _Work, now: datetime, until: float) -> bool:
    """Batch by batch; True if time is up before the last one."""
    while True:
        with work.step() as row:
            batch = DeliveryBatch.objects.filter(delivery=row, number=row.batches_done).first()
            if batch is None:
                row.state, row.ended_at, row.worked_at = Delivery.State.STORED, Now(), None
                DeliveryBatch.objects.filter(delivery=row)._raw_delete("default")
                row.save()
                return False
            outcome = _ingest(work, zlib.decompress(batch.rows), now, store=True, most_faults=batch.readings)
            add_late_faults(batch, outcome.refused)
            counts = dict.fromkeys(NOTHING_STORED, 0) | {"refused": 0, "batches_done": 1, "rows_done": batch.readings}
            _count(counts, outcome)
            late = monotonic() > until
            changes = {name: F(name) + count for name, count in counts.items()}
            Delivery.objects.filter(pk=row.pk).update(tries=0, **changes)
            if late:
                Delivery.objects.filter(pk=row.pk).update(worked_at=None)
        if late:
            return True


def _ingest(work: _Work, rows: bytes, now: datetime, *, store: bool, most_faults: int) -> Outcome:
    delivery = work.delivery
    points = None if delivery.points is None else frozenset(delivery.points)
    return ingest(
        work.cluster, [rows], issued_at=delivery.issued_at, whole=False, now=now, stamped=delivery.stamped,
        rows_wanted=not store, points=points, most_faults=most_faults, store=store,
    )  # fmt: skip


def _count(counts: dict[str, int], outcome: Outcome) -> None:
    for name in ("accepted", "replaced", "unchanged", "superseded"):
        counts[name] += getattr(outcome, name)
    counts["refused"] += outcome.refused_count
