"""Takes an applicant into the cluster."""

from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from contracts.domain.agreement_states import AgreementError
from contracts.services.agreements import offer_agreement
from metering.domain.calendar import local_day, local_midnight, time_zone
from metering.models import GridNode, MeteringPoint, PointAssignment
from metering.services import touch_span
from participants.domain.application_steps import next_status
from participants.models import Application, ApplicationPoint, Cluster, Membership, Participant, User
from participants.services.applications import locked, move

#: What the applicant says it comes from; cogeneration and the unnamed are renewable once somebody says so.
_SOURCES = {
    "": PointAssignment.Source.PHOTOVOLTAICS,
    ApplicationPoint.Source.SUN: PointAssignment.Source.PHOTOVOLTAICS,
    ApplicationPoint.Source.WIND: PointAssignment.Source.WIND,
    ApplicationPoint.Source.WATER: PointAssignment.Source.HYDRO,
    ApplicationPoint.Source.BIOGAS: PointAssignment.Source.BIOGAS,
    ApplicationPoint.Source.COGENERATION: PointAssignment.Source.NOT_RENEWABLE,
    ApplicationPoint.Source.OTHER: PointAssignment.Source.NOT_RENEWABLE,
}


class NotAdmissible(ValueError):
    """What the distributor confirmed no longer fits the cluster; the text tells the coordinator why."""


@transaction.atomic
def admit(cluster: Cluster, application_id: int, user: User, now: datetime) -> Participant:
    """Make a confirmed applicant a member: participant, metering points, login, and the agreement to sign.

    All or nothing, in the caller's scope; a second call, also at the same time, gives the same participant. Raises
    StepRefused before the distributor's confirmation, NotAdmissible if a point is somebody else's, its node is gone, or
    the agreement can't be written.
    """
    application = locked(application_id)
    if application.status == Application.Status.ADMITTED and application.participant is not None:
        return application.participant
    status = next_status("admit", "coordinator", application.status, "")
    participant = _participant(cluster, application)
    for point in application.points.all():
        _assign(cluster, participant, point, application)
    Membership.objects.create(
        cluster=cluster, user=application.user, role=Membership.Role.MEMBER, participant=participant
    )
    tz = time_zone(cluster.timezone)
    # Nobody trades by an agreement that could not have been signed in time.
    first = max(_start(application), local_day(now, tz) + timedelta(days=1))
    try:
        offer_agreement(cluster, participant, first, user, now, application.language)
    except AgreementError as error:
        raise NotAdmissible(str(error)) from error
    touch_span(cluster.pk, local_midnight(_start(application), tz), None)
    application.participant = participant
    move(cluster, application, "admit", status, "coordinator", user, now, "")
    return participant


def _participant(cluster: Cluster, application: Application) -> Participant:
    copied = (
        "kind",
        "legal_form",
        "name",
        "email",
        "street",
        "postcode",
        "city",
        "country",
        "nip",
        "iban",
        "vat_payer",
    )
    return Participant.objects.create(
        cluster=cluster, code=_next_code(cluster), **{name: getattr(application, name) for name in copied}
    )


def _next_code(cluster: Cluster) -> str:
    """P and the next free number; two admissions at once wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('participant code'), %s)", [cluster.pk])
    codes = Participant.objects.filter(cluster=cluster, code__regex=r"^P\d{1,9}$").values_list("code", flat=True)
    return f"P{max((int(code[1:]) for code in codes), default=0) + 1:04d}"


def _assign(cluster: Cluster, participant: Participant, applied: ApplicationPoint, application: Application) -> None:
    start = _start(application)
    node = GridNode.objects.filter(cluster=cluster, code=applied.grid_node).first()
    if node is None:
        raise NotAdmissible(_("The grid node %(node)s is no longer there.") % {"node": applied.grid_node})
    point = MeteringPoint.objects.get_or_create(cluster=cluster, code=applied.code)[0]
    taken = (
        PointAssignment.objects.filter(Q(valid_to=None) | Q(valid_to__gt=start), metering_point=point)
        .select_related("participant")
        .first()
    )
    if taken is not None:
        values = {"point": point.code, "owner": taken.participant or "–", "day": taken.valid_from}
        text = _("The metering point %(point)s belongs to %(owner)s since %(day)s: end that assignment first.")
        raise NotAdmissible(text % values)
    PointAssignment.objects.create(
        cluster=cluster, metering_point=point, participant=participant, role=PointAssignment.Role.MEMBER,
        grid_node=node, tariff_group=applied.tariff_group, contracted_power_kw=applied.contracted_power_kw,
        generation_capacity_kw=applied.generation_capacity_kw, generation_source=_SOURCES[applied.generation_source],
        phases=applied.phases, yearly_use_kwh=applied.yearly_use_kwh, capacity_factor=1, valid_from=start,
    )  # fmt: skip


def _start(application: Application) -> date:
    """The confirmed first day, which the database requires of what is confirmed."""
    if application.start_day is None:
        raise NotAdmissible(_("The distributor has named no first day."))
    return application.start_day
