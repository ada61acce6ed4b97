"""Transfers and bills: what is booked by itself, what waits, and the laws of both."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.ledger import AccountKind
from billing.domain.matching import Allocated, Decision, How, OpenBill, Payment, Why, match, split

DAY = dt.date(2026, 7, 14)
ANNA, JAN = 1, 2
ANNAS, JANS = "PL14999999990000000000000001", "PL84999999990000000000000002"
ACCOUNTS = {ANNAS: frozenset({ANNA}), JANS: frozenset({JAN})}


def bill(key: int, open_pln: str, participant: int = ANNA, due: int = 1, number: str = "") -> OpenBill:
    numbers = (number or f"FS/2026/06/{key:05}",)
    return OpenBill(key, participant, numbers, dt.date(2026, 7, due), Decimal(open_pln))


def pay(amount: str, title: str, account: str = "") -> Payment:
    return Payment(7, DAY, Decimal(amount), title, account)


def decide(payment: Payment, *bills: OpenBill) -> Decision:
    (decision,) = match([payment], bills, ACCOUNTS)
    return decision


@pytest.mark.parametrize(
    "title",
    [
        "FS/2026/06/00012", "faktura fs 2026 06 12 dziękuję", "FS20260600012", "fs-2026-06-00012.", "ZA FS/2026/6/12",
        "FS / 2026 / 06 / 000 12", "zapłata FS/2026/06/\n00012", "FS_2026_06_00012",
    ],
)  # fmt: skip
def test_a_number_is_found_however_it_is_written(title: str) -> None:
    decision = decide(pay("100.00", title), bill(12, "100.00"), bill(1, "100.00"), bill(2, "1.00"))
    assert (decision.how, decision.allocated) == (How.NUMBER, (Allocated(12, Decimal("100.00")),))


@pytest.mark.parametrize("title", ["FS/2026/06/000121", "ZFS/2026/06/00012", "1FS/2026/06/1 2", "FS/2026/06", ""])
def test_another_number_is_not_taken_for_it(title: str) -> None:
    assert decide(pay("99.00", title), bill(12, "100.00"), bill(13, "100.00")).how is None


def test_less_than_the_bill_pays_a_part() -> None:
    decision = decide(pay("40.00", "FS/2026/06/00012"), bill(12, "100.00"))
    assert decision.allocated == (Allocated(12, Decimal("40.00")),)
    assert decision.credit_pln == 0


def test_more_than_the_bill_becomes_credit() -> None:
    decision = decide(pay("140.00", "FS/2026/06/00012"), bill(12, "100.00"), bill(13, "50.00"))
    assert decision.allocated == (Allocated(12, Decimal("100.00")),)
    assert (decision.credit_of, decision.credit_pln) == (ANNA, Decimal("40.00"))


def test_one_transfer_pays_several_bills_the_one_due_first_first() -> None:
    late, early = bill(12, "100.00", due=20), bill(13, "50.00", due=10)
    decision = decide(pay("120.00", "FS/2026/06/00012 i FS/2026/06/00013"), late, early)
    assert decision.allocated == (Allocated(13, Decimal("50.00")), Allocated(12, Decimal("70.00")))


def test_bills_of_two_participants_only_for_their_sum() -> None:
    bills = bill(12, "100.00"), bill(13, "50.00", JAN)
    title = "FS/2026/06/00012, FS/2026/06/00013"
    assert decide(pay("150.00", title), *bills).how is How.NUMBER
    assert decide(pay("149.99", title), *bills).why is Why.SEVERAL


def test_a_number_without_its_letters_needs_the_account_or_the_amount() -> None:
    ours = bill(12, "100.00")
    assert decide(pay("100.00", "2026/06/00012"), ours).how is How.NUMBER
    assert decide(pay("60.00", "2026/06/00012", ANNAS), ours).how is How.NUMBER
    waits = decide(pay("60.00", "2026/06/00012", JANS), ours)
    assert (waits.why, waits.suggested) == (Why.UNCERTAIN, (12,))


def test_a_day_in_the_title_is_no_number() -> None:
    assert decide(pay("60.00", "za czerwiec, 2026-06-12"), bill(12, "100.00")).why is Why.UNCERTAIN


def test_without_a_number_the_account_tells_if_the_amount_fits() -> None:
    bills = bill(12, "100.00"), bill(13, "50.00")
    assert decide(pay("150.00", "prąd", ANNAS), *bills).allocated == (
        Allocated(12, Decimal("100.00")),
        Allocated(13, Decimal("50.00")),
    )
    assert decide(pay("50.00", "prąd", ANNAS), *bills).allocated == (Allocated(13, Decimal("50.00")),)
    waits = decide(pay("70.00", "prąd", ANNAS), *bills)
    assert (waits.why, waits.suggested) == (Why.AMOUNT, (12, 13))


def test_an_amount_alone_is_only_a_suggestion() -> None:
    waits = decide(pay("100.00", "prąd"), bill(12, "100.00"))
    assert (waits.why, waits.suggested) == (Why.UNKNOWN, (12,))


def test_a_bill_that_is_paid_is_not_paid_again() -> None:
    assert decide(pay("100.00", "FS/2026/06/00012"), bill(12, "0.00")).why is Why.PAID
    first, second = match([pay("100.00", "FS/2026/06/00012")] * 2, [bill(12, "100.00")], ACCOUNTS)
    assert (first.how, second.why) == (How.NUMBER, Why.PAID)


def test_payouts_are_matched_with_money_that_went_out() -> None:
    owed = bill(3, "-80.10", JAN, number="RN/2026/06/00003")
    assert decide(pay("-80.10", "Rozliczenie RN/2026/06/00003"), owed).allocated == (Allocated(3, Decimal("-80.10")),)
    assert decide(pay("-90.00", "RN/2026/06/00003"), owed).why is Why.AMOUNT
    assert decide(pay("80.10", "RN/2026/06/00003"), owed).why is Why.PAID


AMOUNTS = st.integers(1, 400).map(lambda grosze: Decimal(grosze).scaleb(-2))
SIGNED = st.tuples(AMOUNTS, st.sampled_from([1, 1, -1])).map(lambda pair: pair[0] * pair[1])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Payment], list[OpenBill]]:
    bills = [
        OpenBill(key, draw(st.integers(1, 3)), (f"FS/2026/06/{key:05}",), dt.date(2026, 7, draw(st.integers(1, 9))),
                 draw(SIGNED | st.just(Decimal("0.00"))))
        for key in range(1, draw(st.integers(1, 6)) + 1)
    ]  # fmt: skip
    numbers = st.sampled_from([number for each in bills for number in each.numbers])
    titles = st.lists(numbers | numbers.map(lambda text: text.removeprefix("FS/")), max_size=3).map(", ".join)
    opens = st.sampled_from([each.open_pln for each in bills if each.open_pln] or [Decimal("1.00")])
    payments = [
        Payment(key, dt.date(2026, 7, draw(st.integers(10, 12))), draw(SIGNED | opens), draw(titles),
                draw(st.sampled_from(["", ANNAS, JANS])))
        for key in range(draw(st.integers(0, 6)))
    ]  # fmt: skip
    return payments, bills


@given(worlds(), st.randoms(use_true_random=False))
def test_never_more_than_the_transfer_and_never_more_than_is_open(world: Any, random: Random) -> None:
    payments, bills = world
    decisions = match(payments, bills, ACCOUNTS)
    taken: dict[int, Decimal] = defaultdict(Decimal)
    amounts = {payment.key: payment.amount_pln for payment in payments}
    assert {decision.payment for decision in decisions} == set(amounts)
    for decision in decisions:
        assert (decision.how is None) != (decision.why is None)
        if decision.how is None:
            assert not decision.allocated and not decision.credit_pln
            continue
        sign = 1 if amounts[decision.payment] > 0 else -1
        assert all(part.amount_pln * sign > 0 for part in decision.allocated)
        assert sum(part.amount_pln for part in decision.allocated) + decision.credit_pln == amounts[decision.payment]
        assert decision.credit_pln >= 0
        assert (decision.credit_of is None) == (not decision.credit_pln)
        for part in decision.allocated:
            taken[part.bill] += part.amount_pln
    for each in bills:
        assert abs(taken[each.key]) <= abs(each.open_pln)
        assert taken[each.key] * each.open_pln >= 0
    shuffled = random.sample(payments, len(payments)), random.sample(bills, len(bills))
    assert match(*shuffled, ACCOUNTS) == decisions
    # Neither does it matter whose the accounts are that no payment comes from.
    assert match(payments, bills, ACCOUNTS, {"PL1": (AccountKind.DISTRIBUTOR, None)}) == decisions


@given(SIGNED, st.lists(SIGNED | st.just(Decimal("0.00")), max_size=5))
def test_a_split_sums_to_the_transfer(amount: Decimal, opens: list[Decimal]) -> None:
    parts, rest = split(amount, list(enumerate(opens)))
    assert sum((part.amount_pln for part in parts), rest) == amount
    assert rest * amount >= 0
    assert all(abs(part.amount_pln) <= abs(opens[part.bill]) for part in parts)
