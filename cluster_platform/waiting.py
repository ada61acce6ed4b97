"""People who wait for the coordinator: the queue at the top of the desk."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from contracts.models import Agreement
from metering.domain.calendar import local_day, time_zone
from participants.domain.application_steps import STEPS
from participants.models import Application, Cluster, Complaint, ErasureRequest

SHOWN = 8
#: Statuses in which it is the coordinator's turn.
OUR_TURN = STEPS["send"].sources | STEPS["admit"].sources


@dataclass(frozen=True)
class Waiting:
    """What only the coordinator can move on; the applications oldest first, as many as the desk shows."""

    applications: list[Application]
    applications_count: int
    complaints: int
    complaints_late: int
    agreements: int
    erasures: int

    @property
    def more_applications(self) -> int:
        return self.applications_count - len(self.applications)

    @property
    def count(self) -> int:
        return self.applications_count + self.complaints + self.agreements + self.erasures


def waiting(cluster: Cluster, now: dt.datetime) -> Waiting:
    """Who waits in the cluster in scope."""
    today = local_day(now, time_zone(cluster.timezone))
    applications = Application.objects.filter(cluster=cluster, status__in=OUR_TURN)
    complaints = Complaint.objects.filter(cluster=cluster, answered_at=None).aggregate(
        open=Count("pk"), late=Count("pk", filter=Q(due_on__lt=today))
    )
    agreements: Any = Agreement.objects.with_state(today)
    return Waiting(
        applications=list(applications.order_by("submitted_at")[:SHOWN]),
        applications_count=applications.count(),
        complaints=complaints["open"],
        complaints_late=complaints["late"],
        agreements=agreements.filter(cluster=cluster, state="accepted").count(),
        erasures=ErasureRequest.objects.filter(cluster=cluster, erased_at=None).count(),
    )
