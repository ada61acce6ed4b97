"""Agreements are offered, signed, suspended, amended and ended here; each act is a row of the table in
`contracts.domain.agreement_states` and leaves an event. All need the scope of the cluster and one transaction.

Raises AgreementError where an act is not possible and PermissionDenied where the person may not do it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db import connection, models, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from contracts.agreement_models import AgreementState
from contracts.domain.agreement_states import (
    ON_PAPER,
    OPEN,
    STANDING,
    Act,
    AgreementError,
    By,
    Kind,
    State,
    Transition,
    first_day,
    notice_end,
    on_day,
    permission,
    transition,
)
from contracts.domain.agreement_text import digest
from contracts.models import Agreement, AgreementEvent, AgreementSignature, ExternalPartner
from contracts.services import agreement_effects as effects
from contracts.services.agreement_mail import tell
from contracts.services.agreement_papers import template_in_use, write_document
from metering.domain.calendar import local_day, time_zone
from participants.access import Access
from participants.models import Cluster, Dso, Participant, User
from participants.permissions import Action, may

LOCK = "contracts.agreements"


@dataclass(frozen=True)
class Actor:
    """Who acts, and by which access."""

    user: User
    access: Access | None


@dataclass(frozen=True)
class Evidence:
    """How a person accepted: the digest on the page, the words agreed to, the address, and the session's sign-in."""

    pdf_sha256: str
    declaration: str
    ip: str | None
    authentication: list[dict[str, Any]]


@dataclass(frozen=True)
class Standing:
    """Where an agreement stands on a local day: `day` is that from which `stored` was agreed to hold."""

    stored: State
    state: State
    day: date
    position: int


def offer_agreement(
    cluster: Cluster, participant: Participant, start_day: date, user: User, now: datetime, language: str = "pl"
) -> Agreement:
    """Prepare an agreement with a participant and offer it at once.

    It belongs to admission: the caller has checked that `user` may admit participants to the cluster.
    """
    office = Actor(user, Access(cluster.pk, "coordinator"))
    agreement = prepare(cluster, office, now, start_day, participant=participant, language=language)
    # The e-mail of admission says that it waits.
    _do(agreement, Act.OFFER, office, now, told=True)
    return agreement


@transaction.atomic
def prepare(
    cluster: Cluster,
    actor: Actor,
    now: datetime,
    start_day: date,
    *,
    participant: Participant | None = None,
    dso: Dso | None = None,
    partner: ExternalPartner | None = None,
    dso_settlement: str = "",
    language: str = "pl",
    amends: Agreement | None = None,
) -> Agreement:
    """A draft with its document, from the newest template of the partner's kind. Exactly one partner is given."""
    kind = _kind_of(participant, dso, partner)
    _allow(actor, permission(transition(Act.PREPARE, State.NEW, kind), kind), cluster)
    lock_agreements(cluster)
    today = _today(cluster, now)
    rivals = Agreement.objects.filter(cluster=cluster, participant=participant, dso=dso, partner=partner)
    _refuse_second(rivals.with_state(today), amends, start_day)
    template = template_in_use(cluster, kind, language, now)
    newest = Agreement.objects.filter(cluster=cluster).aggregate(n=models.Max("number"))["n"] or 0
    agreement = Agreement.objects.create(
        cluster=cluster, number=newest + 1, kind=kind, participant=participant, dso=dso, partner=partner,
        dso_settlement=dso_settlement, language=language, start_day=start_day, notice_days=template.notice_days,
        amends=amends,
    )  # fmt: skip
    write_document(agreement, template, now)
    _note(agreement, 1, Act.PREPARE, State.NEW, State.DRAFT, today, now, actor.user)
    return agreement


def amend(agreement: Agreement, actor: Actor, now: datetime, start_day: date, dso_settlement: str = "") -> Agreement:
    """A draft that, once both have signed it, replaces `agreement` from its first day on."""
    return prepare(
        agreement.cluster, actor, now, start_day, participant=agreement.participant, dso=agreement.dso,
        partner=agreement.partner, dso_settlement=dso_settlement or agreement.dso_settlement,
        language=agreement.language, amends=agreement,
    )  # fmt: skip


def offer(agreement: Agreement, actor: Actor, now: datetime) -> None:
    """The other side sees it and may accept."""
    _do(agreement, Act.OFFER, actor, now)


def withdraw(agreement: Agreement, actor: Actor, now: datetime, reason: str = "") -> None:
    """The coordinator takes back what the partner has not concluded yet."""
    _do(agreement, Act.WITHDRAW, actor, now, reason=reason)


def decline(agreement: Agreement, actor: Actor, now: datetime, reason: str = "") -> None:
    """The partner does not want what was offered."""
    _do(agreement, Act.DECLINE, actor, now, reason=reason)


