"""Late bills: interest that accrues and is waived, reminders that go out once and stop."""

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.db import connection

from billing.domain.errors import BillingError
from billing.models import Bill, InterestDecision, PaymentReminder, ReminderTerms
from billing.selectors.bills import bill_content
from billing.selectors.late import late_interest, overdue
from billing.selectors.ledger import trial_balance
from billing.services.interest import charge_interest, waive_interest
from billing.services.interest_rates import load_interest_rates
from billing.services.payment_reminders import pause_reminders, remind_of_payments
from billing.services.payments import match_payments
from participants.tenancy.scope import scope
from tests.billing.settling import add_bill, transfer
from tests.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
DUE = dt.date(2026, 7, 16)


def at(day: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day}T10:00:00+00:00")


@pytest.fixture
def cast(db: None) -> Iterator[Cast]:
    made = make_cast("ours")
    load_interest_rates()
    with scope(made.cluster.pk):
        ReminderTerms.objects.create(
            cluster=made.cluster, valid_from=dt.date(2026, 1, 1), friendly_days=5, second_days=14, final_days=30,
            demand_days=7,
        )  # fmt: skip
        yield made


def accrued(cast: Cast, day: str) -> list[tuple[str, int, Decimal]]:
    found = late_interest(cast.cluster, dt.date.fromisoformat(day))
    return [(each.kind, sum(span.days for span in each.spans), each.amount_pln) for each in found]


def test_interest_accrues_by_day_on_what_is_open(cast: Cast) -> None:
    bill = add_bill(cast, cast.buyer, "1000.00")
    assert accrued(cast, "2026-07-17") == []
    # Ten days from the 17th on at 9.25 % on 1000 PLN, then half of it paid on the 26th.
    assert accrued(cast, "2026-07-27") == [("statutory", 10, Decimal("2.53"))]
    transfer(cast, "500.00", bill.reference, day=dt.date(2026, 7, 26))
    match_payments(cast.cluster, at("2026-07-27"))
    assert accrued(cast, "2026-08-06") == [("statutory", 20, Decimal("3.80"))]
    transfer(cast, "500.00", bill.reference, day=dt.date(2026, 8, 5))
    match_payments(cast.cluster, at("2026-08-06"))
    # Paid late is late all the same, and no more comes on top.
    assert accrued(cast, "2026-12-01") == [("statutory", 20, Decimal("3.80"))]


def test_a_business_owes_the_commercial_rate(cast: Cast) -> None:
    cast.buyer.legal_form = "company"
    cast.buyer.save()
    add_bill(cast, cast.buyer, "1000.00")
    assert accrued(cast, "2026-07-27") == [("commercial", 10, Decimal("3.84"))]


def test_a_bill_due_on_a_saturday_may_be_paid_on_monday(cast: Cast) -> None:
    add_bill(cast, cast.buyer, "1000.00", due_on=dt.date(2026, 7, 18))
    assert accrued(cast, "2026-07-21") == []
    assert accrued(cast, "2026-07-22") == [("statutory", 1, Decimal("0.25"))]


def test_waived_days_are_never_asked_again(cast: Cast) -> None:
    bill = add_bill(cast, cast.buyer, "1000.00")
    with pytest.raises(BillingError, match="say why"):
        waive_interest(cast.cluster, {bill.pk}, " ", cast.coordinator.pk, at("2026-07-27"))
    assert waive_interest(cast.cluster, {bill.pk}, "our mistake", cast.coordinator.pk, at("2026-07-27")) == 1
    assert waive_interest(cast.cluster, {bill.pk}, "our mistake", cast.coordinator.pk, at("2026-07-27")) == 0
    assert accrued(cast, "2026-07-27") == []
    assert accrued(cast, "2026-07-29") == [("statutory", 2, Decimal("0.51"))]
    decision = InterestDecision.objects.get()
    assert (decision.amount_pln, decision.valid_from, decision.valid_to) == (
        Decimal("2.53"), dt.date(2026, 7, 17), dt.date(2026, 7, 27),
    )  # fmt: skip


def test_charged_interest_is_a_note_of_its_own_posted_and_bears_no_interest(cast: Cast) -> None:
    bills = [add_bill(cast, cast.buyer, "1000.00"), add_bill(cast, cast.buyer, "400.00")]
    wanted = {each.pk for each in bills}
    (issued,) = charge_interest(cast.cluster, wanted, cast.coordinator.pk, at("2026-07-27"))
    assert charge_interest(cast.cluster, wanted, cast.coordinator.pk, at("2026-07-27")) == []
    assert (issued.payable_pln, issued.due_on, issued.reference) == (
        Decimal("3.54"), dt.date(2026, 8, 10), "R/2026/00003",
    )  # fmt: skip
    (content,) = bill_content(Bill.objects.filter(pk=issued.pk))
    assert [(each.number, each.reason, each.payable_pln) for each in content.documents] == [
        ("NO/2026/00001", bills[0].reference, Decimal("2.53")), ("NO/2026/00002", bills[1].reference, Decimal("1.01")),
    ]  # fmt: skip
    assert content.documents[0].vat_pln == 0
    balances = {account.kind: amount for account, amount in trial_balance(cast.cluster.pk)}
    assert balances["interest"] == Decimal("-3.54") and sum(balances.values()) == 0
    assert accrued(cast, "2026-07-29") == [("statutory", 2, Decimal("0.51")), ("statutory", 2, Decimal("0.20"))]
    assert len(accrued(cast, "2026-12-01")) == 2


