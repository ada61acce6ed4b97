"""A change of a metering point from a day on, with everything that follows from it."""

from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clearing.models import IntervalState
from cluster_platform.point_forms import DayForm, LeaveForm, MeterForm, MoveInForm, TermsForm
from contracts.domain.agreement_states import AgreementError
from contracts.models import Contract
from contracts.services.agreements import Actor
from contracts.services.moving import bound_after, end_after_move, leaves_the_cluster
from metering.domain.calendar import local_day, local_midnight, time_zone
from metering.domain.life import Span, Terms, on_day
from metering.models import GridNode, MeteringPoint, PointAssignment
from metering.services.life import (
    LifeRefused,
    Plan,
    carry_out,
    follow_roles,
    plan_change,
    plan_move_in,
    plan_move_out,
    replace_meter,
)
from participants.models import Cluster, Participant


@dataclass
class Outcome:
    """What a change did, or would do: the plan, the quarter-hours to settle anew, and notes for the coordinator."""

    digest: str
    plan: Plan | None = None
    due: int = 0
    settled_before: int = 0
    notes: list[str] = field(default_factory=list)


class ChangedMeanwhile(LifeRefused):
    """What would be done is not what was shown."""


def make(point: MeteringPoint, form: DayForm, actor: Actor, now: datetime, shown: str | None) -> Outcome:
    """Make the change. `shown` is the digest of the preview; None makes the preview: everything is taken back.

    Raises LifeRefused with the text for the coordinator; nothing is changed then.
    """
    with transaction.atomic():
        outcome = _make(point, form, actor, now)
        if shown is None:
            transaction.set_rollback(True)
        elif shown != outcome.digest:
            raise ChangedMeanwhile(_("Somebody has changed this point meanwhile: look again before you store."))
    return outcome


def _make(point: MeteringPoint, form: DayForm, actor: Actor, now: datetime) -> Outcome:
    day = form.cleaned_data["day"]
    if isinstance(form, MeterForm):
        meter = replace_meter(point, day, form.cleaned_data["serial"])
        note = _("Readings stay the point's, so nothing is settled anew.")
        return Outcome(f"{meter.serial} {meter.valid_from} {meter.valid_to}", notes=[note])
    plan = _plan(point, form, day)
    cluster = point.cluster
    outcome = Outcome(plan.digest, plan, settled_before=_settled(cluster, plan))
    outcome.due = carry_out(plan)
    since, today = min(first for first, _end in plan.days), local_day(now, time_zone(cluster.timezone))
    for person in follow_roles(cluster.pk, since, today):
        values = {"who": person, "kind": person.get_kind_display()}
        outcome.notes.append(_("%(who)s is listed as %(kind)s.") % values)
    if isinstance(form, LeaveForm):
        _farewell(cluster, plan, form, actor, now, outcome)
    if isinstance(form, MoveInForm):
        _welcome(form.cleaned_data["participant"], day, outcome)
    return outcome


def _plan(point: MeteringPoint, form: DayForm, day: date) -> Plan:
    if isinstance(form, MoveInForm):
        return plan_move_in(point, day, form.cleaned_data["until"], _terms_of(point, form, day))
    if isinstance(form, TermsForm):
        return plan_change(point, day, form.terms)
    return plan_move_out(point, day)


def _terms_of(point: MeteringPoint, form: MoveInForm, day: date) -> Terms:
    """The terms of who moves in: what was filled in, the rest as before."""
    given = form.terms | {"participant": form.cleaned_data["participant"].pk, "role": PointAssignment.Role.MEMBER}
    names = [each.name for each in fields(Terms)]
    if not given.keys() >= set(names):
        before = PointAssignment.objects.filter(metering_point=point, valid_from__lte=day).order_by("valid_from").last()
        if before is None:
            raise LifeRefused(_("Fill in everything: the point has no terms from before to take over."))
        known = {name: getattr(before, name) for name in names} | {"grid_node": before.grid_node_id}
        given = known | given
    return replace(Terms(**given), role=PointAssignment.Role.MEMBER)


def _settled(cluster: Cluster, plan: Plan) -> int:
    tz = time_zone(cluster.timezone)
    count = 0
    for first, end in plan.days:
        states = IntervalState.objects.filter(
            cluster=cluster, run__isnull=False, interval_start__gte=local_midnight(first, tz)
        )
        count += (states.filter(interval_start__lt=local_midnight(end, tz)) if end else states).count()
    return count


def _farewell(cluster: Cluster, plan: Plan, form: LeaveForm, actor: Actor, now: datetime, outcome: Outcome) -> None:
    """What becomes of the agreement of who has left the point."""
    day = form.cleaned_data["day"]
    left = on_day(plan.before, day)
    if left is None or left.terms.participant is None:
        return
    person = Participant.objects.get(pk=left.terms.participant)
    values = {"who": person, "day": date_format(day, "DATE_FORMAT")}
    outcome.notes.append(_("%(who)s leaves the point; from %(day)s its readings are no longer theirs.") % values)
    if not leaves_the_cluster(person, day):
        return
    agreements = bound_after(person, day, now)
    if not form.cleaned_data["end_agreement"]:
        if agreements:
            outcome.notes.append(_("Their agreement stays, though no metering point is left to them.") % values)
        return
    try:
        end = end_after_move(cluster, person, day, actor, now, form.cleaned_data["reason"])
    except (AgreementError, PermissionDenied) as error:
        text = _("Their agreement can't be ended by you: leave the box empty and let an administrator end it. %(why)s")
        raise LifeRefused(text % {"why": str(error)}) from error
    values["day"] = date_format(end, "DATE_FORMAT")
    for agreement in agreements:
        text = _("No metering point is left to them: agreement No. %(number)s ends on %(day)s.")
        outcome.notes.append(text % {"number": agreement.number, **values})


def _welcome(person: Participant, day: date, outcome: Outcome) -> None:
    """Without a contract nothing of theirs is settled."""
    if not any(
        row.valid_from <= day < (row.valid_to or date.max) for row in Contract.objects.filter(participant=person)
    ):
        outcome.notes.append(
            _("%(who)s has no contract on that day: their readings are kept, but not settled.") % {"who": person}
        )


@dataclass(frozen=True)
class Entry:
    """A row of the timeline: from when to when, whose, and what differs from the row before (names)."""

    span: Span
    row: PointAssignment
    differs: frozenset[str]
    today: bool
    new: bool


def timeline(spans: tuple[Span, ...], today: date, before: tuple[Span, ...] = ()) -> list[Entry]:
    """Spans as rows to show, oldest first; `new` are those that were not so `before`."""
    people = Participant.objects.in_bulk({s.terms.participant for s in spans if s.terms.participant})
    nodes = GridNode.objects.in_bulk({s.terms.grid_node for s in spans})
    entries: list[Entry] = []
    last: Terms | None = None
    for span in spans:
        values: dict[str, Any] = {each.name: getattr(span.terms, each.name) for each in fields(Terms)}
        differs = frozenset(name for name, value in values.items() if last and getattr(last, name) != value)
        values |= {"participant": people.get(span.terms.participant), "grid_node": nodes[span.terms.grid_node]}
        row = PointAssignment(**values, valid_from=span.first, valid_to=span.end)
        entries.append(Entry(span, row, differs, span.covers(today), bool(before) and span not in before))
        last = span.terms
    return entries
