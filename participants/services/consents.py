"""What a participant consents to."""

from participants.models import Consent, Participant, User


def decide(participant: Participant, purpose: str, given: bool, user: User) -> Consent:
    """Note that the participant gives, or withdraws, the consent to one purpose; from now on it holds.

    `purpose` is one of `Consent.Purpose`.
    """
    return Consent.objects.create(
        cluster_id=participant.cluster_id,
        participant=participant,
        purpose=Consent.Purpose(purpose),
        given=given,
        decided_by=user,
    )
