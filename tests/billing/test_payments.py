"""Transfers are booked, taken back and paid out: the bill's state, the ledger, and what is refused."""

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from billing.domain.errors import BillingError
from billing.domain.matching import Why, match
from billing.formats.pain001 import SCHEMA
from billing.models import Allocation, Bill, PaymentMatch, PayoutBatch, Posting
from billing.selectors.payments import (
    bills_for,
    credits,
    known_accounts,
    net_credits,
    never_matched,
    open_bills,
    payments_of,
    standings,
    waiting,
)
from billing.services.payments import decisions, match_by_hand, match_payments, set_aside, take_back
from billing.services.payouts import approve_payouts, confirmed, make_payout_file, mark_paid, owed
from participants.models import Participant
from participants.tenancy.scope import scope
from tests.billing.settling import DAY, NOW, account_of, add_bill, transfer
from tests.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
ANNA = "PL14999999990000000000000001"


@pytest.fixture
def cast(db: None) -> Iterator[Cast]:
    made = make_cast("ours")
    with scope(made.cluster.pk):
        yield made


def state(cast: Cast, bill: Bill, today: dt.date = DAY) -> tuple[str, Decimal]:
    (found,) = standings(cast.cluster, today, pk=bill.pk)
    return found.state, found.open_pln


def test_a_transfer_pays_its_bill_and_is_posted(cast: Cast) -> None:
    bill = add_bill(cast, cast.buyer, "100.00")
    transfer(cast, "40.00", f"za {bill.reference.lower()}")
    report = match_payments(cast.cluster, NOW)
    assert (report.booked, report.waiting) == (1, 0)
    assert state(cast, bill) == ("partly_paid", Decimal("60.00"))
    assert account_of(cast, cast.buyer) == Decimal("60.00")
    transfer(cast, "60.00", bill.reference)
    match_payments(cast.cluster, NOW)
    assert state(cast, bill) == ("paid", Decimal("0.00"))
    assert account_of(cast, cast.buyer) == 0
    assert match_payments(cast.cluster, NOW).booked == 0
    assert PaymentMatch.objects.count() == 2


def test_what_is_over_is_credit_and_pays_the_next_bill(cast: Cast) -> None:
    first = add_bill(cast, cast.buyer, "100.00")
    transfer(cast, "130.00", first.reference)
    match_payments(cast.cluster, NOW)
    assert [(each.participant, each.amount_pln) for each in credits(cast.cluster.pk)] == [
        (cast.buyer.pk, Decimal("30.00"))
    ]
    assert account_of(cast, cast.buyer) == Decimal("-30.00")
    second = add_bill(cast, cast.buyer, "50.00")
    entries = Posting.objects.count()
    assert match_payments(cast.cluster, NOW).credits_used == 1
    assert state(cast, second) == ("partly_paid", Decimal("20.00"))
    assert Posting.objects.count() == entries
    assert credits(cast.cluster.pk) == []


def test_credit_that_was_paid_back_pays_nothing_more(cast: Cast) -> None:
    first = add_bill(cast, cast.buyer, "100.00")
    transfer(cast, "130.00", first.reference)
    back = transfer(cast, "-30.00", "zwrot nadpłaty")
    match_payments(cast.cluster, NOW)
    match_by_hand(back, [], cast.buyer.pk, cast.coordinator.pk, NOW)
    owed_bill, asked = add_bill(cast, cast.buyer, "-50.00"), add_bill(cast, cast.buyer, "50.00")
    assert match_payments(cast.cluster, NOW).credits_used == 0
    assert [state(cast, each)[1] for each in (owed_bill, asked)] == [Decimal("-50.00"), Decimal("50.00")]
    assert net_credits(credits(cast.cluster.pk)) == {}


