"""Invoices of the distributor, for the grid fees that the coordinator collected."""

from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.ledger_models import JournalEntry
from participants.tenancy.models import TenantForeignKey, TenantModel


class DistributorInvoice(TenantModel):
    """What the distributor's invoice, or its correction, says of a month; its entry posts the VAT.

    The net total is not posted: it stands on the distributor's account already, as members were billed. One that was
    noted wrong is taken back, which reverses the entry; noted again, the same number is the next `attempt`.
    """

    append_only = True
    audited = False

    period = models.DateField(_("month (its first day)"))
    number = models.CharField(_("number"), max_length=100)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    issued_on = models.DateField(_("issued on"))
    net_pln = models.DecimalField(_("net total (PLN)"), max_digits=14, decimal_places=2)
    vat_pln = models.DecimalField(_("VAT (PLN)"), max_digits=14, decimal_places=2)
    entry = TenantForeignKey(JournalEntry, db_index=False, verbose_name=_("journal entry"))
    noted_at = models.DateTimeField(_("noted"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("noted by")
    )

    class Meta:
        verbose_name = _("invoice of the distributor")
        verbose_name_plural = _("invoices of the distributor")
        ordering = ("pk",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "number", "attempt"], name="one_distributor_invoice"),
            models.UniqueConstraint(fields=["cluster", "entry"], name="one_invoice_an_entry"),
            models.CheckConstraint(name="distributor_invoice_first_day", condition=Q(period__day=1)),
            models.CheckConstraint(name="distributor_invoice_has_a_number", condition=~Q(number="")),
            models.CheckConstraint(
                name="distributor_vat_is_of_the_net",
                condition=Q(vat_pln__gt=0, vat_pln__lte=F("net_pln")) | Q(vat_pln__lt=0, vat_pln__gte=F("net_pln")),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def gross_pln(self) -> Decimal:
        return self.net_pln + self.vat_pln
