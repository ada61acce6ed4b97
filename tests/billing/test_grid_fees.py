"""What the coordinator owes the distributor: by group, zone and component, equal to the books to the grosz."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.grid_fees import CENT, split_cents, total_pln
from billing.models import BillingPeriod
from billing.selectors.grid_fees import collective_statement, owed_in_the_books, own_bills
from billing.services.closing import compute, continue_closing, start_closing
from billing.services.corrections import issue_corrections, preview
from billing.services.statements import bill_period
from contracts.domain.money import half_up
from contracts.models import ClusterSettings, Contract
from participants.tenancy.scope import scope
from tests.billing.closing import JUNE, LATER, OVERRIDES, RATES, closing_cast, settle_the_rest
from tests.cast import Cast
from tests.tariff import publish


@given(st.lists(st.decimals(-100, 100, places=9), max_size=12))
def test_rows_sum_to_the_rounded_whole_and_each_is_within_a_grosz(exact: list[Decimal]) -> None:
    split = split_cents(exact)
    assert sum(split, Decimal(0)) == half_up(sum(exact, Decimal(0)), 2)
    assert all(abs(part - whole) < CENT for part, whole in zip(split, exact, strict=True))


def closed(cast: Cast) -> BillingPeriod:
    settle_the_rest(cast)
    compute(cast.cluster, JUNE, LATER)
    start_closing(cast.cluster, JUNE, LATER, OVERRIDES)
    assert continue_closing(cast.cluster, JUNE, LATER)
    with scope(cast.cluster.pk):
        return BillingPeriod.objects.get()


@pytest.mark.django_db
def test_the_statement_equals_the_books_also_after_a_correction() -> None:
    cast = closing_cast()
    period = closed(cast)
    with scope(cast.cluster.pk):
        rows = collective_statement(period)
        assert {row.group for row in rows} == {"G11"}
        assert [(r.component, r.zone, r.sharing_level, r.quantity, r.rate_pln, r.amount_pln) for r in rows] == [
            ("network_fixed", "", "", Decimal(2), Decimal("10.860000"), Decimal("21.72")),
            ("network_variable", "flat", "station", Decimal("0.3"), Decimal("0.184800"), Decimal("0.06")),
            ("res", "flat", "station", Decimal("0.3"), Decimal("0.000000"), Decimal("0.00")),
        ]  # fmt: skip
        assert total_pln(rows) == owed_in_the_books(cast.cluster.pk, JUNE) == Decimal("21.78")
        Contract.objects.filter(participant=cast.buyer).update(valid_from=dt.date(2026, 6, 16))
    bill_period(cast.cluster, "2026-06", LATER)
    keys = [each.key for each in preview(cast.cluster, LATER)]
    issue_corrections(cast.cluster, keys, "the contract began later", LATER)
    with scope(cast.cluster.pk):
        total = total_pln(collective_statement(period))
        assert total == owed_in_the_books(cast.cluster.pk, JUNE) == Decimal("16.29")


@pytest.mark.django_db
def test_a_row_of_two_rates_names_neither_nor_their_mean() -> None:
    cast = closing_cast()
    names = ("group", "component", "zone", "unit", "rate_net", "local_treatment")
    dearer = [dict(zip(names, row, strict=True)) for row in RATES]
    dearer[-1]["rate_net"] = Decimal("11.86")
    publish(cast.cluster.dso, dearer, valid_from=dt.date(2026, 6, 16))
    period = closed(cast)
    with scope(cast.cluster.pk):
        rows = {row.component: (row.quantity, row.rate_pln, row.amount_pln) for row in collective_statement(period)}
    assert rows["network_fixed"] == (Decimal(2), None, Decimal("22.72"))
    assert rows["network_variable"][1] == Decimal("0.1848")


@pytest.mark.django_db
def test_a_month_switched_in_the_middle_is_owed_in_part_and_billed_in_part() -> None:
    cast = closing_cast()
    with scope(cast.cluster.pk):
        row = ClusterSettings.objects.get()
        row.pk, row.valid_from, row.dso_settlement = None, dt.date(2026, 6, 11), "direct"
        row.save()
    period = closed(cast)
    with scope(cast.cluster.pk):
        rows = collective_statement(period)
        assert total_pln(rows) == owed_in_the_books(cast.cluster.pk, JUNE) == Decimal("7.24")
        bills = list(own_bills(cast.cluster.pk, cast.cluster.dso_id, JUNE))
        # 7.24 and the variable fee of the quarter-hour on the 11th, with VAT.
        assert [each.payable_pln for each in bills] == [Decimal("8.91"), Decimal("8.98")]
