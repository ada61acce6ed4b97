"""Changes of a metering point from a local day on: owner, tariff group, node, power, device.

Each is planned first and carried out as planned. A plan locks the point until the end of the transaction; all need the
scope of the cluster. The readings stay as they are: who owns a quarter-hour follows from its day.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from metering.domain.calendar import local_day, local_midnight, time_zone
from metering.domain.life import (
    DaySpan,
    LifeError,
    Refusal,
    Span,
    Terms,
    changed_days,
    with_change,
    with_move_in,
    with_move_out,
)
from metering.models import Meter, MeteringPoint, PointAssignment
from metering.selectors.points import TERM_COLUMNS, spans_of
from metering.selectors.retention import kept_from
from metering.services.inputs import touch_span
from participants.models import Participant


class LifeRefused(ValueError):
    """The change can't be made; the text tells the coordinator why."""


@dataclass(frozen=True)
class Plan:
    """A metering point's spans before and after a change."""

    point: MeteringPoint
    before: tuple[Span, ...]
    after: tuple[Span, ...]

    @property
    def days(self) -> list[DaySpan]:
        """The local days on which something else holds than before."""
        return changed_days(self.before, self.after)

    @property
    def digest(self) -> str:
        """Equal for equal plans: what was shown is what is done."""
        return hashlib.sha256(repr((self.point.pk, self.before, self.after)).encode()).hexdigest()


def plan_change(point: MeteringPoint, day: date, values: Mapping[str, Any]) -> Plan:
    """Other terms from a day on; `values` by the names of `Terms`, nodes by their ids. Raises LifeRefused."""
    return _plan(point, day, lambda spans: with_change(spans, day, values))


def plan_move_out(point: MeteringPoint, day: date) -> Plan:
    """The point is nobody's from a day on. Raises LifeRefused."""
    return _plan(point, day, lambda spans: with_move_out(spans, day))


def plan_move_in(point: MeteringPoint, day: date, end: date | None, terms: Terms) -> Plan:
    """The point is another participant's for [day, end); who had it on `day` moves out. Raises LifeRefused."""
    return _plan(point, day, lambda spans: with_move_in(spans, day, end, terms))


@transaction.atomic
def carry_out(plan: Plan) -> int:
    """Store the plan; returns how many quarter-hours are to be settled anew."""
    rows = {row.valid_from: row for row in PointAssignment.objects.filter(metering_point=plan.point)}
    wanted = {span.first: span for span in plan.after}
    for first in rows.keys() - wanted.keys():
        rows[first].delete()
    # Those that end earlier make room for others.
    for first in sorted(rows.keys() & wanted.keys()):
        _store(rows[first], wanted[first])
    for first in sorted(wanted.keys() - rows.keys()):
        _store(PointAssignment(cluster_id=plan.point.cluster_id, metering_point=plan.point), wanted[first])
    cluster = plan.point.cluster
    tz = time_zone(cluster.timezone)
    return sum(
        touch_span(cluster.pk, local_midnight(first, tz), local_midnight(end, tz) if end else None)
        for first, end in plan.days
    )


@transaction.atomic
def replace_meter(point: MeteringPoint, day: date, serial: str) -> Meter:
    """The device of the point from a day on, until the next one that is noted already; raises LifeRefused.

    No quarter-hour is settled anew: a reading is what went through the point, whatever device measured it.
    """
    _lock(point)
    meters = list(point.meters.order_by("valid_from"))
    now = next((row for row in meters if _in_force(row, day)), None)
    later = next((row for row in meters if row.valid_from > day), None)
    if now is not None and now.serial == serial:
        raise LifeRefused(_("This meter is there already, since %(day)s.") % {"day": _day(now.valid_from)})
    end = later.valid_from if later else None
    elsewhere = Meter.objects.filter(cluster=point.cluster_id, serial=serial).exclude(metering_point=point)
    for other in elsewhere.select_related("metering_point"):
        if other.valid_from < (end or date.max) and day < (other.valid_to or date.max):
            values = {"point": other.metering_point.code, "day": _day(other.valid_from)}
            raise LifeRefused(_("This meter measures at %(point)s since %(day)s: end that first.") % values)
    if now is not None and now.valid_from == day:
        now.serial = serial
        now.save(update_fields=["serial"])
        return now
    if now is not None:
        now.valid_to = day
        now.save(update_fields=["valid_to"])
    return Meter.objects.create(
        cluster_id=point.cluster_id, metering_point=point, serial=serial, valid_from=day, valid_to=end
    )


