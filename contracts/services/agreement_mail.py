"""E-mails about agreements: whoever an act concerns learns of it, in their language, once it is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.mail import EmailMessage
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from contracts.domain.agreement_states import Act, State
from contracts.models import Agreement
from contracts.services.agreement_confirmation import confirmation_of
from participants.mails import address_of, coordinators, message, send
from participants.models import DsoUser, Membership

Words = Promise | str
SINCE = _("With effect from %(day)s.")
LAST_DAY = _("The last day is %(last)s.")
IN_FORCE = _("It is in force from %(day)s.")
SIGNED_BY_BOTH = _("Agreement No. %(number)s is signed by both sides")


@dataclass(frozen=True)
class Said:
    """A headline and what follows from it."""

    headline: Words
    meaning: Words = ""


#: By act and the state that it leads to; acts on offers and on what both have signed differ only there.
TO_PARTNER: dict[tuple[Act, State], Said] = {
    (Act.OFFER, State.OFFERED): Said(
        _("Agreement No. %(number)s is offered to you"), _("Read it, then sign or decline it on this page:")
    ),
    (Act.COUNTERSIGN, State.COUNTERSIGNED): Said(
        _("Agreement No. %(number)s waits for your signature"), _("The coordinator has signed. Read it and sign:")
    ),
    (Act.COUNTERSIGN, State.SIGNED): Said(SIGNED_BY_BOTH, IN_FORCE),
    (Act.ACCEPT, State.SIGNED): Said(SIGNED_BY_BOTH, IN_FORCE),
    (Act.WITHDRAW, State.WITHDRAWN): Said(_("The offer of agreement No. %(number)s is withdrawn")),
    (Act.CANCEL, State.WITHDRAWN): Said(_("Agreement No. %(number)s is cancelled before it began")),
    (Act.SUSPEND, State.SUSPENDED): Said(_("Agreement No. %(number)s is suspended"), SINCE),
    (Act.RESUME, State.IN_FORCE): Said(_("Agreement No. %(number)s is resumed"), SINCE),
    (Act.TERMINATE, State.TERMINATED): Said(_("Notice of agreement No. %(number)s by the coordinator"), LAST_DAY),
    (Act.CLOSE, State.TERMINATED): Said(_("Agreement No. %(number)s ends"), LAST_DAY),
    (Act.CLOSE, State.WITHDRAWN): Said(_("Agreement No. %(number)s is cancelled before it began")),
    # Receipts: what they declared arrived.
    (Act.REVOKE, State.WITHDRAWN): Said(_("Your revocation of agreement No. %(number)s has arrived")),
    (Act.GIVE_NOTICE, State.TERMINATED): Said(_("Your notice of agreement No. %(number)s has arrived"), LAST_DAY),
}
TO_COORDINATOR: dict[tuple[Act, State], Said] = {
    (Act.ACCEPT, State.ACCEPTED): Said(
        _("%(partner)s: agreement No. %(number)s accepted"), _("Sign it for the coordinator on this page:")
    ),
    (Act.ACCEPT, State.SIGNED): Said(_("%(partner)s: agreement No. %(number)s signed by both sides"), IN_FORCE),
    (Act.DECLINE, State.WITHDRAWN): Said(_("%(partner)s: agreement No. %(number)s declined")),
    (Act.REVOKE, State.WITHDRAWN): Said(_("%(partner)s: agreement No. %(number)s revoked before it began")),
    (Act.GIVE_NOTICE, State.TERMINATED): Said(_("%(partner)s: notice of agreement No. %(number)s"), LAST_DAY),
}


def tell(agreement: Agreement, act: Act, source: State, target: State, day: date, reason: str) -> None:
    """To both sides what each should know of the act. Nobody is told of drafts; partners on paper have no address."""
    letters = []
    to_partner, to_office = TO_PARTNER.get((act, target)), TO_COORDINATOR.get((act, target))
    if to_partner and not (act == Act.WITHDRAW and source == State.DRAFT):
        signed = confirmation_of(agreement) if target == State.SIGNED else b""
        for email, language in _partner(agreement):
            with override(language):
                link = address_of("contract_number", agreement.number)
                letter = _letter(agreement, to_partner, day, reason, link, email)
            if signed:
                letter.attach(f"agreement-{agreement.number}-signatures.pdf", signed, "application/pdf")
            letters.append(letter)
    if to_office:
        for reader in coordinators(agreement.cluster):
            with override(reader.language):
                link = address_of("admin:contracts_agreement_change", agreement.pk)
                letters.append(_letter(agreement, to_office, day, reason, link, reader.email))
    send(letters)


def _partner(agreement: Agreement) -> Iterator[tuple[str, str]]:
    """Addresses and languages of those who may sign for the partner; without a login, the participant's own address."""
    if agreement.dso is not None:
        logins = DsoUser.objects.filter(dso=agreement.dso, whole_grid=True, user__is_active=True)
        yield from ((login.user.email, login.user.language) for login in logins.select_related("user"))
    if agreement.participant is None:
        return
    acting = Membership.objects.filter(
        cluster=agreement.cluster_id, participant=agreement.participant, user__is_active=True,
        level__in=[Membership.Level.FULL, Membership.Level.ACT],
    ).select_related("user")  # fmt: skip
    found = [(row.user.email, row.user.language) for row in acting.order_by("user")]
    yield from found or [(agreement.participant.email, agreement.language)] * bool(agreement.participant.email)


def _letter(agreement: Agreement, said: Said, day: date, reason: str, link: str, to: str) -> EmailMessage:
    """In the language that is active."""
    values = {
        "number": agreement.number,
        "partner": agreement.partner_name,
        "day": date_format(day, "DATE_FORMAT"),
        "last": date_format(day - timedelta(days=1), "DATE_FORMAT"),
    }
    headline = str(said.headline) % values
    amended = (
        _("It replaces agreement No. %(number)s.") % {"number": agreement.amends.number} if agreement.amends else ""
    )
    parts = [headline + ".", str(amended), reason, str(said.meaning) % values, link, agreement.cluster.name]
    return message(f"{agreement.cluster.name}: {headline}", parts, to)