def test_an_unknown_transfer_waits_and_the_accountant_decides(cast: Cast) -> None:
    bill = add_bill(cast, cast.buyer, "100.00")
    row = transfer(cast, "100.00", "prąd")
    assert match_payments(cast.cluster, NOW).waiting == 1
    (decision,) = decisions(cast.cluster, waiting(cast.cluster.pk))
    assert (decision.why, decision.suggested) == (Why.UNKNOWN, (bill.pk,))
    match_by_hand(row, [bill.pk], None, cast.coordinator.pk, NOW)
    assert state(cast, bill)[0] == "paid"
    assert not waiting(cast.cluster.pk).exists()
    with pytest.raises(BillingError, match="matched already"):
        match_by_hand(row, [bill.pk], None, cast.coordinator.pk, NOW)


def test_an_account_once_matched_by_hand_is_known(cast: Cast) -> None:
    bills = [add_bill(cast, cast.buyer, "100.00"), add_bill(cast, cast.buyer, "70.00")]
    row = transfer(cast, "100.00", "prąd", account=ANNA)
    match_payments(cast.cluster, NOW)
    match_by_hand(row, [bills[0].pk], None, cast.coordinator.pk, NOW)
    transfer(cast, "70.00", "prąd za lipiec", account=ANNA)
    assert match_payments(cast.cluster, NOW).booked == 1
    assert state(cast, bills[1])[0] == "paid"


def test_taking_back_reverses_and_deletes_nothing(cast: Cast) -> None:
    bill, other = add_bill(cast, cast.buyer, "100.00"), add_bill(cast, cast.seller, "100.00")
    row = transfer(cast, "120.00", bill.reference)
    match_payments(cast.cluster, NOW)
    take_back(row, "it was the neighbour's", cast.coordinator.pk, NOW)
    assert state(cast, bill) == ("open", Decimal("100.00"))
    assert account_of(cast, cast.buyer) == Decimal("100.00")
    assert credits(cast.cluster.pk) == []
    # What a person took back is not matched by itself again.
    assert match_payments(cast.cluster, NOW).booked == 0
    assert [each.pk for each in waiting(cast.cluster.pk)] == [row.pk]
    match_by_hand(row, [other.pk], None, cast.coordinator.pk, NOW)
    assert state(cast, other)[0] == "paid"
    assert account_of(cast, cast.seller) == Decimal("-20.00")
    assert [each.how for each in row.matches.all()] == ["number", "undo", "hand"]


def test_taking_back_also_frees_what_its_credit_paid(cast: Cast) -> None:
    first = add_bill(cast, cast.buyer, "100.00")
    row = transfer(cast, "150.00", first.reference)
    match_payments(cast.cluster, NOW)
    second = add_bill(cast, cast.buyer, "40.00")
    match_payments(cast.cluster, NOW)
    assert state(cast, second)[0] == "paid"
    take_back(row, "returned by the bank", cast.coordinator.pk, NOW)
    assert [state(cast, each) for each in (first, second)] == [("open", Decimal("100.00")), ("open", Decimal("40.00"))]


def test_set_aside_posts_nothing_and_can_be_taken_back(cast: Cast) -> None:
    row = transfer(cast, "-12.00", "opłata za prowadzenie rachunku")
    match_payments(cast.cluster, NOW)
    with pytest.raises(BillingError, match="say why"):
        set_aside(row, "  ", cast.coordinator.pk, NOW)
    before = Posting.objects.count()
    set_aside(row, "bank fee", cast.coordinator.pk, NOW)
    assert Posting.objects.count() == before and not waiting(cast.cluster.pk).exists()
    take_back(row, "mistake", cast.coordinator.pk, NOW)
    assert waiting(cast.cluster.pk).get() == row


@pytest.mark.parametrize(
    ("amount", "payables", "text"),
    [
        ("50.00", ["100.00", "100.00"], "nothing of the transfer is left for"),
        ("50.00", ["-100.00"], "nothing of the transfer is left for"),
        ("50.00", ["0.00"], "does not exist or has nothing to pay"),
        ("50.00", [], "choose the participant whose credit it is"),
    ],
)
def test_a_match_by_hand_that_makes_no_sense_is_refused_and_stores_nothing(
    cast: Cast, amount: str, payables: list[str], text: str
) -> None:
    bills = [add_bill(cast, cast.buyer, payable).pk for payable in payables]
    row = transfer(cast, amount, "prąd")
    before = Posting.objects.count()
    with pytest.raises(BillingError, match=text):
        match_by_hand(row, bills, None, cast.coordinator.pk, NOW)
    assert Posting.objects.count() == before and not PaymentMatch.objects.exists()