def follow_roles(cluster_id: int, since: date, today: date) -> list[Participant]:
    """Who began or ceased to generate at a point on a day of [since, today] gets that kind; those whose kind changed.

    A consumer becomes a prosumer, and back when nothing of theirs generates any more; producers who generate stay so.
    """
    began = PointAssignment.objects.filter(
        cluster=cluster_id, valid_from__range=(since, today), participant__isnull=False
    )
    before = PointAssignment.objects.filter(
        metering_point=OuterRef("metering_point"), participant=OuterRef("participant"), valid_to=OuterRef("valid_from")
    )
    idle = Q(generation_capacity_kw=0)
    turned = began.filter(idle & Exists(before.exclude(idle)) | ~idle & Exists(before.filter(idle)))
    theirs = PointAssignment.objects.filter(participant=OuterRef("pk"), valid_from__lte=today).exclude(
        Q(valid_to__lte=today) | idle
    )
    people = Participant.objects.filter(pk__in=turned.values("participant")).annotate(generates=Exists(theirs))
    changed: list[Participant] = []
    for person in people:
        generates = bool(getattr(person, "generates", False))
        if generates == (person.kind == Participant.Kind.CONSUMER):
            person.kind = Participant.Kind.PROSUMER if generates else Participant.Kind.CONSUMER
            person.save(update_fields=["kind"])
            changed.append(person)
    return changed


def _plan(point: MeteringPoint, day: date, change: Callable[[Sequence[Span]], list[Span]]) -> Plan:
    _lock(point)
    kept = local_day(kept_from(point.cluster), time_zone(point.cluster.timezone))
    if day < kept:
        raise LifeRefused(
            _("Of the time before %(day)s only daily sums are kept: it stays as it is.") % {"day": _day(kept)}
        )
    before = spans_of(point)
    try:
        return Plan(point, before, tuple(change(before)))
    except LifeError as error:
        raise LifeRefused(_words(error, day)) from error


def _lock(point: MeteringPoint) -> None:
    MeteringPoint.objects.select_for_update().get(pk=point.pk)


def _store(row: PointAssignment, span: Span) -> None:
    wanted = {column: getattr(span.terms, name) for name, column in TERM_COLUMNS.items()}
    wanted |= {"valid_from": span.first, "valid_to": span.end}
    if row.pk is None or any(getattr(row, column) != value for column, value in wanted.items()):
        for column, value in wanted.items():
            setattr(row, column, value)
        row.save()


def _in_force(row: PointAssignment | Meter, day: date) -> bool:
    return row.valid_from <= day < (row.valid_to or date.max)


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def _words(error: LifeError, day: date) -> str:
    if error.refusal == Refusal.NOBODY:
        return _("On %(day)s the point is nobody's.") % {"day": _day(day)}
    if error.refusal == Refusal.NOTHING or error.span is None:
        return _("Nothing changes by this: it holds already from that day on.")
    values = {
        "who": Participant.objects.filter(pk=error.span.terms.participant or 0).first() or "–",
        "day": _day(error.span.first),
    }
    if error.refusal == Refusal.OWN:
        return _("The point is theirs already, since %(day)s: %(who)s.") % values
    return _("From %(day)s the point belongs to %(who)s: let this one end by then.") % values