@transaction.atomic
def sign(agreement: Agreement, actor: Actor, side: str, now: datetime, how: Evidence) -> AgreementSignature:
    """One side accepts the document. The second one concludes: in force from the first local midnight that both allow.

    Refused where the digest on the page, that of the stored bytes and the stored one are not the same.
    """
    lock_agreements(agreement.cluster)
    document = agreement.documents.get()
    if not digest(bytes(document.pdf)) == document.pdf_sha256 == how.pdf_sha256:
        raise AgreementError(_("This is not the document that was offered. Read it again before you sign."))
    act = _signing_act(agreement, side)
    row = _row(agreement, act, standing_of(agreement, now).state)
    _allow(actor, permission(row, Kind(agreement.kind)), agreement)
    signature = AgreementSignature.objects.create(
        cluster=agreement.cluster, document=document, side=side, user=actor.user, email=actor.user.email, at=now,
        pdf_sha256=how.pdf_sha256, declaration=how.declaration, ip=how.ip, authentication=how.authentication,
    )  # fmt: skip
    concluded = row.target == State.SIGNED
    today = _today(agreement.cluster, now)
    day = first_day(agreement.start_day, today) if concluded else today
    _do(agreement, act, actor, now, day=day)
    if concluded:
        _conclude(agreement, day, now)
    return signature


@transaction.atomic
def revoke(agreement: Agreement, actor: Actor, now: datetime, reason: str = "") -> None:
    """The partner steps back from what was signed by both but is not in force yet."""
    lock_agreements(agreement.cluster)
    first = standing_of(agreement, now).day
    if agreement.amends_id is not None:
        raise AgreementError(_("An amendment can't be revoked. Give notice once it is in force."))
    _do(agreement, Act.REVOKE, actor, now, reason=reason)
    effects.settle_as_before(_participant(agreement), first)


@transaction.atomic
def suspend(agreement: Agreement, actor: Actor, now: datetime, day: date | None = None, reason: str = "") -> None:
    """From a local midnight on nothing is traded; the participant is settled under the standard mechanism."""
    first = _midnight_to_come(agreement, now, day)
    _do(agreement, Act.SUSPEND, actor, now, day=first, reason=reason)
    _settle(agreement, first, "standard")


@transaction.atomic
def resume(agreement: Agreement, actor: Actor, now: datetime, day: date | None = None) -> None:
    """From a local midnight on the participant trades again."""
    first = _midnight_to_come(agreement, now, day)
    _do(agreement, Act.RESUME, actor, now, day=first)
    _settle(agreement, first, "p2p")


@transaction.atomic
def terminate(agreement: Agreement, actor: Actor, now: datetime, day: date | None = None, reason: str = "") -> date:
    """Notice, by either side; returns the first day without the agreement, not before the notice period has passed.

    Given before the first day it holds too: the coordinator's agreement whose notice has passed by then never begins.
    """
    lock_agreements(agreement.cluster)
    earliest = notice_end(_today(agreement.cluster, now), agreement.notice_days)
    if day is not None and day < earliest:
        text = _("With the notice period it can't end before %(day)s.")
        raise AgreementError(text % {"day": date_format(earliest, "DATE_FORMAT")})
    partner = actor.access is not None and actor.access.role in ("member", "dso")
    end, standing = day or earliest, standing_of(agreement, now)
    revocable = agreement.kind == Kind.PARTICIPANT and agreement.amends_id is None
    if partner and revocable and standing.state == State.SIGNED:
        raise AgreementError(_("It is not in force yet: you can revoke it without notice."))
    if standing.state == State.SIGNED and end <= standing.day:
        end = standing.day
        if not partner and agreement.kind != Kind.DSO and agreement.amends_id is None:
            _do(agreement, Act.CANCEL, actor, now, reason=reason)
            if agreement.participant is not None:
                effects.settle_as_before(agreement.participant, end)
            return end
    _do(agreement, Act.GIVE_NOTICE if partner else Act.TERMINATE, actor, now, day=end, reason=reason)
    _settle(agreement, end, "standard")
    return end


@transaction.atomic
def end_by_move_or_death(agreement: Agreement, actor: Actor, now: datetime, day: date | None, reason: str) -> None:
    """Ends it at a local midnight without notice; from then on the participant is not settled at all."""
    first = _midnight_to_come(agreement, now, day)
    standing = standing_of(agreement, now)
    if standing.state == State.TERMINATED and first >= standing.day:
        raise AgreementError(_("It ends before that day already."))
    if standing.state == State.SIGNED and agreement.amends_id is not None:
        first = max(first, standing.day)  # Until then the agreement that it amends runs.
    _do(agreement, Act.CLOSE, actor, now, day=first, reason=reason)
    _settle(agreement, first, None)


def standing_of(agreement: Agreement, now: datetime) -> Standing:
    """State and day of the agreement now."""
    event = agreement.events.order_by("-position").first()
    stored = State(event.target) if event else State.NEW
    day = event.day if event else agreement.start_day
    today = _today(agreement.cluster, now)
    return Standing(stored, on_day(stored, day, today), day, event.position if event else 0)


