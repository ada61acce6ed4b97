"""Files of readings are taken in: kept as they came, told apart, and decided upon after the preview."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import connection

from metering.domain.calendar import time_zone
from metering.formats.fields import point_in_name
from metering.formats.registry import FORMATS, HEAD_BYTES, UnknownFormat, detect
from metering.formats.words import EMPTY, NO_COLUMNS, NO_POINT
from metering.models import ColumnMapping, Delivery, DeliveryBatch, DeliveryChunk
from metering.services.refusals import CLOCKS_DIFFER
from participants.models import Cluster
from participants.tenancy.scope import scope

CHUNK_BYTES = 1 << 20
YET_TO_COME = "the file says it was issued at a time that is yet to come; look at its date"
_WORKED_ON = (Delivery.State.RECEIVED, Delivery.State.STORING)


@dataclass(frozen=True)
class Sender:
    """Who sends a file, by which way, and which metering points (ids; None: all) they may write; whether somebody
    looks at the preview before anything is stored."""

    via: str
    user_id: int | None = None
    api_key_id: int | None = None
    dso_id: int | None = None
    points: frozenset[int] | None = None
    asks: bool = True


@dataclass(frozen=True)
class Told:
    """What the sender says of a file: empty is what the file itself tells."""

    format: str = ""
    point: str = ""
    direction: str = "import"
    mapping: ColumnMapping | None = None


class AlreadyReceived(ValueError):
    """The same file is here already, and nothing of it was refused."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        super().__init__(f"the same file was received at {delivery.received_at.isoformat()}")


def receive(
    cluster: Cluster, name: str, chunks: Iterable[bytes], sender: Sender, told: Told, now: datetime
) -> Delivery:
    """Keep a file and find out what it is; opens its own scope. It is RECEIVED, to be read by a worker, or REFUSED; one
    from a page may be WAITING to be told more (see `needs`). Raises AlreadyReceived; then nothing is kept."""
    with scope(cluster.pk):
        delivery = Delivery.objects.create(
            cluster=cluster, name=_plain(name), received_at=now, issued_at=now, state=Delivery.State.WAITING,
            via=sender.via, user_id=sender.user_id, api_key_id=sender.api_key_id, dso_id=sender.dso_id,
            points=None if sender.points is None else sorted(sender.points), asks=sender.asks,
        )  # fmt: skip
        _keep(delivery, chunks)
        earlier = _earlier(delivery, told)
        if earlier is not None and (earlier.state != Delivery.State.STORED or not earlier.faulty):
            raise AlreadyReceived(earlier)
        delivery.same_as = earlier
        _tell(delivery, told, now)
        return delivery


def tell_more(delivery: Delivery, told: Told, now: datetime) -> bool:
    """Read a file that is not stored yet as the sender says; whether that was possible. Needs the scope."""
    rows = Delivery.objects.select_for_update().filter(
        pk=delivery.pk, state__in=(Delivery.State.WAITING, Delivery.State.PREVIEWED, Delivery.State.REFUSED)
    )
    found = rows.select_related("cluster").first()
    if found is None or not DeliveryChunk.objects.filter(delivery=found).exists():
        return False
    _tell(found, told, now)
    return True


def needs(delivery: Delivery) -> str:
    """What is still to be said before a file can be read: "columns", "point" or nothing."""
    chosen = FORMATS.get(delivery.format)
    if chosen is None:
        return ""
    if chosen.name == "xlsx":
        if delivery.mapping is None:
            return "columns"
        return "" if delivery.mapping.columns.get("point") or delivery.point else "point"
    return "" if chosen.names_point or delivery.point else "point"


def begin_storing(delivery: Delivery, user_id: int | None) -> bool:
    """Store what is good of a previewed file; False if somebody else has decided meanwhile. Needs the scope."""
    rows = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PREVIEWED)
    return bool(rows.update(state=Delivery.State.STORING, decided_by=user_id, tries=0, **NOTHING_STORED))


def cancel(delivery: Delivery, user_id: int | None, now: datetime) -> bool:
    """Store nothing of a file; False if that is too late. Needs the scope."""
    before = (Delivery.State.WAITING, Delivery.State.RECEIVED, Delivery.State.PREVIEWED)
    rows = Delivery.objects.filter(pk=delivery.pk, state__in=before)
    if not rows.update(state=Delivery.State.CANCELLED, decided_by=user_id, ended_at=now, worked_at=None):
        return False
    DeliveryBatch.objects.filter(delivery=delivery).delete()
    return True


