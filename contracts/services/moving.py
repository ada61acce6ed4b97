"""A participant without a metering point any more: what was agreed with them ends."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from contracts.domain.agreement_states import OPEN, STANDING, State
from contracts.models import Agreement, Contract
from contracts.services.agreement_effects import settle_under
from contracts.services.agreements import Actor, end_by_move_or_death, lock_agreements, withdraw
from metering.domain.calendar import local_day, time_zone
from metering.models import PointAssignment
from participants.models import Cluster, Participant


def leaves_the_cluster(participant: Participant, day: date) -> bool:
    """Whether no metering point is the participant's on `day` or later."""
    theirs = PointAssignment.objects.filter(participant=participant)
    return not theirs.filter(Q(valid_to=None) | Q(valid_to__gt=day)).exists()


def bound_after(participant: Participant, day: date, now: datetime) -> list[Any]:
    """The agreements, with `state`, that are signed or being signed and reach beyond the day."""
    today = local_day(now, time_zone(participant.cluster.timezone))
    found: list[Any] = list(Agreement.objects.with_state(today).filter(participant=participant))
    return [row for row in found if row.state in OPEN | STANDING or (row.state == State.TERMINATED and row.day > day)]


@transaction.atomic
def end_after_move(
    cluster: Cluster, participant: Participant, day: date, actor: Actor, now: datetime, reason: str
) -> date:
    """End what was agreed with a participant whose last point is no longer theirs from `day` on; its first day without.

    That is `day`, or tomorrow: what was agreed for a day that has come stays, and without a point nothing is settled by
    it. Raises AgreementError and PermissionDenied as the acts on agreements do.
    """
    lock_agreements(cluster)
    end = max(day, local_day(now, time_zone(cluster.timezone)) + timedelta(days=1))
    for agreement in bound_after(participant, end, now):
        if agreement.state in OPEN:
            withdraw(agreement, actor, now, reason)
        else:
            end_by_move_or_death(agreement, actor, now, end, reason)
    if Contract.objects.filter(Q(valid_to=None) | Q(valid_to__gt=end), participant=participant).exists():
        settle_under(participant, end, None)
    return end
