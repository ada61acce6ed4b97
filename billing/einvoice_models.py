"""Invoices on their way to the national e-invoice system (KSeF), with what it answered."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.bill_models import Document
from participants.tenancy.models import TenantForeignKey, TenantModel


class EInvoice(TenantModel):
    """A document as structured invoice, and where KSeF stands with it.

    `sending` is stored, with the session and the XML, before KSeF is spoken to: what a killed worker left in it is
    looked for in that session before it is sent once more. What KSeF has accepted is frozen by the database.
    """

    # Says itself when it changed and by whom.
    audited = False

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent, KSeF checks it")
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("refused by KSeF")
        FAULTY = "faulty", _("can't be made")
        OUTSIDE = "outside", _("kept outside KSeF")

    document = TenantForeignKey(Document, related_name="einvoices", verbose_name=_("document"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.QUEUED)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    xml = models.BinaryField("XML", null=True)
    #: SHA-256 of the XML, base64, as KSeF tells it.
    xml_hash = models.CharField(_("digest of the XML (SHA-256)"), max_length=44, blank=True)
    session = models.CharField(_("session"), max_length=64, blank=True)
    reference = models.CharField(_("reference of KSeF"), max_length=64, blank=True)
    ksef_number = models.CharField(_("KSeF number"), max_length=40, blank=True)
    receipt = models.BinaryField(_("official receipt (UPO)"), null=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    queued_at = models.DateTimeField(_("queued"))
    changed_at = models.DateTimeField(_("changed"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )

    class Meta:
        verbose_name = _("e-invoice")
        verbose_name_plural = _("e-invoices")
        ordering = ("-pk",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "document"], name="one_einvoice_a_document"),
            models.UniqueConstraint(
                fields=["cluster", "ksef_number"], name="one_einvoice_a_number", condition=~Q(ksef_number="")
            ),
            models.CheckConstraint(
                name="einvoice_state",
                condition=Q(state__in=["queued", "sending", "sent", "accepted", "refused", "faulty", "outside"]),
            ),
            models.CheckConstraint(
                name="einvoice_accepted_with_number",
                condition=(Q(state="accepted") & ~Q(ksef_number="")) | (~Q(state="accepted") & Q(ksef_number="")),
            ),
            models.CheckConstraint(
                name="einvoice_on_its_way_with_xml",
                condition=~Q(state__in=["sending", "sent", "accepted"]) | (Q(xml__isnull=False) & ~Q(session="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document.number}: {self.get_state_display()}"
