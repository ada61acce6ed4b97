"""The e-mail that brings a bill."""

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import Bill
from billing.numbers import pln
from billing.papers.texts import account, day
from billing.words import dated
from participants.mails import address_of


def letter_of(bill: Bill, language: str, cluster: str) -> tuple[str, list[str]]:
    """Subject and paragraphs, in the participant's language."""
    with override(language):
        period = dated(bill.period, "F Y") if bill.period else ""
        named = {"cluster": cluster, "number": bill.reference, "period": period}
        subject = (
            _("%(cluster)s: bill %(number)s for %(period)s") if period else _("%(cluster)s: bill %(number)s")
        ) % named
        return subject, [
            _answer(bill),
            _("The bill is attached as a PDF. This and all earlier ones are on your page:"),
            address_of("bill", bill.pk),
            cluster,
        ]


def _answer(bill: Bill) -> str:
    due = {"day": day(bill.due_on), "amount": pln(abs(bill.payable_pln))}
    if bill.payable_pln > 0:
        transfer = _("Account: %(account)s\nTitle of the transfer: %(title)s") % {
            "account": account(str(bill.creditor["iban"])), "title": bill.reference
        }  # fmt: skip
        return _("Please pay %(amount)s by %(day)s.") % due + "\n" + transfer
    if bill.payable_pln < 0:
        return _("You are paid %(amount)s by %(day)s.") % due
    return _("There is nothing to pay.")


def file_name(bill: Bill) -> str:
    """Of the PDF: the reference without what file systems refuse."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in bill.reference) + ".pdf"