def _do(
    agreement: Agreement, act: Act, actor: Actor | None, now: datetime, day: date | None = None, reason: str = "",
    told: bool = False,
) -> None:  # fmt: skip
    """Check the act against the table and the person, note it and tell whom it concerns, unless they are `told`."""
    with transaction.atomic():
        lock_agreements(agreement.cluster)
        standing = standing_of(agreement, now)
        row = _row(agreement, act, standing.state)
        if row.by != By.SUCCESSOR:
            _allow(actor, permission(row, Kind(agreement.kind)), agreement)
        position = standing.position
        if standing.state != standing.stored:
            # What time has brought since is noted with the first act after it.
            passed = Act.BEGIN if standing.state == State.IN_FORCE else Act.END
            position += 1
            _note(agreement, position, passed, standing.stored, standing.state, standing.day, now, None)
        user = actor.user if actor else None
        since = day or _today(agreement.cluster, now)
        _note(agreement, position + 1, act, standing.state, row.target, since, now, user, reason)
        if not told:
            tell(agreement, act, standing.state, row.target, since, reason)


def _note(
    agreement: Agreement, position: int, act: Act, source: State, target: State, day: date, now: datetime,
    user: User | None, reason: str = "",
) -> None:  # fmt: skip
    AgreementEvent.objects.create(
        cluster=agreement.cluster, agreement=agreement, position=position, act=act, source=source, target=target,
        day=day, at=now, user=user, reason=reason,
    )  # fmt: skip


def _conclude(agreement: Agreement, day: date, now: datetime) -> None:
    if agreement.amends is not None:
        _do(agreement.amends, Act.REPLACE, None, now, day=day, reason=f"No. {agreement.number}")
    _settle(agreement, day, "p2p")
    if agreement.kind == Kind.DSO:
        effects.settle_grid_fees(agreement, day)


def _settle(agreement: Agreement, first: date, scheme: str | None) -> None:
    """The contract rows follow, but not beyond the day on which a later agreement of the participant begins."""
    if agreement.participant is None:
        return
    later = Agreement.objects.filter(participant=agreement.participant, number__gt=agreement.number)
    days = AgreementEvent.objects.filter(agreement__in=later, target=State.SIGNED, day__gt=first)
    still = days.exclude(agreement__events__target=State.WITHDRAWN).order_by("day")
    effects.settle_under(agreement.participant, first, scheme, still.values_list("day", flat=True).first())


def _participant(agreement: Agreement) -> Participant:
    if agreement.participant is None:
        raise AgreementError(_("Only participants can do this."))
    return agreement.participant


def _refuse_second(rivals: Any, amends: Agreement | None, start_day: date) -> None:
    """A partner has one offer at a time, and one agreement a day."""
    for rival in rivals:
        if rival.state in OPEN:
            raise AgreementError(_("Agreement No. %(number)s is still open.") % {"number": rival.number})
        if rival.state in STANDING and rival != amends:
            raise AgreementError(_("Agreement No. %(number)s stands: amend it.") % {"number": rival.number})
        if rival.state == State.TERMINATED and start_day < rival.day:
            raise AgreementError(_("Agreement No. %(number)s has not ended by then.") % {"number": rival.number})
    running = STANDING - {State.SIGNED}
    if amends is not None and not any(rival == amends and rival.state in running for rival in rivals):
        raise AgreementError(_("Agreement No. %(number)s is not in force.") % {"number": amends.number})


def _midnight_to_come(agreement: Agreement, now: datetime, day: date | None) -> date:
    """The day asked for, or tomorrow; the past and today, which is being settled, stay as they are."""
    tomorrow = _today(agreement.cluster, now) + timedelta(days=1)
    if day is not None and day < tomorrow:
        raise AgreementError(_("The first day can be tomorrow: what has been settled stays."))
    return day or tomorrow


def _row(agreement: Agreement, act: Act, state: State) -> Transition:
    try:
        return transition(act, state, Kind(agreement.kind))
    except AgreementError as error:
        label = AgreementState(state).label
        raise AgreementError(_("This is not possible now. The agreement is: %(state)s.") % {"state": label}) from error


def _signing_act(agreement: Agreement, side: str) -> Act:
    if side == "coordinator":
        return Act.COUNTERSIGN
    return Act.RECORD_ACCEPTANCE if agreement.kind in ON_PAPER else Act.ACCEPT


def _kind_of(participant: Participant | None, dso: Dso | None, partner: ExternalPartner | None) -> Kind:
    if participant is not None:
        return Kind.PARTICIPANT
    if dso is not None:
        return Kind.DSO
    if partner is not None:
        return Kind(partner.kind)
    raise AgreementError(_("Choose with whom."))


def _allow(actor: Actor | None, action: str | None, obj: Agreement | Cluster) -> None:
    """Raise PermissionDenied unless the table of roles allows it; who looks after a part of the grid binds nobody."""
    access = actor.access if actor else None
    if action is None or access is None or not may(access, cast(Action, action), obj):
        raise PermissionDenied
    if action == "sign_for_dso" and access.level != "full":
        raise PermissionDenied


def _today(cluster: Cluster, now: datetime) -> date:
    return local_day(now, time_zone(cluster.timezone))


def lock_agreements(cluster: Cluster) -> None:
    """One act at a time in a cluster, so that of two that come at once the second sees the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [LOCK, cluster.pk])
