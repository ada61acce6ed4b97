"""How money that moved settles bills, and what is done about money that did not."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.bill_models import Bill, Document
from billing.ledger_models import Account, JournalEntry
from billing.payment_models import BankTransaction
from participants.models import Participant
from participants.tenancy.models import TenantForeignKey, TenantModel


class _ByUser(TenantModel):
    """An act of somebody's, or of the platform's where `user` is empty."""

    append_only = True
    audited = False

    at = models.DateTimeField(_("when"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("who")
    )

    class Meta:
        abstract = True


class PaymentMatch(_ByUser):
    """What a bank transaction was booked as; the one with the highest number holds.

    `aside`: it has nothing to do with bills, says `reason`; `undo`: the one before is taken back, by an entry that
    reverses its own. `credit_of` is whose account has what no bill took. `account` is where it was booked if it pays no
    bill: the distributor's, an external partner's, a tax.
    """

    class How(models.TextChoices):
        NUMBER = "number", _("number in the title")
        ACCOUNT = "account", _("account and amount")
        HAND = "hand", _("by hand")
        ASIDE = "aside", _("set aside")
        UNDO = "undo", _("taken back")

    transaction = TenantForeignKey(BankTransaction, related_name="matches", verbose_name=_("bank transaction"))
    number = models.PositiveSmallIntegerField()
    how = models.CharField(_("matched by"), max_length=10, choices=How)
    credit_of = TenantForeignKey(Participant, null=True, verbose_name=_("credit of"))
    account = TenantForeignKey(Account, null=True, db_index=False, verbose_name=_("account of the ledger"))
    entry = TenantForeignKey(JournalEntry, null=True, db_index=False, verbose_name=_("journal entry"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("match of a payment")
        verbose_name_plural = _("matches of payments")
        ordering = ("transaction", "number")
        constraints: ClassVar = [
            # Two calls that match one transaction make the same number, and one of them fails.
            models.UniqueConstraint(fields=["cluster", "transaction", "number"], name="one_match_at_a_time"),
            models.CheckConstraint(
                name="aside_posts_nothing",
                condition=Q(how="aside", entry=None, credit_of=None) | ~Q(how="aside"),
            ),
            models.CheckConstraint(
                name="match_outside_is_posted",
                condition=Q(account=None) | Q(how__in=["account", "hand"], entry__isnull=False, credit_of=None),
            ),
            models.CheckConstraint(name="match_says_why", condition=~Q(how__in=["aside", "undo"]) | ~Q(reason="")),
        ]


class Allocation(TenantModel):
    """A part of a bank transaction that pays a bill, or is taken back from it (signed as the transaction is).

    A trigger sees to it that a bill is never paid beyond its amount, nor more given than the transaction has.
    """

    append_only = True
    audited = False

    match = TenantForeignKey(PaymentMatch, related_name="allocations")
    bill = TenantForeignKey(Bill, related_name="allocations", verbose_name=_("bill"))
    amount_pln = models.DecimalField(_("amount (PLN)"), max_digits=14, decimal_places=2)
    #: When it counts as paid.
    paid_on = models.DateField(_("paid on"))

    class Meta:
        verbose_name = _("payment of a bill")
        verbose_name_plural = _("payments of bills")
        constraints: ClassVar = [models.CheckConstraint(name="allocation_of_money", condition=~Q(amount_pln=0))]


class PayoutApproval(_ByUser):
    """A bill that is owed to the participant may be paid out."""

    bill = TenantForeignKey(Bill, verbose_name=_("bill"))

    class Meta:
        verbose_name = _("approval of a payout")
        verbose_name_plural = _("approvals of payouts")
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster", "bill"], name="one_approval")]


class PayoutBatch(_ByUser):
    """One file of transfers for the bank, as it was handed out."""

    number = models.PositiveIntegerField(_("number"))
    execution_on = models.DateField(_("to be executed on"))
    count = models.PositiveIntegerField(_("transfers"))
    total_pln = models.DecimalField(_("sum (PLN)"), max_digits=14, decimal_places=2)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("payout file")
        verbose_name_plural = _("payout files")
        ordering = ("-number",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "number"], name="one_payout_file_a_number"),
            models.CheckConstraint(name="payout_file_of_something", condition=Q(count__gt=0, total_pln__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.number}"


class PayoutItem(TenantModel):
    """One transfer of a file; a bill is paid out once."""

    append_only = True
    audited = False

    batch = TenantForeignKey(PayoutBatch, related_name="items")
    bill = TenantForeignKey(Bill, verbose_name=_("bill"))
    amount_pln = models.DecimalField(_("amount (PLN)"), max_digits=14, decimal_places=2)
    iban = models.CharField(_("bank account (IBAN)"), max_length=34)
    name = models.CharField(_("name"), max_length=200)
    title = models.CharField(_("title"), max_length=140)

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "bill"], name="paid_out_once"),
            models.CheckConstraint(name="payout_of_money", condition=Q(amount_pln__gt=0)),
        ]


class InterestDecision(_ByUser):
    """Interest of the days `[first, end)` of a bill: charged by a document, or waived with a reason."""

    class What(models.TextChoices):
        CHARGED = "charged", _("charged")
        WAIVED = "waived", _("waived")

    bill = TenantForeignKey(Bill, verbose_name=_("bill"))
    valid_from = models.DateField(_("first day"))
    valid_to = models.DateField(_("end (exclusive)"))
    amount_pln = models.DecimalField(_("amount (PLN)"), max_digits=14, decimal_places=2)
    what = models.CharField(_("decision"), max_length=8, choices=What)
    document = TenantForeignKey(Document, null=True, db_index=False, verbose_name=_("document"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("interest on a bill")
        verbose_name_plural = _("interest on bills")
        constraints: ClassVar = [
            models.CheckConstraint(name="interest_days", condition=Q(valid_to__gt=F("valid_from"))),
            models.CheckConstraint(
                name="interest_charged_or_waived",
                condition=Q(what="charged", document__isnull=False, amount_pln__gt=0)
                | (Q(what="waived", document=None) & ~Q(reason="")),
            ),
        ]


class PaymentReminder(TenantModel):
    """An e-mail about an unpaid bill; each step goes out once."""

    append_only = True
    audited = False

    class Step(models.IntegerChoices):
        FRIENDLY = 1, _("friendly reminder")
        SECOND = 2, _("reminder")
        FINAL = 3, _("final demand")

    bill = TenantForeignKey(Bill, verbose_name=_("bill"))
    step = models.PositiveSmallIntegerField(_("step"), choices=Step)
    sent_on = models.DateField(_("sent on"))
    addresses = models.TextField(_("e-mail addresses"))
    open_pln = models.DecimalField(_("open (PLN)"), max_digits=14, decimal_places=2)

    class Meta:
        verbose_name = _("payment reminder")
        verbose_name_plural = _("payment reminders")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "bill", "step"], name="each_step_once"),
            models.CheckConstraint(name="three_steps", condition=Q(step__gte=1, step__lte=3)),
        ]


class ReminderPause(_ByUser):
    """No reminders of a bill from now on, or again; the latest one holds."""

    bill = TenantForeignKey(Bill, verbose_name=_("bill"))
    paused = models.BooleanField(_("paused"))
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("pause of reminders")
        verbose_name_plural = _("pauses of reminders")
        constraints: ClassVar = [models.CheckConstraint(name="pause_says_why", condition=~Q(reason=""))]
