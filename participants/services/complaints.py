"""Complaints of members and the coordinator's answers."""

from datetime import date, datetime

from django.db import transaction

from participants.mails import tell_complainant, tell_of_complaint
from participants.models import Cluster, Complaint, Participant, User


class AlreadyAnswered(ValueError):
    """A complaint is answered once."""


@transaction.atomic
def complain(
    cluster: Cluster,
    participant: Participant,
    user: User,
    written: tuple[str, str],
    now: datetime,
    due_on: date,
    language: str,
) -> Complaint:
    """Store a complaint, `written` as subject and text, to be answered by the local day `due_on`; tell who answers."""
    subject, text = written
    complaint = Complaint.objects.create(
        cluster=cluster, participant=participant, user=user, subject=subject, text=text, made_at=now, due_on=due_on,
        language=language,
    )  # fmt: skip
    tell_of_complaint(complaint, cluster)
    return complaint


@transaction.atomic
def answer_complaint(cluster: Cluster, complaint_id: int, answer: str, user: User, now: datetime) -> Complaint:
    """Store the answer and send it to who complained; AlreadyAnswered if there is one."""
    complaint = Complaint.objects.select_for_update().get(pk=complaint_id)
    if complaint.answer:
        raise AlreadyAnswered
    complaint.answer, complaint.answered_at, complaint.answered_by = answer, now, user
    complaint.save()
    tell_complainant(complaint, cluster)
    return complaint
