"""What happens to an application: started, filled in, sent in, asked about, answered, refused, withdrawn."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce
from django.utils.text import get_valid_filename

from participants.domain.application_steps import EDITABLE, STEPS, Actor, StepRefused, next_status
from participants.domain.documents import MOST_BYTES_TOGETHER, MOST_DOCUMENTS, DocumentRefused, check_document
from participants.mails import tell_applicant, tell_coordinator
from participants.models import (
    Application,
    ApplicationDocument,
    ApplicationEvent,
    ApplicationPoint,
    Cluster,
    Invitation,
    User,
)
from participants.selectors.applications import missing_in


@transaction.atomic
def start_application(
    cluster: Cluster, user: User, language: str, now: datetime, invitation: Invitation | None = None
) -> Application:
    """The user's draft in the cluster in scope, made if there is none; an invitation fills in what it knows."""
    known = {name: getattr(invitation, name) for name in ("name", "kind", "legal_form")} if invitation else {}
    application, new = Application.objects.get_or_create(
        cluster=cluster,
        user=user,
        status=Application.Status.DRAFT,
        defaults={"language": language, "email": user.email, "created_at": now, **known},
    )
    if new:
        _note(application, "start", "applicant", user, now, "")
    if invitation is not None:
        application.invitation = invitation
        application.save(update_fields=["invitation"])
    return application


def locked(application_id: int) -> Application:
    """The application, held until the transaction ends; Application.DoesNotExist outside of the scope."""
    return Application.objects.select_for_update().get(pk=application_id)


def editable(application_id: int) -> Application:
    """The application, held; StepRefused once it is no longer the applicant's turn."""
    application = locked(application_id)
    if application.status not in EDITABLE:
        raise StepRefused(f"an application that is {application.status} is not changed")
    return application


@transaction.atomic
def take_step(
    cluster: Cluster, application_id: int, step: str, actor: Actor, user: User, now: datetime, text: str = ""
) -> Application:
    """Take a step that changes the status only, note it and tell the applicant.

    Raises StepRefused where the step does not lead on from the present status, or an application is not complete.
    """
    application = locked(application_id)
    status = next_status(step, actor, application.status, text)
    if step in ("submit", "answer") and missing_in(application):
        raise StepRefused("the application is not complete")
    if step == "submit":
        application.submitted_at = now
    if step in ("submit", "answer"):
        # Letters and the agreement are in the language in which it was read last.
        application.language = user.language
    if step == "withdraw" and application.submitted_at is None:
        # Nobody has seen them and nobody will.
        application.documents.all().delete()
    move(cluster, application, step, status, actor, user, now, text)
    return application


@transaction.atomic
def confirm_points(
    cluster: Cluster,
    application_id: int,
    points: dict[int, tuple[str, str]],
    start_day: date,
    user: User,
    now: datetime,
) -> Application:
    """The distributor's confirmation: grid node's code and tariff group of each point, and the first day.

    Raises StepRefused if it is not with the distributor, or the points are not exactly the application's.
    """
    application = locked(application_id)
    status = next_status("confirm", "dso", application.status, "")
    rows = ApplicationPoint.objects.filter(application=application).in_bulk()
    if rows.keys() != points.keys():
        raise StepRefused("the metering points are not those of the application")
    for key, (node, group) in points.items():
        rows[key].grid_node, rows[key].tariff_group = node, group
        rows[key].save(update_fields=["grid_node", "tariff_group"])
    application.start_day = start_day
    move(cluster, application, "confirm", status, "dso", user, now, "")
    return application


def move(
    cluster: Cluster,
    application: Application,
    step: str,
    status: str,
    actor: Actor,
    user: User,
    now: datetime,
    text: str,
) -> None:
    """Store the status that a locked application has reached, its event, and the e-mail about it."""
    application.status = status
    application.save()
    _note(application, step, actor, user, now, text.strip())
    # What the distributor objects to is between it and the coordinator.
    shown = text.strip() if STEPS[step].actor == "coordinator" else ""
    tell_applicant(application, cluster, shown)
    if actor != "coordinator" and application.submitted_at is not None:
        tell_coordinator(application, cluster, step, text.strip())


@transaction.atomic
def add_document(application_id: int, name: str, content: bytes, now: datetime) -> ApplicationDocument:
    """Store a file after looking at what it is; DocumentRefused or StepRefused otherwise."""
    application = editable(application_id)
    content_type = check_document(name, content)
    kept = application.documents.aggregate(files=Count("pk"), size=Coalesce(Sum("size"), 0))
    if kept["files"] >= MOST_DOCUMENTS:
        raise DocumentRefused("many")
    if kept["size"] + len(content) > MOST_BYTES_TOGETHER:
        raise DocumentRefused("together")
    return ApplicationDocument.objects.create(
        cluster_id=application.cluster_id, application=application, name=get_valid_filename(name)[-200:],
        content_type=content_type, content=content, size=len(content), uploaded_at=now,
    )  # fmt: skip


def _note(application: Application, step: str, actor: Actor, user: User, now: datetime, text: str) -> None:
    ApplicationEvent.objects.create(
        cluster_id=application.cluster_id, application=application, at=now, step=step, actor=actor, user=user, text=text
    )
