"""Consents in force."""

from participants.models import Consent, Participant


def decisions(participant: Participant) -> dict[str, Consent]:
    """The participant's latest decision about each purpose that it ever decided on."""
    rows = Consent.objects.filter(cluster=participant.cluster_id, participant=participant)
    return {row.purpose: row for row in rows.order_by("pk")}
