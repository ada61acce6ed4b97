"""Agreements as their readers see them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from contracts.agreement_models import AgreementQuerySet, AgreementState
from contracts.domain.agreement_states import Act, State
from contracts.domain.agreement_text import blocks
from contracts.models import Agreement, AgreementDocument, AgreementEvent, AgreementSignature
from metering.domain.calendar import local_day, time_zone
from participants.models import Cluster


@dataclass(frozen=True)
class Reading:
    """One agreement with all that is shown of it."""

    agreement: Agreement
    document: AgreementDocument
    blocks: list[tuple[str, str]]
    events: list[AgreementEvent]
    signatures: list[AgreementSignature]
    state: State
    #: From which local day the state holds.
    day: date
    #: The first local day in force; None before both have signed.
    first: date | None

    @property
    def label(self) -> str:
        return str(AgreementState(self.state).label)

    @property
    def again(self) -> date | None:
        """The day from which it is in force again, where the last act ended a suspension."""
        last = self.events[-1]
        return last.day if last.act == Act.RESUME else None

    def signed_by(self, side: str) -> bool:
        return any(signature.side == side for signature in self.signatures)


def agreements_on(cluster: Cluster, now: datetime) -> AgreementQuerySet:
    """The cluster's agreements with `state` and `day` as of now, newest first."""
    today = local_day(now, time_zone(cluster.timezone))
    found: AgreementQuerySet = Agreement.objects.filter(cluster=cluster).with_state(today)
    return found.select_related("participant", "dso", "partner", "amends", "cluster")


def read(agreement: Any) -> Reading:
    """Everything about an agreement that has its `state` and `day`."""
    document = agreement.documents.defer("pdf").get()
    events = list(agreement.events.select_related("user"))
    signed = next((event.day for event in events if event.target == State.SIGNED), None)
    return Reading(
        agreement=agreement,
        document=document,
        blocks=blocks(document.text),
        events=events,
        signatures=list(document.signatures.all()),
        state=State(agreement.state),
        day=agreement.day,
        first=signed,
    )
