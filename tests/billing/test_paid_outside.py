"""Money to and from the distributor and external partners, and its invoices: posted, taken back, refused."""

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from billing.domain.errors import BillingError
from billing.domain.ledger import AccountKey, AccountKind
from billing.domain.matching import How, Payment, match
from billing.models import Account, BillingPeriod, DistributorInvoice, JournalEntry, PaymentMatch
from billing.selectors.grid_fees import invoices_noted
from billing.selectors.ledger import trial_balance
from billing.selectors.payments import outside_accounts, payments_of, waiting
from billing.services.distributor import note_invoice, take_invoice_back
from billing.services.payments import book_outside, match_payments, set_aside, take_back
from clearing.services.external import Invoice
from participants.models import Dso
from participants.tenancy.scope import scope
from tests.billing.settling import NOW, transfer
from tests.cast import Cast, make_cast
from tests.contracts.outside import make_partner

pytestmark = pytest.mark.django_db
GRID = "PL61999999990000000000000901"
TRADER = "PL14999999990000000000000777"
JUNE = dt.date(2026, 6, 1)
DISTRIBUTOR: AccountKey = (AccountKind.DISTRIBUTOR, None)


@pytest.fixture
def cast(db: None) -> Iterator[Cast]:
    made = make_cast("ours")
    with scope(made.cluster.pk):
        yield made


def balances(cast: Cast) -> dict[str, Decimal]:
    rows = trial_balance(cast.cluster.pk)
    assert sum(amount for _, amount in rows) == 0
    return {str(account.partner or account.kind): amount for account, amount in rows if amount}


def test_an_account_outside_wins_over_any_number_but_not_over_a_participant() -> None:
    payment = Payment(1, JUNE, Decimal("-10.00"), "FS/2026/06/00012", GRID)
    (decision,) = match([payment], [], {}, {GRID: DISTRIBUTOR})
    assert (decision.how, decision.outside, decision.allocated) == (How.ACCOUNT, DISTRIBUTOR, ())
    (decision,) = match([payment], [], {GRID: frozenset({1})}, {GRID: DISTRIBUTOR})
    assert decision.how is None and decision.outside is None


def test_what_goes_to_the_registered_account_of_the_distributor_is_booked_by_itself(cast: Cast) -> None:
    row = transfer(cast, "-123.00", "FV 7/2026", account=GRID)
    back = transfer(cast, "3.00", "zwrot", account=GRID)
    report = match_payments(cast.cluster, NOW)
    assert (report.booked, report.waiting) == (2, 0)
    assert balances(cast) == {"distributor": Decimal("120.00"), "bank": Decimal("-120.00")}
    assert [each.how for each in (*row.matches.all(), *back.matches.all())] == ["account", "account"]
    assert match_payments(cast.cluster, NOW).booked == 0


def test_a_partner_is_known_by_its_account_or_after_the_first_by_hand(cast: Cast) -> None:
    partner, buyer = make_partner(cast.cluster), make_partner(cast.cluster, "buyer", iban=TRADER)
    transfer(cast, "50.00", "za energię", account=TRADER)
    row = transfer(cast, "-100.00", "FV/6", account="PL1")
    assert match_payments(cast.cluster, NOW).booked == 1
    book_outside(row, (AccountKind.PARTNER, partner.pk), cast.coordinator.pk, NOW)
    transfer(cast, "-20.00", "FV/7", account="PL1")
    assert match_payments(cast.cluster, NOW).booked == 1
    assert balances(cast) == {
        str(buyer): Decimal("-50.00"), str(partner): Decimal("120.00"), "bank": Decimal("-70.00"),
    }  # fmt: skip


def test_the_last_decision_of_a_person_about_an_account_holds(cast: Cast) -> None:
    rows = [transfer(cast, "-10.00", f"FV/{number}", account="PL1") for number in range(3)]

    def known() -> dict[str, AccountKey]:
        return outside_accounts(cast.cluster, payments_of(rows))

    book_outside(rows[0], DISTRIBUTOR, cast.coordinator.pk, NOW)
    assert known() == {"PL1": DISTRIBUTOR}
    set_aside(rows[1], "our own electricity", cast.coordinator.pk, NOW)
    assert known() == {}
    # A tax office has one account for all taxes: what it was for is said each time.
    book_outside(rows[2], (AccountKind.VAT_DUE, None), cast.coordinator.pk, NOW)
    assert known() == {}
    take_back(rows[2], "excise", cast.coordinator.pk, NOW)
    book_outside(rows[2], DISTRIBUTOR, cast.coordinator.pk, NOW)
    assert known() == {"PL1": DISTRIBUTOR}


def test_an_account_of_two_partners_waits(cast: Cast) -> None:
    make_partner(cast.cluster, iban=TRADER)
    make_partner(cast.cluster, "buyer", iban=TRADER)
    transfer(cast, "-10.00", "FV/6", account=TRADER)
    assert match_payments(cast.cluster, NOW).waiting == 1


def test_taking_back_reverses_and_is_decided_anew(cast: Cast) -> None:
    row = transfer(cast, "-10.00", "FV/6", account=GRID)
    match_payments(cast.cluster, NOW)
    take_back(row, "it was a payout", cast.coordinator.pk, NOW)
    assert balances(cast) == {}
    assert match_payments(cast.cluster, NOW).booked == 0 and waiting(cast.cluster.pk).get() == row
    book_outside(row, DISTRIBUTOR, cast.coordinator.pk, NOW)
    with pytest.raises(BillingError, match="matched already"):
        book_outside(row, DISTRIBUTOR, cast.coordinator.pk, NOW)
    assert balances(cast)["distributor"] == Decimal("10.00")


