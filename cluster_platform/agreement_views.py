"""The contract on the pages of a member and of a distributor: read, download, sign, decline, revoke, give notice."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from contracts.agreement_evidence import actor_of, evidence_of
from contracts.agreement_words import declaration
from contracts.domain.agreement_states import Act, AgreementError, Kind, State, acts_from, notice_end, permission
from contracts.models import Agreement, Contract
from contracts.selectors.agreements import agreements_on, read
from contracts.services import agreements
from contracts.services.agreement_confirmation import confirmation_of
from metering.domain.calendar import local_day, time_zone
from participants.permissions import Action, may


@never_cache
@require_safe
@login_required
def contract(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """One agreement, by default the newest; the others are a list."""
    found = _own(request)
    chosen = get_object_or_404(found, number=number) if number else found.first()
    today = local_day(timezone.now(), time_zone(request.cluster.timezone))  # type: ignore[attr-defined]
    context: dict[str, Any] = {"page": "contract", "others": list(found), "tz": request.cluster.timezone}  # type: ignore[attr-defined]
    if chosen is None:
        context["trades_since"] = _trades_since(request, today)
    else:
        reading = read(chosen)
        end = notice_end(today, chosen.notice_days)
        context |= {
            "reading": reading,
            "may": _possible(request, chosen),
            "declaration": declaration(chosen, Act.ACCEPT),
            "notice_end": max(end, reading.day) if reading.state == State.SIGNED else end,
        }
    return render(request, "contract.html", context)


@never_cache
@require_safe
@login_required
def contract_pdf(request: HttpRequest, number: int) -> HttpResponse:
    """The document that was, or will be, signed, byte for byte."""
    document = get_object_or_404(_own(request), number=number).documents.get()
    return HttpResponse(
        bytes(document.pdf),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="agreement-{number}.pdf"'},
    )


@never_cache
@require_safe
@login_required
def contract_confirmation(request: HttpRequest, number: int) -> HttpResponse:
    """The agreement with the evidence of its signatures."""
    return HttpResponse(
        confirmation_of(get_object_or_404(_own(request), number=number)),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="agreement-{number}-signatures.pdf"'},
    )


@require_POST
@login_required
def contract_act(request: HttpRequest, number: int, act: str) -> HttpResponse:
    """What the partner does; the box must be ticked."""
    agreement = get_object_or_404(_own(request), number=number)
    if not _may_sign(request, agreement):
        raise PermissionDenied
    if request.POST.get("agreed") != "yes":
        messages.error(request, gettext("Tick the box first: nothing was done."))
        return redirect("contract_number", number)
    try:
        messages.success(request, _act(request, agreement, act))
    except AgreementError as error:
        messages.error(request, str(error))
    return redirect("contract_number", number)


def _act(request: HttpRequest, agreement: Agreement, act: str) -> str:
    now, actor = timezone.now(), actor_of(request)
    if act == "sign":
        how = evidence_of(request, declaration(agreement, Act.ACCEPT), request.POST.get("digest", ""))
        agreements.sign(agreement, actor, "partner", now, how)
        return gettext("You have signed.")
    if act == "decline":
        agreements.decline(agreement, actor, now)
        return gettext("You have declined the offer.")
    if act == "revoke":
        agreements.revoke(agreement, actor, now)
        return gettext("You have revoked the agreement.")
    if act == "notice":
        agreements.terminate(agreement, actor, now)
        return gettext("You have given notice.")
    raise Http404


def _own(request: HttpRequest) -> Any:
    """The agreements of whom the request acts for, without what is still being prepared."""
    access = request.access  # type: ignore[attr-defined]
    cluster = request.cluster  # type: ignore[attr-defined]
    if may(access, "view_own"):
        whose: dict[str, Any] = {"participant": access.participant_id}
    elif may(access, "sign_for_dso") and access.level == "full":
        whose = {"kind": Kind.DSO, "dso": cluster.dso_id}
    else:
        raise PermissionDenied
    found = agreements_on(cluster, timezone.now()).filter(**whose)
    # What was withdrawn before it was offered was never theirs.
    return found.filter(events__target=State.OFFERED).distinct()


def _trades_since(request: HttpRequest, today: date) -> date | None:
    """From when a participant trades by a contract that was concluded elsewhere."""
    row = Contract.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=today), participant=request.access.participant_id, scheme="p2p",  # type: ignore[attr-defined]
        valid_from__lte=today,
    ).first()  # fmt: skip
    return row.valid_from if row else None


def _possible(request: HttpRequest, agreement: Agreement) -> list[str]:
    """The acts that are possible now and this person may do."""
    kind = Kind(agreement.kind)
    rows = acts_from(State(agreement.state), kind)
    found = [row.act for row in rows if _allowed(request, permission(row, kind), agreement)]
    # Before the first day notice is for those who can't simply step back.
    unfit = Act.REVOKE if agreement.amends_id else Act.GIVE_NOTICE if Act.REVOKE in found else None
    return [act for act in found if act != unfit]


def _may_sign(request: HttpRequest, agreement: Agreement) -> bool:
    wanted: Action = "sign_for_participant" if agreement.kind == Kind.PARTICIPANT else "sign_for_dso"
    return may(request.access, wanted, agreement)  # type: ignore[attr-defined]


def _allowed(request: HttpRequest, action: str | None, agreement: Agreement) -> bool:
    return action is not None and may(request.access, action, agreement)  # type: ignore[arg-type, attr-defined]