def forget_old(cluster: Cluster, before: datetime) -> None:
    """Keep no content of files that came before then; what became of them stays. Needs the scope."""
    old = Delivery.objects.filter(cluster=cluster, received_at__lt=before).exclude(state__in=_WORKED_ON)
    for model in (DeliveryChunk, DeliveryBatch):
        model._base_manager.filter(cluster=cluster, delivery__in=old)._raw_delete("default")
    previewed = old.filter(state__in=(Delivery.State.WAITING, Delivery.State.PREVIEWED))
    previewed.update(state=Delivery.State.CANCELLED)


#: Counts of a file of which nothing is stored yet; what the preview refused stays refused.
NOTHING_STORED = {
    "accepted": 0, "replaced": 0, "unchanged": 0, "superseded": 0, "batches_done": 0, "rows_done": 0,
}  # fmt: skip


def _plain(name: str) -> str:
    """The file's name without a path and without what can't be shown."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[-200:] or "readings"


def _keep(delivery: Delivery, chunks: Iterable[bytes]) -> None:
    """The file as rows of at most CHUNK_BYTES, its size and digest."""
    digest, size, number = sha256(), 0, 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        for begin in range(0, len(chunk), CHUNK_BYTES):
            part = chunk[begin : begin + CHUNK_BYTES]
            DeliveryChunk.objects.create(cluster_id=delivery.cluster_id, delivery=delivery, number=number, content=part)
            number += 1
    delivery.size, delivery.sha256 = size, digest.hexdigest()
    delivery.save(update_fields=["size", "sha256"])


def _earlier(delivery: Delivery, told: Told) -> Delivery | None:
    """The same file for the same point by somebody who may write as much, if it was not given up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('delivery'), hashtext(%s))", [delivery.sha256])
    rows = Delivery.objects.filter(cluster=delivery.cluster_id, sha256=delivery.sha256).exclude(pk=delivery.pk)
    rows = rows.exclude(state__in=(Delivery.State.REFUSED, Delivery.State.CANCELLED)).order_by("-received_at", "-pk")
    point = told.point or point_in_name(delivery.name)
    return next(
        (row for row in rows if row.points in (None, delivery.points) and (row.point == point or not row.point)), None
    )


def head_of(delivery: Delivery) -> bytes:
    """The first bytes of the file."""
    first = DeliveryChunk.objects.filter(delivery=delivery, number=0).first()
    return bytes(first.content[:HEAD_BYTES]) if first else b""


def _tell(delivery: Delivery, told: Told, now: datetime) -> None:
    head = head_of(delivery)
    delivery.reason, delivery.ended_at, delivery.worked_at, delivery.tries = "", None, None, 0
    delivery.direction, delivery.mapping = told.direction, told.mapping
    try:
        chosen = FORMATS[told.format] if told.format else detect(head)
    except UnknownFormat as error:
        _refuse(delivery, str(error) if head else EMPTY, now)
        return
    delivery.format = chosen.name
    delivery.point = "" if chosen.names_point and chosen.name != "xlsx" else told.point or point_in_name(delivery.name)
    issued = chosen.issued_at(head, time_zone(delivery.cluster.timezone)) if chosen.issued_at else None
    if issued is not None and issued > now + CLOCKS_DIFFER:
        _refuse(delivery, YET_TO_COME, now)
        return
    # A file that comes again was issued when it came first: what was corrected since then still holds.
    received = delivery.same_as.issued_at if delivery.same_as else delivery.received_at
    delivery.stamped, delivery.issued_at = issued is not None, issued or received
    lacks = needs(delivery)
    if lacks and delivery.via != Delivery.Via.PAGE:
        _refuse(delivery, NO_COLUMNS if lacks == "columns" else NO_POINT, now)
        return
    delivery.state = Delivery.State.WAITING if lacks else Delivery.State.RECEIVED
    delivery.save()


def _refuse(delivery: Delivery, reason: str, now: datetime) -> None:
    delivery.state, delivery.reason, delivery.ended_at = Delivery.State.REFUSED, reason, now
    delivery.save()