def test_the_distributors_own_bills_are_not_paid_here(cast: Cast) -> None:
    bill = add_bill(cast, cast.buyer, "100.00", by_distributor=True)
    transfer(cast, "100.00", bill.reference)
    assert match_payments(cast.cluster, NOW).waiting == 1


@pytest.mark.parametrize(("amount", "text"), [("100.01", "is payable with"), ("80.00", "has 70.00 but would pay")])
def test_the_database_itself_refuses_to_pay_too_much(cast: Cast, amount: str, text: str) -> None:
    bill = add_bill(cast, cast.buyer, "100.00")
    row = transfer(cast, "70.00", "prąd")
    match = PaymentMatch.objects.create(
        cluster=cast.cluster, transaction=row, number=1, how="hand", credit_of=cast.buyer, at=NOW
    )
    with pytest.raises(IntegrityError, match=text), transaction.atomic():
        Allocation.objects.create(cluster=cast.cluster, match=match, bill=bill, amount_pln=Decimal(amount), paid_on=DAY)


def owe(cast: Cast, participant: Participant, amount: str, iban: str = "") -> Bill:
    participant.iban = iban
    participant.save()
    return add_bill(cast, participant, f"-{amount}")


def test_a_payout_is_approved_put_into_one_file_and_confirmed_by_the_bank(cast: Cast) -> None:
    bill = owe(cast, cast.seller, "80.10", ANNA)
    assert [(each.amount_pln, each.approved, each.problem) for each in owed(cast.cluster)] == [
        (Decimal("80.10"), False, "")
    ]
    with pytest.raises(BillingError, match="no payout is approved"):
        make_payout_file(cast.cluster, DAY, cast.coordinator.pk, NOW)
    assert approve_payouts(cast.cluster, {bill.pk}, cast.coordinator.pk, NOW) == 1
    assert approve_payouts(cast.cluster, {bill.pk}, cast.coordinator.pk, NOW) == 0
    batch = make_payout_file(cast.cluster, DAY, cast.coordinator.pk, NOW)
    assert (batch.number, batch.count, batch.total_pln) == (1, 1, Decimal("80.10"))
    assert SCHEMA.encode() in batch.content and bill.reference.encode() in batch.content
    # Not a second time, in no other file.
    assert owed(cast.cluster) == []
    with pytest.raises(BillingError, match="no payout is approved"):
        make_payout_file(cast.cluster, DAY, cast.coordinator.pk, NOW)
    assert state(cast, bill)[0] == "open" and not confirmed(cast.cluster, [batch])
    transfer(cast, "-80.10", batch.items.get().title)
    assert match_payments(cast.cluster, NOW).booked == 1
    assert state(cast, bill)[0] == "paid" and confirmed(cast.cluster, [batch])[batch.pk] == 1
    assert account_of(cast, cast.seller) == 0


def test_without_a_bank_file_payouts_are_marked_as_paid_once(cast: Cast) -> None:
    bill = owe(cast, cast.seller, "80.10", ANNA)
    approve_payouts(cast.cluster, {bill.pk}, cast.coordinator.pk, NOW)
    batch = make_payout_file(cast.cluster, DAY, cast.coordinator.pk, NOW)
    with pytest.raises(BillingError, match="does not lie between"):
        mark_paid(batch, DAY + dt.timedelta(days=1), cast.coordinator.pk, NOW)
    assert mark_paid(batch, DAY, cast.coordinator.pk, NOW) == 1
    assert mark_paid(batch, DAY, cast.coordinator.pk, NOW) == 0
    assert state(cast, bill)[0] == "paid"
    # If a statement comes all the same, it is not booked a second time.
    transfer(cast, "-80.10", batch.items.get().title)
    assert match_payments(cast.cluster, NOW).waiting == 1


