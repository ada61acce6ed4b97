"""Who a month is billed to, and for which days of which metering points."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from billing.domain.inputs import Member
from billing.models import Statement
from billing.selectors.terms import Month
from contracts.models import Contract
from metering.models import PointAssignment
from participants.models import Cluster, Participant


@dataclass(frozen=True, slots=True)
class Account:
    """A participant and the rows of its metering points that the month bills, each clipped to its days."""

    participant: Participant
    rows: tuple[tuple[PointAssignment, date, date], ...]

    @property
    def member(self) -> Member:
        """Who the statement is for."""
        return Member(self.participant.code, self.participant.legal_form, self.participant.vat_payer)


def accounts(cluster: Cluster, month: Month) -> list[Account]:
    """Everybody with a metering point under P2P contract in the month, by code.

    Also who has a statement of it from before and no such point any more: without rows, to be billed nothing.
    """
    in_month = Q(valid_from__lt=month.end) & (Q(valid_to=None) | Q(valid_to__gt=month.first))
    contracts = Contract.objects.filter(in_month, cluster=cluster, scheme=Contract.Scheme.P2P).order_by("valid_from")
    assignments: dict[int | None, list[PointAssignment]] = {}
    rows = PointAssignment.objects.filter(in_month, cluster=cluster, role=PointAssignment.Role.MEMBER)
    for row in rows.select_related("metering_point").order_by("metering_point__code", "valid_from"):
        assignments.setdefault(row.participant_id, []).append(row)
    billed: dict[int, list[tuple[PointAssignment, date, date]]] = {}
    for contract in contracts:
        for row in assignments.get(contract.participant_id, ()):
            first = max(month.first, contract.valid_from, row.valid_from)
            end = min(month.end, contract.valid_to or month.end, row.valid_to or month.end)
            if first < end:
                billed.setdefault(contract.participant_id, []).append((row, first, end))
    before = Statement.objects.filter(cluster=cluster, period=month.first).values("participant")
    people = Participant.objects.filter(Q(pk__in=before) | Q(pk__in=billed), cluster=cluster).order_by("code")
    return [Account(participant, tuple(billed.get(participant.pk, ()))) for participant in people]
