"""An application in plain words, for its page and the e-mails about it."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Said:
    """A headline and what it means for the applicant."""

    headline: Any
    meaning: Any


STATUS = {
    "draft": Said(
        _("Your application is a draft"), _("Nobody but you sees it yet. Fill in what is missing and send it in.")
    ),
    "submitted": Said(
        _("The coordinator is reading your application"),
        _("You need not do anything now. You will get an e-mail with a question or with the next step."),
    ),
    "questions": Said(
        _("The coordinator has a question for you"),
        _("Answer it on the application's page. You may also correct your data there."),
    ),
    "at_dso": Said(
        _("The distributor is checking your metering points"),
        _("It confirms where they hang on the grid, the tariff group and the first day. You need not do anything."),
    ),
    "objected": Said(
        _("The distributor has objected"),
        _("The coordinator is sorting it out and will ask you if something is needed from you."),
    ),
    "confirmed": Said(
        _("The distributor has confirmed your metering points"),
        _("The coordinator can admit you now. You need not do anything."),
    ),
    "admitted": Said(
        _("You are admitted"),
        _("The last step is the agreement: read and sign it, and you trade from its first day on."),
    ),
    "refused": Said(
        _("Your application was refused"),
        _("The reason is below. You can apply again when it no longer holds."),
    ),
    "withdrawn": Said(_("You have withdrawn your application"), _("You can apply again at any time.")),
}

#: What the coordinator is told after a step, before the applicant's name, and what to do then.
TO_COORDINATOR = {
    "submit": Said(_("New application"), _("Read it, then send it to the distributor, ask back or refuse:")),
    "answer": Said(_("Your question is answered"), _("Read it, then send it to the distributor, ask back or refuse:")),
    "object": Said(_("The distributor objects"), _("Ask the applicant, send it to the distributor again or refuse:")),
    "confirm": Said(_("The distributor has confirmed"), _("Admit the applicant:")),
    "withdraw": Said(_("Application taken back"), _("There is nothing left to do:")),
}

#: The timeline's words for a step that was taken.
STEPS = {
    "start": _("Draft started"),
    "submit": _("Sent in"),
    "ask": _("The coordinator asked"),
    "answer": _("Answered"),
    "send": _("Sent to the distributor"),
    "confirm": _("Confirmed by the distributor"),
    "object": _("The distributor objected"),
    "admit": _("Admitted"),
    "refuse": _("Refused"),
    "withdraw": _("Taken back"),
}