def remind(cast: Cast, day: str) -> int:
    mail.outbox.clear()
    return remind_of_payments(cast.cluster, at(day))


@pytest.mark.django_db(transaction=True)
class TestReminders:
    @pytest.fixture
    def cast(self) -> Cast:
        made = make_cast("ours")
        with scope(made.cluster.pk):
            ReminderTerms.objects.create(
                cluster=made.cluster, valid_from=dt.date(2026, 1, 1), friendly_days=5, second_days=14, final_days=30,
                demand_days=7,
            )  # fmt: skip
        return made

    @pytest.fixture
    def bill(self, cast: Cast) -> Bill:
        with scope(cast.cluster.pk):
            return add_bill(cast, cast.buyer, "1000.00")

    def test_three_steps_each_once(self, cast: Cast, bill: Bill) -> None:
        assert remind(cast, "2026-07-20") == 0 and mail.outbox == []
        assert remind(cast, "2026-07-21") == 1
        (letter,) = mail.outbox
        assert letter.to == [cast.colleague.email]
        assert bill.reference in letter.subject and "1000,00" in letter.body.replace("\xa0", "")
        assert "PL88 9999 9999 0000 0000 0000 0900" in letter.body.replace("\xa0", " ")
        assert remind(cast, "2026-07-21") == 0 and remind(cast, "2026-07-29") == 0
        assert remind(cast, "2026-07-30") == 1
        assert remind(cast, "2026-08-15") == 1
        assert "22 sierpnia 2026" in mail.outbox[0].body
        assert remind(cast, "2026-12-01") == 0
        with scope(cast.cluster.pk):
            assert list(PaymentReminder.objects.order_by("step").values_list("step", flat=True)) == [1, 2, 3]

    def test_in_the_language_of_the_reader(self, cast: Cast, bill: Bill) -> None:
        cast.colleague.language = "en"
        cast.colleague.save()
        remind(cast, "2026-07-21")
        assert "Perhaps it has slipped your mind" in mail.outbox[0].body and "1,000.00 PLN" in mail.outbox[0].body

    def test_who_has_paid_gets_no_more(self, cast: Cast, bill: Bill) -> None:
        assert remind(cast, "2026-07-21") == 1
        with scope(cast.cluster.pk):
            transfer(cast, "1000.00", bill.reference, day=dt.date(2026, 7, 25))
            match_payments(cast.cluster, at("2026-07-26"))
        assert remind(cast, "2026-07-30") == 0

    def test_a_pause_with_a_reason_and_its_end(self, cast: Cast, bill: Bill) -> None:
        with scope(cast.cluster.pk):
            with pytest.raises(BillingError, match="say why"):
                pause_reminders(bill, True, "", cast.coordinator.pk, at("2026-07-20"))
            pause_reminders(bill, True, "pays in parts", cast.coordinator.pk, at("2026-07-20"))
            assert overdue(cast.cluster, dt.date(2026, 7, 21))[0].paused == "pays in parts"
        assert remind(cast, "2026-07-21") == 0
        with scope(cast.cluster.pk):
            pause_reminders(bill, False, "did not keep to it", cast.coordinator.pk, at("2026-07-22"))
        assert remind(cast, "2026-07-22") == 1

    def test_a_cluster_without_terms_sends_nothing(self, cast: Cast, bill: Bill) -> None:
        with scope(cast.cluster.pk):
            ReminderTerms.objects.all().delete()
        assert remind(cast, "2026-07-21") == 0

    def test_a_mail_server_that_is_down_is_tried_again(self, cast: Cast, bill: Bill, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        assert remind(cast, "2026-07-21") == 0
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert remind(cast, "2026-07-21") == 1

    def test_two_workers_at_once_send_one_letter(self, cast: Cast, bill: Bill) -> None:
        mail.outbox.clear()
        start = threading.Barrier(2)
        sent: list[int] = []

        def work() -> None:
            start.wait()
            sent.append(remind_of_payments(cast.cluster, at("2026-07-21")))
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(sent) == [0, 1] and len(mail.outbox) == 1