@pytest.mark.parametrize("kind", ["bank", "market", "participant", "rounding"])
def test_no_other_account_takes_a_transfer(cast: Cast, kind: str) -> None:
    row = transfer(cast, "-10.00", "FV/6")
    with pytest.raises(BillingError, match="can't be booked on the account"):
        book_outside(row, (AccountKind(kind), None), cast.coordinator.pk, NOW)
    assert not JournalEntry.objects.exists() and not PaymentMatch.objects.exists()


def test_the_database_wants_an_entry_of_the_own_cluster_and_no_credit(cast: Cast) -> None:
    row = transfer(cast, "-10.00", "FV/6")
    made = book_outside(row, DISTRIBUTOR, cast.coordinator.pk, NOW)
    fields: dict[str, Any] = {
        "cluster": cast.cluster, "transaction": row, "number": 2, "how": "hand", "at": NOW, "entry": made.entry,
        "account": made.account,
    }  # fmt: skip
    for wrong in ({"entry": None}, {"credit_of": cast.buyer}, {"how": "undo", "reason": "x"}):
        with pytest.raises(IntegrityError, match="match_outside_is_posted"), transaction.atomic():
            PaymentMatch.objects.create(**fields | wrong)
    other = make_cast("theirs")
    with scope(cast.cluster.pk, other.cluster.pk):
        foreign = Account.objects.create(cluster=other.cluster, kind="distributor")
        with pytest.raises(IntegrityError, match="account_id_tenant"), transaction.atomic():
            PaymentMatch.objects.create(**fields | {"account": foreign})


def invoice(number: str = "ZD/1", net: str = "100.00", vat: str = "23.00") -> Invoice:
    return Invoice(number, dt.date(2026, 7, 5), Decimal(net), Decimal(vat))


def close_june(cast: Cast) -> None:
    BillingPeriod.objects.create(cluster=cast.cluster, month=JUNE, state="closed", closed_at=NOW, last_statement=1)


@pytest.fixture
def june(cast: Cast) -> Cast:
    close_june(cast)
    return cast


def note(cast: Cast, *args: str) -> DistributorInvoice:
    return note_invoice(cast.cluster, JUNE, invoice(*args), cast.coordinator.pk, NOW)


def test_an_invoice_posts_its_vat_and_a_payment_leaves_what_it_differs_by(june: Cast) -> None:
    note(june)
    note(june, "ZD/1/K", "-10.00", "-2.30")
    assert balances(june) == {"distributor": Decimal("-20.70"), "vat_deductible": Decimal("20.70")}
    transfer(june, "-110.70", "ZD/1", account=GRID)
    match_payments(june.cluster, NOW)
    # The members were billed nothing here: the net total is what is left.
    assert balances(june)["distributor"] == Decimal("90.00")
    entry = JournalEntry.objects.order_by("number")[0]
    assert (entry.text, entry.period) == ("distributor's invoice ZD/1, 2026-06", None)


def test_an_invoice_is_taken_back_once_and_noted_again(june: Cast) -> None:
    row = note(june)
    with pytest.raises(BillingError, match="noted already"):
        note(june)
    take_invoice_back(row, june.coordinator.pk, NOW)
    assert balances(june) == {}
    with pytest.raises(BillingError, match="taken back already"):
        take_invoice_back(row, june.coordinator.pk, NOW)
    note(june, "ZD/1", "90.00", "20.70")
    assert [(each.attempt, each.taken_back) for each in invoices_noted(june.cluster.pk)] == [(1, True), (2, False)]
    assert balances(june)["vat_deductible"] == Decimal("20.70")


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("", "100.00", "23.00"), "has no number"),
        (("ZD/1", "100.00", "0.00"), "can't be the VAT"),
        (("ZD/1", "100.00", "100.01"), "can't be the VAT"),
        (("ZD/1", "100.00", "-23.00"), "can't be the VAT"),
    ],
)
def test_an_invoice_that_cant_be_is_refused(june: Cast, args: tuple[str, ...], text: str) -> None:
    with pytest.raises(BillingError, match=text):
        note(june, *args)
    assert not JournalEntry.objects.exists()


def test_a_month_that_is_not_closed_has_no_invoice(cast: Cast) -> None:
    with pytest.raises(BillingError, match="2026-06 is not closed"):
        note(cast)


@pytest.mark.django_db(transaction=True)
def test_two_who_note_the_same_invoice_at_once_note_one() -> None:
    cast = make_cast("ours")
    with scope(cast.cluster.pk):
        close_june(cast)
    found: list[str] = []
    start = threading.Barrier(2)

    def act() -> None:
        start.wait()
        try:
            with scope(cast.cluster.pk):
                found.append(note(cast).number)
        except BillingError as error:
            found.append(str(error))
        connection.close()

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["ZD/1", "invoice ZD/1 is noted already"]
    with scope(cast.cluster.pk):
        assert JournalEntry.objects.count() == 1


def test_the_distributor_s_account_is_the_one_of_its_own_row(cast: Cast) -> None:
    Dso.objects.filter(pk=cast.cluster.dso_id).update(iban="")
    cast.cluster.dso.refresh_from_db()
    transfer(cast, "-10.00", "FV/6", account="")
    assert match_payments(cast.cluster, NOW).booked == 0
