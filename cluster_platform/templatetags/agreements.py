"""Agreements in templates."""

from typing import Any

from django import template
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest

from contracts.agreement_models import AgreementState
from contracts.agreement_words import DONE, authenticated_by
from contracts.models import Agreement, AgreementEvent, AgreementSignature
from participants.permissions import may

register = template.Library()


@register.filter
def done(act: str) -> str:
    """What an event did."""
    return str(DONE[act])


@register.filter
def agreement_state(state: str) -> str:
    return str(AgreementState(state).label)


@register.filter
def signed_in_by(signature: AgreementSignature) -> str:
    """How the session of a signature was authenticated, in words."""
    return authenticated_by(signature)


@register.simple_tag(takes_context=True)
def agreement_to_sign(context: dict[str, Any]) -> bool:
    """Whether an agreement waits for the signature of whom the user acts for."""
    request: HttpRequest | None = context.get("request")
    access: Any = getattr(request, "access", None)
    if may(access, "sign_for_participant"):
        mine = Agreement.objects.filter(participant=access.participant_id)
    elif may(access, "sign_for_dso") and access.level == "full":
        mine = Agreement.objects.filter(cluster=access.cluster_id, kind="dso")
    else:
        return False
    last = AgreementEvent.objects.filter(agreement=OuterRef("pk")).order_by("-position").values("target")[:1]
    return mine.annotate(stored=Subquery(last)).filter(stored__in=("offered", "countersigned")).exists()
