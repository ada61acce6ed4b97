"""Bills as PDF, their way to the participants, and who has opened them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.bill_models import Bill
from participants.tenancy.models import TenantForeignKey, TenantModel

USER = settings.AUTH_USER_MODEL


class BillPaper(TenantModel):
    """The PDF of a bill, made once after it was issued; what is sent, downloaded and archived is always these bytes."""

    append_only = True
    audited = False

    bill = TenantForeignKey(Bill, related_name="papers", verbose_name=_("bill"))
    language = models.CharField(_("language"), max_length=10)
    pdf = models.BinaryField(_("PDF"))
    pdf_sha256 = models.CharField(_("digest of the PDF (SHA-256)"), max_length=64)
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("bill as PDF")
        verbose_name_plural = _("bills as PDF")
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster", "bill"], name="one_paper_a_bill")]

    def __str__(self) -> str:
        return self.pdf_sha256[:12]


class BillDelivery(TenantModel):
    """A bill on its way to one address. One comes about by itself (`requested_by` empty), others on request.

    `sending` is stored before the mail server is spoken to and never tried again: what a killed worker left in it
    becomes `unclear`, and only a person has it sent once more.
    """

    # Says itself when it changed and by whom; in the history its address would outlive an erasure.
    audited = False

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        REFUSED = "refused", _("refused by the mail server")
        BOUNCED = "bounced", _("came back")
        UNCLEAR = "unclear", _("unclear whether sent")
        NO_ADDRESS = "no_address", _("no e-mail address: print it")

    bill = TenantForeignKey(Bill, related_name="deliveries", verbose_name=_("bill"))
    address = models.CharField(_("e-mail address"), max_length=254, blank=True)
    language = models.CharField(_("language"), max_length=10)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    queued_at = models.DateTimeField(_("queued"))
    changed_at = models.DateTimeField(_("changed"))
    requested_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("sent again by")
    )
    changed_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("marked by")
    )
    #: A bounce names it.
    message_id = models.CharField(max_length=120)

    class Meta:
        verbose_name = _("delivery of a bill")
        verbose_name_plural = _("deliveries of bills")
        ordering = ("-queued_at", "-pk")
        indexes: ClassVar = [
            models.Index(
                fields=["cluster", "not_before"],
                name="deliveries_to_send",
                condition=Q(state__in=["queued", "sending"]),
            )
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["cluster", "bill"], name="one_delivery_by_itself", condition=Q(requested_by=None)
            ),
            models.UniqueConstraint(fields=["cluster", "message_id"], name="one_delivery_a_message"),
            models.CheckConstraint(
                name="delivery_state",
                condition=Q(state__in=["queued", "sending", "sent", "refused", "bounced", "unclear", "no_address"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bill}: {self.get_state_display()}"


class BillOpening(TenantModel):
    """A login of the participant's has opened the bill for the first time; until then its home page tells of it."""

    append_only = True
    audited = False

    bill = TenantForeignKey(Bill, related_name="openings", verbose_name=_("bill"))
    user = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="+", verbose_name=_("user"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("opening of a bill")
        verbose_name_plural = _("openings of bills")
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster", "bill", "user"], name="one_opening_a_user")]

    def __str__(self) -> str:
        return f"{self.bill} {self.at:%Y-%m-%d}"
