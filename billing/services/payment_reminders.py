"""Reminds of unpaid bills by e-mail in three steps; each goes out once, and none after the bill is paid."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import get_connection
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, override

from billing.domain.errors import BillingError
from billing.domain.reminders import Step
from billing.models import Bill, PaymentReminder, ReminderPause
from billing.papers.texts import account
from billing.selectors.late import Overdue, acting, overdue, terms_on
from billing.services.locks import lock_payments
from metering.domain.calendar import local_day, time_zone
from participants.mails import address_of, message
from participants.models import Cluster, Coordinator
from participants.tenancy.scope import scope

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is written to, and in which language."""

    address: str
    language: str


def remind_of_payments(cluster: Cluster, now: datetime) -> int:
    """Send the reminders that are due today; returns how many bills were reminded of.

    Opens its own scopes, one a bill: what fails is tried again at the next call.
    """
    today = local_day(now, time_zone(cluster.timezone))
    with scope(cluster.pk):
        due = [each.standing.bill.pk for each in overdue(cluster, today) if each.due]
    return sum(_remind(cluster, bill, today) for bill in due)


def _remind(cluster: Cluster, bill: int, today: date) -> bool:
    """Under the lock of payments: one that is being booked ends the reminder, and another worker finds it sent."""
    try:
        with scope(cluster.pk):
            lock_payments(cluster.pk)
            found = next((each for each in overdue(cluster, today, pk=bill) if each.due), None)
            return found is not None and _send(cluster, found, today)
    except (SMTPException, OSError):
        logger.exception("%s: a payment reminder could not be sent", cluster.slug)
        return False


def _send(cluster: Cluster, found: Overdue, today: date) -> bool:
    bill, step = found.standing.bill, Step(found.due or Step.FRIENDLY)
    readers = list(_readers(bill))
    if not readers:
        return False
    payee = Coordinator.objects.get(cluster=cluster)
    terms = terms_on(cluster, today)
    last = today + timedelta(days=terms.demand_days if terms else 0)
    PaymentReminder.objects.create(
        cluster=cluster, bill=bill, step=step, sent_on=today, open_pln=found.standing.open_pln,
        addresses="\n".join(reader.address for reader in readers),
    )  # fmt: skip
    with get_connection() as connection:
        for reader in readers:
            with override(reader.language):
                letter = message(*_words(cluster, payee, found, step, last), reader.address)
            letter.connection = connection
            letter.send()
    return True


def _words(cluster: Cluster, payee: Coordinator, found: Overdue, step: Step, last: date) -> tuple[str, list[str]]:
    bill = found.standing.bill
    values = {
        "bill": bill.reference,
        "amount": number_format(found.standing.open_pln, 2, use_l10n=True, force_grouping=True),
        "due": date_format(bill.due_on, "DATE_FORMAT"),
        "last": date_format(last, "DATE_FORMAT"),
        "cluster": cluster.name,
    }
    subjects = {
        Step.FRIENDLY: gettext("%(cluster)s: bill %(bill)s is not paid yet"),
        Step.SECOND: gettext("%(cluster)s: reminder of bill %(bill)s"),
        Step.FINAL: gettext("%(cluster)s: final demand for payment of bill %(bill)s"),
    }
    texts = {
        Step.FRIENDLY: gettext(
            "Perhaps it has slipped your mind: bill %(bill)s was due on %(due)s, and %(amount)s PLN of it "
            "are still open."
        ),
        Step.SECOND: gettext(
            "We wrote to you before: bill %(bill)s was due on %(due)s, and %(amount)s PLN of it are still open. "
            "Statutory interest runs for every day of delay."
        ),
        Step.FINAL: gettext(
            "Final demand for payment: bill %(bill)s was due on %(due)s, and %(amount)s PLN of it are still open. "
            "Pay by %(last)s. After that day the claim may be taken to court, at your cost."
        ),
    }
    parts = [
        texts[step] % values,
        "\n".join(
            (
                gettext("To: %(name)s") % {"name": payee.name},
                gettext("Account: %(iban)s") % {"iban": account(payee.iban)},
                gettext("Title: %(bill)s") % values,
            )
        ),
        gettext(
            "If you have paid in the last days, take this letter as done with. If something is wrong, write to us."
        ),
        address_of("money"),
        f"{payee.name}, {cluster.name}",
    ]
    return subjects[step] % values, parts


def _readers(bill: Bill) -> Iterable[Reader]:
    """Those who act for the participant; without any login, its own address."""
    rows = acting(bill.cluster_id, [bill.participant_id]).select_related("user").order_by("user")
    found = [Reader(row.user.email, row.user.language) for row in rows]
    own = bill.participant.email
    return found or ([Reader(own, settings.LANGUAGE_CODE)] if own else [])


def pause_reminders(bill: Bill, paused: bool, reason: str, user_id: int, now: datetime) -> ReminderPause:
    """Send no reminders of the bill from now on, or again. Raises BillingError without a reason."""
    if not reason.strip():
        raise BillingError("say why the reminders are paused or go on")
    return ReminderPause.objects.create(
        cluster_id=bill.cluster_id, bill=bill, paused=paused, reason=reason.strip()[:200], user_id=user_id, at=now
    )
