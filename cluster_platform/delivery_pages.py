"""A file of readings on a page, the coordinator's and the distributor's alike: what is in it, and the buttons."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, Max, Min, Sum
from django.http import HttpRequest
from django.utils import formats
from django.utils.translation import gettext, ngettext

from billing import numbers
from cluster_platform.delivery_forms import MappingForm, TellForm, need_in_words
from cluster_platform.fault_words import finding_in_words
from metering.domain.calendar import INTERVAL, day_bounds, time_zone
from metering.formats.registry import FORMATS
from metering.models import ColumnMapping, Delivery, DeliveryDay, DeliveryFault, MeteringPoint, ReadingAccess
from metering.services.access_log import Reader, note_access
from metering.services.deliveries import (
    CHUNK_BYTES,
    AlreadyReceived,
    Sender,
    Told,
    begin_storing,
    cancel,
    head_of,
    needs,
    receive,
    tell_more,
)
from metering.tasks import start_work
from participants.models import Cluster

POINTS_A_PAGE = 50
FAULTS_SHOWN = 200
_TELLABLE = (Delivery.State.WAITING, Delivery.State.PREVIEWED, Delivery.State.REFUSED)


def take(request: HttpRequest, cluster: Cluster, file: Any, sender: Sender, now: datetime) -> Delivery:
    """Keep an uploaded file and have it read; one that is here already is found again, and said so."""
    try:
        delivery = receive(cluster, file.name, file.chunks(CHUNK_BYTES), sender, Told(), now)
    except AlreadyReceived as known:
        received = known.delivery.received_at.astimezone(time_zone(cluster.timezone))
        when = formats.date_format(received, "SHORT_DATETIME_FORMAT")
        messages.warning(request, gettext("This file is here already: received on %(when)s.") % {"when": when})
        return known.delivery
    if delivery.moving:
        start_work(delivery)
    return delivery


@dataclass
class Answered:
    """What became of what was sent from the page: done, or a form with what is wrong in it."""

    done: bool
    tell: TellForm | None = None
    mapping: MappingForm | None = None


def act(request: HttpRequest, delivery: Delivery, now: datetime) -> Answered:
    """Store, cancel, or read in another way, as the button says. Needs the scope."""
    user_id = request.user.pk
    if "store" in request.POST or "cancel" in request.POST:
        done = begin_storing(delivery, user_id) if "store" in request.POST else cancel(delivery, user_id, now)
        return _after(request, delivery, done)
    if "map" in request.POST:
        mapping = mapping_form(delivery, request.POST)
        if not mapping.is_valid():
            return Answered(False, mapping=mapping)
        saved: ColumnMapping = mapping.save()
        point = "" if saved.columns.get("point") else delivery.point
        return _after(request, delivery, tell_more(delivery, Told(delivery.format, point, mapping=saved), now))
    tell = TellForm(request.POST, delivery=delivery)
    if not tell.is_valid():
        return Answered(False, tell=tell)
    return _after(request, delivery, tell_more(delivery, tell.told(), now))


def _after(request: HttpRequest, delivery: Delivery, done: bool) -> Answered:
    delivery.refresh_from_db()
    if not done:
        messages.warning(request, gettext("That was not possible any more: the file has moved on."))
    elif delivery.moving:
        start_work(delivery)
    return Answered(True)


def mapping_form(delivery: Delivery, data: Any = None) -> MappingForm:
    """A new mapping for the file's source."""
    form = type("ClusterMappingForm", (MappingForm,), {"cluster_id": delivery.cluster_id})
    made: MappingForm = form(data, prefix="m")
    return made


def page_of(request: HttpRequest, cluster: Cluster, delivery: Delivery, answered: Answered | None) -> dict[str, Any]:
    """The page's context; who opens a metering point is noted as its reader. Needs the scope."""
    tz = time_zone(cluster.timezone)
    tellable = delivery.state in _TELLABLE and delivery.format in FORMATS and bool(head_of(delivery))
    need = needs(delivery) if delivery.state == Delivery.State.WAITING else ""
    days = DeliveryDay.objects.filter(delivery=delivery)
    points = days.values("point").annotate(
        first=Min("day"), last=Max("day"), days=Count("pk"), accepted=Sum("accepted"), replaced=Sum("replaced"),
        same=Sum(F("unchanged") + F("superseded")), refused=Sum("refused"),
    )  # fmt: skip
    faults = DeliveryFault.objects.filter(delivery=delivery).order_by("number")
    shown = list(faults[:FAULTS_SHOWN])
    tell = answered.tell if answered and answered.tell else TellForm(delivery=delivery) if tellable else None
    mapping = answered.mapping if answered and answered.mapping else None
    if mapping is None and tellable and delivery.format == "xlsx":
        mapping = mapping_form(delivery)
    opened = request.GET.get("point", "")
    return {
        "delivery": delivery,
        "format": FORMATS[delivery.format].title if delivery.format in FORMATS else "",
        "answer": in_words(delivery, need),
        "reason": finding_in_words(delivery.reason),
        "need": need,
        "tell": tell if tell and tell.fields else None,
        "mapping": mapping,
        "done_percent": _percent(delivery),
        "faults": [(fault, finding_in_words(fault.text)) for fault in shown],
        "more_faults": max(0, faults.count() - len(shown)),
        "points": Paginator(points.order_by("point"), POINTS_A_PAGE).get_page(request.GET.get("p")),
        "opened": opened if (rows := _opened(request, cluster, days, opened)) else "",
        "opened_days": rows,
        "zone": tz,
    }


def in_words(delivery: Delivery, need: str) -> str:
    """What the page is about, in one sentence."""
    state, n = delivery.state, numbers.number
    if state == Delivery.State.WAITING:
        return need_in_words(need)
    if state == Delivery.State.RECEIVED:
        return gettext("It is being read: %(n)s %%") % {"n": _percent(delivery)}
    if state == Delivery.State.STORING:
        return gettext("It is being stored: %(n)s %%") % {"n": _percent(delivery)}
    if state == Delivery.State.PREVIEWED:
        good = delivery.good
        return ngettext("%(n)s reading can be stored", "%(n)s readings can be stored", good) % {"n": n(good)}
    if state == Delivery.State.STORED:
        new = delivery.accepted + delivery.replaced
        return ngettext("%(n)s reading holds now", "%(n)s readings hold now", new) % {"n": n(new)}
    if state == Delivery.State.REFUSED:
        return gettext("Nothing of it was stored")
    return gettext("It was cancelled; nothing of it was stored")


def _percent(delivery: Delivery) -> int:
    if delivery.state == Delivery.State.STORING:
        return 100 * delivery.rows_done // max(1, delivery.readings)
    return 100 * delivery.read_bytes // max(1, delivery.size)


def _opened(request: HttpRequest, cluster: Cluster, days: Any, code: str) -> list[tuple[DeliveryDay, int]]:
    """The days of one metering point, each with its number of quarter-hours."""
    rows = list(days.filter(point=code).order_by("day")) if code else []
    if not rows:
        return []
    tz = time_zone(cluster.timezone)
    point = MeteringPoint.objects.filter(cluster=cluster, code=code).first()
    if point is not None:
        reader = Reader(request.user.pk, request.access.role)  # type: ignore[attr-defined]
        span = day_bounds(rows[0].day, tz)[0], day_bounds(rows[-1].day, tz)[1]
        note_access(cluster.pk, reader, ReadingAccess.Purpose.POINT, [point.pk], *span)
    found = []
    for row in rows:
        start, end = day_bounds(row.day, tz)
        found.append((row, (end - start) // INTERVAL))
    return found
