"""The coordinator puts readings in by hand, with a reason. What was measured stays in the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db.models import Max
from django.utils.translation import gettext

from metering.domain.calendar import INTERVAL, format_instant, interval_starts
from metering.domain.estimation import Energy
from metering.domain.versions import issued_at
from metering.models import MeteringPoint, Reading, Substitution
from metering.selectors.points import point_spans
from metering.services.estimation import estimates_for
from metering.services.ingest import ingest
from participants.models import Cluster, User
from participants.tenancy.scope import scope

#: About a month at once.
MOST_READINGS = 31 * 96 + 4


class SubstitutionRefused(ValueError):
    """The readings can't be put in; the text says why."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A quarter-hour, what holds for it (None: nothing), and what would hold instead."""

    start: datetime
    before: Energy | None
    quality: int | None
    after: Energy


@dataclass(frozen=True, slots=True)
class Plan:
    """What a substitution would do to one metering point in `[starts, ends)`."""

    point: MeteringPoint
    starts: datetime
    ends: datetime
    how: str
    readings: tuple[Planned, ...]

    @property
    def before(self) -> Energy:
        """Sum of what holds."""
        return _sum([row.before for row in self.readings if row.before])

    @property
    def after(self) -> Energy:
        """Sum of what would hold."""
        return _sum([row.after for row in self.readings])

    @property
    def digest(self) -> str:
        """Tells whether the plan is still the one that was shown."""
        return sha256(repr((self.point.pk, self.readings)).encode()).hexdigest()


def plan(point: MeteringPoint, starts: datetime, ends: datetime, values: Sequence[Energy] | None) -> Plan:
    """What these values, one a quarter-hour, or without them estimates, would change. Needs the scope.

    Raises SubstitutionRefused for the wrong number of values and where nothing can be estimated.
    """
    if ends - starts > MOST_READINGS * INTERVAL:
        raise SubstitutionRefused(gettext("At most %(n)s quarter-hours at once.") % {"n": MOST_READINGS})
    quarter_hours = interval_starts(starts, ends)
    span = point_spans(point.cluster).get(point.code)
    if span is None or not span.covers_all(starts, quarter_hours[-1]):
        raise SubstitutionRefused(gettext("The metering point was not in the cluster all that time."))
    if values is None:
        estimated = estimates_for(point.cluster, point.pk, quarter_hours)
        if len(estimated) < len(quarter_hours):
            raise SubstitutionRefused(gettext("The metering point was not a member's all that time."))
        after = [Energy(*estimated[start][:2]) for start in quarter_hours]
    else:
        after = list(values)
        if len(after) != len(quarter_hours):
            counts = {"needed": len(quarter_hours), "given": len(after)}
            raise SubstitutionRefused(gettext("%(needed)s values are needed, not %(given)s.") % counts)
    rows = Reading.objects.filter(
        cluster=point.cluster_id, metering_point=point, interval_start__gte=starts, interval_start__lt=ends
    ).order_by("version")
    held = {row.interval_start: row for row in rows}
    planned = []
    for start, energy in zip(quarter_hours, after, strict=True):
        row = held.get(start)
        before = Energy(row.imported_wh, row.exported_wh) if row else None
        planned.append(Planned(start, before, row.quality if row else None, energy))
    how = Substitution.How.ESTIMATED if values is None else Substitution.How.VALUES
    return Plan(point, starts, ends, how, tuple(planned))


def substitute(planned: Plan, reason: str, user: User, now: datetime) -> Substitution:
    """Put the planned readings in, all of them or none; opens its own scope.

    They hold from now on, until something is delivered that was issued later. Raises ReadingsRefused.
    """
    point, cluster = planned.point, planned.point.cluster
    lines = (
        f"{point.code},{format_instant(row.start)},{row.after.imported_wh},{row.after.exported_wh},substituted\n"
        for row in planned.readings
    )
    with scope(cluster.pk):
        issued = _after_all(cluster, planned, now)
        outcome = ingest(cluster, ["".join(lines).encode()], issued_at=issued, whole=True, now=now)
        return Substitution.objects.create(
            cluster=cluster, metering_point=point, starts=planned.starts, ends=planned.ends, how=planned.how,
            reason=reason, issued_at=issued, issued_by=user, readings=outcome.changed,
            imported_wh=planned.after.imported_wh, exported_wh=planned.after.exported_wh,
        )  # fmt: skip


def _after_all(cluster: Cluster, planned: Plan, now: datetime) -> datetime:
    """Now, or just after what a source whose clock is ahead has issued."""
    last = Reading.objects.filter(
        cluster=cluster, metering_point=planned.point, interval_start__gte=planned.starts,
        interval_start__lt=planned.ends,
    ).aggregate(last=Max("version"))["last"]  # fmt: skip
    newest = issued_at(last) if last else None
    return max(now, newest + timedelta(seconds=1)) if newest else now


def _sum(energies: Sequence[Energy]) -> Energy:
    return Energy(sum(energy.imported_wh for energy in energies), sum(energy.exported_wh for energy in energies))
