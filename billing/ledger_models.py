"""The ledger: append-only, and balanced by the database at the end of every transaction."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.domain.ledger import AccountKind
from clearing.models import ExternalSettlement
from contracts.models import ExternalPartner
from participants.models import Participant
from participants.tenancy.models import TenantForeignKey, TenantModel


class Account(TenantModel):
    """One account; a participant's has its participant, an external partner's its partner."""

    append_only = True
    audited = False

    class Kind(models.TextChoices):
        PARTICIPANT = AccountKind.PARTICIPANT, _("participant")
        PARTNER = AccountKind.PARTNER, _("external partner")
        BANK = AccountKind.BANK, _("bank")
        MARKET = AccountKind.MARKET, _("energy market")
        DISTRIBUTOR = AccountKind.DISTRIBUTOR, _("distributor")
        SERVICE_FEE = AccountKind.SERVICE_FEE, _("service fees")
        EXCISE = AccountKind.EXCISE, _("excise")
        VAT_DUE = AccountKind.VAT_DUE, _("VAT due")
        VAT_DEDUCTIBLE = AccountKind.VAT_DEDUCTIBLE, _("VAT deductible")
        ASSURANCE = AccountKind.ASSURANCE, _("assurance")
        ROUNDING = AccountKind.ROUNDING, _("rounding")
        CARRIED = AccountKind.CARRIED, _("carried over")
        INTEREST = AccountKind.INTEREST, _("interest for late payment")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    participant = TenantForeignKey(Participant, null=True, verbose_name=_("participant"))
    partner = TenantForeignKey(ExternalPartner, null=True, db_index=False, verbose_name=_("external partner"))

    class Meta:
        verbose_name = _("account of the ledger")
        verbose_name_plural = _("accounts of the ledger")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["cluster", "kind", "participant", "partner"], nulls_distinct=False, name="one_account_a_kind"
            ),
            models.CheckConstraint(
                name="account_of_its_owner",
                condition=Q(kind="participant", participant__isnull=False, partner=None)
                | Q(kind="partner", partner__isnull=False, participant=None)
                | (~Q(kind__in=["participant", "partner"]) & Q(participant=None, partner=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.participant or self.partner or self.get_kind_display()}"

    @property
    def key(self) -> tuple[AccountKind, int | None]:
        """Its kind, and the id of the participant or partner whose it is."""
        return AccountKind(self.kind), self.participant_id or self.partner_id


class JournalEntry(TenantModel):
    """One event in money, posted to accounts; a mistake is taken back by an entry that `reverses` it."""

    append_only = True
    audited = False

    number = models.PositiveBigIntegerField(_("number"))
    booked_on = models.DateField(_("booked on"))
    text = models.CharField(_("text"), max_length=200)
    document = TenantForeignKey("billing.Document", null=True, verbose_name=_("document"))
    #: The month whose bills it belongs to; empty where it belongs to none.
    period = models.DateField(_("month (its first day)"), null=True)
    #: The approved settlement with an external partner that it posts.
    settlement = TenantForeignKey(ExternalSettlement, null=True, db_index=False, verbose_name=_("external settlement"))
    reverses = TenantForeignKey("self", null=True, db_index=False, verbose_name=_("reverses"))
    posted_at = models.DateTimeField(_("posted at"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("who")
    )

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        ordering = ("-number",)
        indexes: ClassVar = [models.Index(fields=["cluster", "period"], name="entries_by_period")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "number"], name="one_entry_a_number"),
            models.UniqueConstraint(fields=["cluster", "reverses"], name="reversed_once"),
            models.UniqueConstraint(fields=["cluster", "settlement"], name="settlement_posted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.text}"


class Posting(TenantModel):
    """One side of an entry [PLN]: debit positive, credit negative."""

    append_only = True
    audited = False

    entry = TenantForeignKey(JournalEntry, related_name="postings", verbose_name=_("journal entry"))
    account = TenantForeignKey(Account, verbose_name=_("account"))
    amount_pln = models.DecimalField(_("amount (PLN)"), max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "entry", "account"], name="one_posting_an_account"),
            models.CheckConstraint(name="posting_of_money", condition=~Q(amount_pln=0)),
        ]
