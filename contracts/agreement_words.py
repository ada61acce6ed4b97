"""How acts on agreements are called, and the words that a person agrees to."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.domain.agreement_states import Act
from contracts.models import Agreement, AgreementSignature

#: What was done, in the history.
DONE: dict[str, Promise | str] = {
    Act.PREPARE: _("prepared"),
    Act.OFFER: _("offered"),
    Act.WITHDRAW: _("offer withdrawn"),
    Act.DECLINE: _("offer declined"),
    Act.ACCEPT: _("accepted by the partner"),
    Act.RECORD_ACCEPTANCE: _("partner's signed paper recorded"),
    Act.COUNTERSIGN: _("signed by the coordinator"),
    Act.REVOKE: _("revoked by the partner"),
    Act.CANCEL: _("cancelled by the coordinator before it began"),
    Act.BEGIN: _("came into force"),
    Act.SUSPEND: _("suspended"),
    Act.RESUME: _("resumed"),
    Act.GIVE_NOTICE: _("notice given by the partner"),
    Act.TERMINATE: _("notice given by the coordinator"),
    Act.CLOSE: _("closed for death or move"),
    Act.REPLACE: _("replaced by an amendment"),
    Act.END: _("ended"),
}

#: What the coordinator can do, on its buttons.
TO_DO: dict[str, Promise | str] = {
    Act.OFFER: _("Offer it"),
    Act.WITHDRAW: _("Withdraw the offer"),
    Act.RECORD_ACCEPTANCE: _("Record the partner's signed paper"),
    Act.COUNTERSIGN: _("Sign for the coordinator"),
    Act.SUSPEND: _("Suspend"),
    Act.RESUME: _("Resume"),
    Act.TERMINATE: _("Give notice"),
    Act.CLOSE: _("Close for death or move"),
}


def declaration(agreement: Agreement, act: str) -> str:
    """The sentence beside the box that is ticked; it is kept with the signature."""
    if act == Act.RECORD_ACCEPTANCE:
        text = gettext("I keep the paper of agreement No. %(number)s that the partner has signed.")
    else:
        text = gettext("I have read agreement No. %(number)s and accept it.")
    return text % {"number": agreement.number}


_METHODS = {
    "password": _("password"),
    "code": _("code by e-mail"),
    "totp": _("code of an app"),
    "webauthn": _("security key or passkey"),
    "recovery_codes": _("recovery code"),
}


def authenticated_by(signature: AgreementSignature) -> str:
    """How the session of a signature was authenticated, in words."""
    names = [record.get("type") or record.get("method", "") for record in signature.authentication]
    return ", ".join(dict.fromkeys(str(_METHODS.get(name, name)) for name in names if name)) or gettext("unknown")
