"""The coordinator ends trading for several participants at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from contracts.domain.agreement_states import OPEN, STANDING, AgreementError, State
from contracts.models import Agreement, Contract
from contracts.services.agreement_effects import settle_under
from contracts.services.agreements import Actor, lock_agreements, terminate
from metering.domain.calendar import local_day, time_zone
from participants.models import Cluster, Participant
from participants.permissions import may


@dataclass(frozen=True)
class Outcome:
    """What became of one participant: ended, or why not."""

    participant: Participant
    refused: str = ""


def end_trading(
    cluster: Cluster, participants: Iterable[Participant], day: date, actor: Actor, now: datetime, reason: str
) -> list[Outcome]:
    """From local midnight of `day` on these participants are under the standard mechanism; each for itself.

    A signed agreement is terminated, with its notice period, also before it begins; a contract without one ends on the
    day.
    """
    return [_end(cluster, participant, day, actor, now, reason) for participant in participants]


def _end(cluster: Cluster, participant: Participant, day: date, actor: Actor, now: datetime, reason: str) -> Outcome:
    today = local_day(now, time_zone(cluster.timezone))
    try:
        with transaction.atomic():
            lock_agreements(cluster)
            agreements: list[Any] = list(Agreement.objects.with_state(today).filter(participant=participant))
            standing = next((row for row in agreements if row.state in STANDING), None)
            if any(row.state in OPEN for row in agreements):
                raise AgreementError(_("An agreement is still being signed: withdraw it first."))
            if standing is not None:
                terminate(standing, actor, now, day, reason)
            elif any(row.state == State.TERMINATED for row in agreements):
                raise AgreementError(_("It is terminated already."))
            else:
                _end_without_agreement(participant, day, today, actor)
    except AgreementError as error:
        return Outcome(participant, str(error))
    except PermissionDenied:
        return Outcome(participant, _("You may not end this agreement."))
    return Outcome(participant)


def _end_without_agreement(participant: Participant, day: date, today: date, actor: Actor) -> None:
    if actor.access is None or not may(actor.access, "change_people", participant):
        raise PermissionDenied
    if day < today + timedelta(days=1):
        raise AgreementError(_("The first day can be tomorrow: what has been settled stays."))
    trading = Contract.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day), participant=participant, scheme="p2p")
    if not trading.exists():
        raise AgreementError(_("Does not trade on that day."))
    settle_under(participant, day, Contract.Scheme.STANDARD)
