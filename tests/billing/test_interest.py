"""Interest by day, reminders by step, the state of a bill."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.bill_state import BillState, state_of
from billing.domain.errors import BillingError
from billing.domain.interest import Rate, interest_pln, interest_spans, late_from
from billing.domain.reminders import Step, StepDays, step_due

RATES = [Rate(dt.date(2026, 1, 1), Decimal("9.5")), Rate(dt.date(2026, 3, 5), Decimal("9.25"))]
DAYS = StepDays(friendly=3, second=14, final=30, final_days=7)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def test_interest_of_a_bill_paid_in_two_parts_over_a_change_of_the_rate() -> None:
    paid = [(day("2026-02-20"), Decimal("400.00")), (day("2026-03-10"), Decimal("600.00"))]
    spans = interest_spans(Decimal("1000.00"), paid, RATES, day("2026-02-11"), day("2026-03-31"))
    # 11 to 20 February: ten days of 1000; to 4 March: twelve of 600; to 10 March: six at the new rate.
    assert [(span.days, span.open_pln, span.percent) for span in spans] == [
        (10, Decimal("1000.00"), Decimal("9.5")),
        (12, Decimal("600.00"), Decimal("9.5")),
        (6, Decimal("600.00"), Decimal("9.25")),
    ]
    exact = (Decimal(1000) * 95 * 10 + Decimal(600) * 95 * 12) / 365000 + Decimal(600) * 925 * 6 / 3650000
    assert interest_pln(spans) == exact.quantize(Decimal("0.01")) == Decimal("5.39")


def test_paid_on_the_last_day_bears_no_interest() -> None:
    paid = [(day("2026-02-10"), Decimal("10.00"))]
    assert interest_spans(Decimal("10.00"), paid, RATES, day("2026-02-11"), day("2026-05-01")) == []


def test_half_a_grosz_is_rounded_up() -> None:
    # 365 days at 10 % of 0.05 PLN are 0.005 PLN.
    rates = [Rate(day("2025-01-01"), Decimal(10))]
    spans = interest_spans(Decimal("0.05"), [], rates, day("2025-01-01"), day("2026-01-01"))
    assert interest_pln(spans) == Decimal("0.01")


def test_days_without_a_rate_are_refused() -> None:
    with pytest.raises(BillingError, match="no interest rate for 2025-12-31"):
        interest_spans(Decimal("10.00"), [], RATES, day("2025-12-31"), day("2026-01-02"))


def test_a_bill_due_on_a_free_day_is_late_after_the_next_working_day() -> None:
    def is_free(each: dt.date) -> bool:
        return each.isoweekday() > 5 or each == day("2026-07-20")

    assert late_from(day("2026-07-17"), is_free) == day("2026-07-18")
    assert late_from(day("2026-07-18"), is_free) == day("2026-07-22")


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 100_000))
def test_interest_charged_in_two_pieces_is_the_interest_of_the_whole(first: int, second: int, grosze: int) -> None:
    start, amount = day("2026-02-01"), Decimal(grosze).scaleb(-2)
    middle, end = start + dt.timedelta(days=first), start + dt.timedelta(days=first + second)
    paid = [(day("2026-02-20"), amount / 2)]

    def exact(first_day: dt.date, last: dt.date) -> Decimal:
        return sum((span.exact_pln for span in interest_spans(amount, paid, RATES, first_day, last)), Decimal(0))

    assert abs(exact(start, middle) + exact(middle, end) - exact(start, end)) < Decimal("1e-20")


def test_steps_come_once_in_order_and_apart() -> None:
    due = day("2026-07-20")
    assert step_due(due, {}, DAYS, day("2026-07-22")) is None
    assert step_due(due, {}, DAYS, day("2026-07-23")) is Step.FRIENDLY
    sent = {Step.FRIENDLY: day("2026-07-23")}
    assert step_due(due, sent, DAYS, day("2026-08-02")) is None
    assert step_due(due, sent, DAYS, day("2026-08-03")) is Step.SECOND
    sent[Step.SECOND] = day("2026-08-03")
    assert step_due(due, sent, DAYS, day("2026-08-19")) is Step.FINAL
    sent[Step.FINAL] = day("2026-08-19")
    assert step_due(due, sent, DAYS, day("2027-08-19")) is None


def test_after_an_outage_reminders_do_not_come_all_at_once() -> None:
    due, late = day("2026-07-20"), day("2026-09-30")
    assert step_due(due, {}, DAYS, late) is Step.FRIENDLY
    sent = {Step.FRIENDLY: late}
    assert step_due(due, sent, DAYS, late + dt.timedelta(days=10)) is None
    assert step_due(due, sent, DAYS, late + dt.timedelta(days=11)) is Step.SECOND


@pytest.mark.parametrize(
    ("payable", "paid", "today", "state"),
    [
        ("10.00", "0.00", "2026-07-20", BillState.OPEN),
        ("10.00", "3.00", "2026-07-20", BillState.PARTLY_PAID),
        ("10.00", "3.00", "2026-07-21", BillState.OVERDUE),
        ("10.00", "10.00", "2026-07-21", BillState.PAID),
        ("-10.00", "0.00", "2026-07-21", BillState.OPEN),
        ("-10.00", "-10.00", "2026-07-21", BillState.PAID),
        ("0.00", "0.00", "2026-07-21", BillState.SETTLED),
    ],
)
def test_state_of_a_bill(payable: str, paid: str, today: str, state: BillState) -> None:
    assert state_of(Decimal(payable), Decimal(paid), day("2026-07-21"), day(today)) is state