@pytest.mark.parametrize(("iban", "problem"), [("", "no_account"), ("PL15999999990000000000000001", "wrong_account")])
def test_who_has_no_right_account_is_listed_and_not_paid(cast: Cast, iban: str, problem: str) -> None:
    bill = owe(cast, cast.seller, "80.10", iban)
    assert [each.problem for each in owed(cast.cluster)] == [problem]
    assert approve_payouts(cast.cluster, {bill.pk}, cast.coordinator.pk, NOW) == 0


@pytest.mark.django_db(transaction=True)
def test_two_files_made_at_once_do_not_pay_twice() -> None:
    cast = make_cast("ours")
    with scope(cast.cluster.pk):
        bill = owe(cast, cast.seller, "80.10", ANNA)
        approve_payouts(cast.cluster, {bill.pk}, cast.coordinator.pk, NOW)
    outcomes: list[Any] = []
    start = threading.Barrier(2)

    def make() -> None:
        start.wait()
        try:
            with scope(cast.cluster.pk):
                outcomes.append(make_payout_file(cast.cluster, DAY, cast.coordinator.pk, NOW).number)
        except BillingError as error:
            outcomes.append(str(error))
        connection.close()

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [1, "no payout is approved that is in no file yet"]
    with scope(cast.cluster.pk):
        assert PayoutBatch.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_accountants_at_one_transfer_book_it_once() -> None:
    cast = make_cast("ours")
    with scope(cast.cluster.pk):
        bills = [add_bill(cast, cast.buyer, "50.00"), add_bill(cast, cast.seller, "50.00")]
        row = transfer(cast, "50.00", "prąd")
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def book(bill: int) -> None:
        start.wait()
        try:
            with scope(cast.cluster.pk):
                outcomes.append(match_by_hand(row, [bill], None, cast.coordinator.pk, NOW).how)
        except BillingError as error:
            outcomes.append(str(error))
        connection.close()

    threads = [threading.Thread(target=book, args=(bill.pk,)) for bill in bills]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["hand", "the transfer is matched already; take that back first"]


def test_matching_reads_only_bills_that_can_matter_and_decides_as_if_it_had_read_all(cast: Cast) -> None:
    chance = Random(7)
    cast.seller.iban = ANNA
    cast.seller.save()
    people = (cast.buyer, cast.seller)
    bills = [add_bill(cast, chance.choice(people), f"{chance.choice((-30, 10, 20, 50))}.00") for _ in range(30)]
    for bill in chance.sample(bills, 12):
        transfer(cast, str(bill.payable_pln / chance.choice((1, 2))), bill.reference)
    match_payments(cast.cluster, NOW)
    titles = ["", "prąd", "2026/00007", "FS 2026 12", "FS20260001 i R/2026/00003", "00012", "R/2026/00004, 5", "x" * 50]
    for _ in range(60):
        title = chance.choice([*titles, chance.choice(bills).reference])
        transfer(cast, f"{chance.choice((-30, -15, 5, 10, 20, 25, 50, 70))}.00", title, chance.choice(("", ANNA)))
    payments = payments_of(never_matched(cast.cluster.pk))
    accounts = known_accounts(cast.cluster.pk, payments)
    all_of_them = open_bills(cast.cluster.pk)
    assert match(payments, bills_for(cast.cluster.pk, payments, accounts), accounts) == match(
        payments, all_of_them, accounts
    )
    for payment in payments:
        alone = known_accounts(cast.cluster.pk, [payment])
        read = bills_for(cast.cluster.pk, [payment], alone)
        assert match([payment], read, alone) == match([payment], all_of_them, alone)
    unknown = [each for each in payments if each.title == "x" * 50 and not each.account]
    assert unknown and len(bills_for(cast.cluster.pk, unknown[:1], {})) < len(bills) / 2
