"""The confirmation of an agreement's signatures: a PDF with its text and the evidence, which holds the signed PDF."""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.agreement_words import authenticated_by
from contracts.domain.agreement_states import State
from contracts.models import Agreement, AgreementSignature
from contracts.services.agreement_pdf import confirmation_pdf_of
from metering.domain.calendar import time_zone
from participants.models import Coordinator

NONE = "—"


def confirmation_of(agreement: Agreement) -> bytes:
    """The PDF, in the agreement's language. The signed PDF is attached; the same signatures give the same bytes."""
    document = agreement.documents.get()
    with override(agreement.language):
        short = _("Agreement No. %(number)s") % {"number": agreement.number}
        signed = [_signature(agreement, signature) for signature in document.signatures.all()]
        sheet = {
            "title": _("Confirmation of signatures"),
            "attached": _("The document that was signed, byte for byte"),
            "document": [
                (_("Agreement"), f"{short}, {agreement.cluster.name}"),
                (_("Digest of the signed PDF (SHA-256)"), document.pdf_sha256),
                (_("Digest of the text (SHA-256)"), document.text_sha256),
                (_("Text"), _("template version %(version)s") % {"version": document.template.version}),
                (_("In force from"), _first_day(agreement)),
            ],
            "signatures": signed,
            "note": _(
                "The signed PDF is attached to this file. Whoever computes its SHA-256 digest gets the one above; a "
                "document that was changed has another one."
            )
            if signed
            else _("Nobody has signed yet."),
        }
        return confirmation_pdf_of(
            document.text, language=agreement.language, cluster=agreement.cluster.name, short=short, sheet=sheet,
            signed=bytes(document.pdf), file=f"agreement-{agreement.number}.pdf",
        )  # fmt: skip


def _signature(agreement: Agreement, signature: AgreementSignature) -> dict[str, object]:
    partner = signature.side == AgreementSignature.Side.PARTNER
    whose = agreement.partner_name if partner else Coordinator.objects.get(cluster=agreement.cluster_id).name
    at = timezone.localtime(signature.at, time_zone(agreement.cluster.timezone))
    return {
        "who": f"{whose} ({signature.get_side_display()})",
        "facts": [
            (_("Signed by"), signature.email),
            (_("When"), f"{date_format(at, 'DATE_FORMAT')}, {at:%H:%M:%S} (UTC{at:%z})"),
            (_("Signed in by"), authenticated_by(signature)),
            (_("Declaration"), signature.declaration),
            (_("Digest of the signed PDF (SHA-256)"), signature.pdf_sha256),
        ],
    }


def _first_day(agreement: Agreement) -> str:
    concluded = agreement.events.filter(target=State.SIGNED).first()
    return date_format(concluded.day, "DATE_FORMAT") if concluded else NONE
