"""Corrections of closed months: previewed, issued once, referring to the original, posted in the open period."""

import datetime as dt
from decimal import Decimal

import pytest

from billing.domain.errors import BillingError
from billing.models import Bill, BillingTerms, Document, JournalEntry
from billing.selectors.bills import document_content
from billing.selectors.ledger import statement_of_account, trial_balance
from billing.services.closing import compute, continue_closing, start_closing
from billing.services.corrections import issue_corrections, preview
from billing.services.statements import bill_period
from contracts.models import ClusterSettings, Contract, RetailPrice
from participants.models import Participant
from participants.tenancy.scope import scope
from tests.billing.closing import JUNE, LATER, OVERRIDES, closing_cast, settle_the_rest
from tests.cast import Cast

pytestmark = pytest.mark.django_db
AUGUST = dt.datetime(2026, 8, 5, 8, 0, tzinfo=dt.UTC)


@pytest.fixture
def cast() -> Cast:
    made = closing_cast()
    settle_the_rest(made)
    with scope(made.cluster.pk):  # So dear outside that no assurance makes up for a fee.
        RetailPrice.objects.update(energy_pln_kwh=100)
    compute(made.cluster, JUNE, LATER)
    start_closing(made.cluster, JUNE, LATER, OVERRIDES)
    assert continue_closing(made.cluster, JUNE, LATER)
    return made


def change_fee(cast: Cast, fee: str) -> None:
    """A service fee that was wrong makes the buyer's statement another one."""
    with scope(cast.cluster.pk):
        ClusterSettings.objects.update(buyer_fee_pln_kwh=Decimal(fee))
    bill_period(cast.cluster, "2026-06", AUGUST)


def correct(cast: Cast, now: dt.datetime = AUGUST) -> list[Bill]:
    keys = [each.key for each in preview(cast.cluster, now) if not each.carried]
    return issue_corrections(cast.cluster, keys, "a fee was wrong", now, cast.coordinator.pk)


def balances(cast: Cast) -> dict[str, Decimal]:
    with scope(cast.cluster.pk):
        found = {
            str(account.kind): amount for account, amount in trial_balance(cast.cluster.pk) if not account.participant
        }
        assert sum(amount for _, amount in trial_balance(cast.cluster.pk)) == 0
    return found


def test_nothing_has_changed_nothing_is_corrected(cast: Cast) -> None:
    assert preview(cast.cluster, AUGUST) == []
    bill_period(cast.cluster, "2026-06", AUGUST)
    assert preview(cast.cluster, AUGUST) == []


def test_an_increase_refers_to_the_original_and_shows_before_and_after(cast: Cast) -> None:
    change_fee(cast, "10")
    (difference,) = preview(cast.cluster, AUGUST)
    # 0.3 kWh × 10 PLN instead of 0.01 PLN, with VAT.
    assert (difference.before_pln, difference.after_pln) == (Decimal("13.54"), Decimal("17.22"))
    assert [(kind, change) for kind, change in difference.changes] == [("sale", "increase")]
    (made,) = correct(cast)
    with scope(cast.cluster.pk):
        (document,) = document_content(Document.objects.filter(bill=made))
        assert document.number == "KFS/2026/00001" and document.reason == "a fee was wrong"
        assert document.corrects is not None and document.corrects.number == "FS/2026/00002"
        fees = {line.before: line.net_pln for line in document.lines if line.component == "service_fee"}
        assert fees == {True: Decimal("0.01"), False: Decimal("3.00")}
        assert (document.net_pln, document.vat_pln) == (Decimal("2.99"), Decimal("0.69"))
        assert (made.payable_pln, made.issued_on, made.due_on) == (
            Decimal("3.68"), dt.date(2026, 8, 5), dt.date(2026, 8, 19),
        )  # fmt: skip
        entry = JournalEntry.objects.get(document=made.documents.get())
        assert (entry.booked_on, entry.period) == (dt.date(2026, 8, 5), JUNE)
        account = statement_of_account(cast.cluster.pk, cast.buyer.pk)
        assert account[-1].balance_pln == Decimal("17.22")
    assert balances(cast)["service_fee"] == Decimal("-3.00")
    assert preview(cast.cluster, AUGUST) == []


def test_a_second_delivery_of_the_same_approval_issues_nothing(cast: Cast) -> None:
    change_fee(cast, "10")
    keys = [each.key for each in preview(cast.cluster, AUGUST)]
    assert len(issue_corrections(cast.cluster, keys, "why", AUGUST)) == 1
    assert issue_corrections(cast.cluster, keys, "why", AUGUST) == []


def test_what_changed_since_the_preview_is_looked_at_again(cast: Cast) -> None:
    change_fee(cast, "10")
    keys = [each.key for each in preview(cast.cluster, AUGUST)]
    change_fee(cast, "20")
    with pytest.raises(BillingError, match="2026-06 of P0002 has changed since the preview"):
        issue_corrections(cast.cluster, keys, "why", AUGUST)
    with pytest.raises(BillingError, match="needs a reason"):
        issue_corrections(cast.cluster, keys, " ", AUGUST)
    with scope(cast.cluster.pk):
        assert not Document.objects.exclude(corrects=None).exists()


def test_four_partial_corrections_sum_to_the_last_word_and_to_nothing(cast: Cast) -> None:
    """Down in three steps and to a cancellation: the corrections are exactly what the invoice was."""
    change_fee(cast, "33.33")
    correct(cast)
    for fee in ("22.21", "11.17", "0.03"):
        change_fee(cast, fee)
        correct(cast)
    with scope(cast.cluster.pk):
        Contract.objects.filter(participant=cast.buyer).update(valid_from=dt.date(2026, 7, 1))
    bill_period(cast.cluster, "2026-06", AUGUST)
    (difference,) = preview(cast.cluster, AUGUST)
    assert [change for _, change in difference.changes] == ["cancel"] and difference.after_pln == 0
    correct(cast)
    with scope(cast.cluster.pk):
        rows = Document.objects.filter(bill__participant=cast.buyer).order_by("pk")
        original, *corrections = document_content(rows)
        assert len(corrections) == 5 and all(each.corrects.number == original.number for each in corrections)
        for name in ("net_pln", "vat_pln", "gross_pln", "payable_pln"):
            assert sum(getattr(each, name) for each in corrections) == -getattr(original, name)
        assert statement_of_account(cast.cluster.pk, cast.buyer.pk)[-1].balance_pln == 0
    # Of the buyer nothing is left anywhere: what remains is the seller's.
    assert balances(cast).get("service_fee", Decimal(0)) == 0
    assert balances(cast)["distributor"] == Decimal("-10.86")


def test_small_differences_are_carried_on_until_they_exceed_the_threshold(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        BillingTerms.objects.create(
            cluster=cast.cluster, valid_from=dt.date(2026, 1, 1), correction_threshold_pln=Decimal("2.00")
        )
    change_fee(cast, "4")
    (carried,) = preview(cast.cluster, AUGUST)
    assert carried.carried and carried.difference_pln == Decimal("1.47")
    with pytest.raises(BillingError, match="P0002 is below the threshold and carried on"):
        issue_corrections(cast.cluster, [carried.key], "why", AUGUST)
    change_fee(cast, "6")
    (difference,) = preview(cast.cluster, AUGUST)
    assert not difference.carried and difference.difference_pln == Decimal("2.20")
    (made,) = correct(cast)
    assert made.payable_pln == Decimal("2.20")


def test_a_closed_month_keeps_how_grid_fees_were_settled(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        ClusterSettings.objects.update(dso_settlement="direct")
    change_fee(cast, "10")
    (difference,) = preview(cast.cluster, AUGUST)
    assert [kind for kind, _ in difference.changes] == ["sale"]


def test_who_turns_out_to_be_a_vat_payer_gets_another_document(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.seller.pk).update(vat_payer=True, nip="1000237576")
    bill_period(cast.cluster, "2026-06", AUGUST)
    (difference,) = preview(cast.cluster, AUGUST)
    assert dict(difference.changes) == {"self_billing": "new", "note": "cancel"}
    correct(cast)
    with scope(cast.cluster.pk):
        numbers = list(Document.objects.filter(bill__issued_on=dt.date(2026, 8, 5)).values_list("number", flat=True))
    assert sorted(numbers) == ["FZ/2026/00001", "KNR/2026/00001"]


def test_a_member_of_another_cluster_is_never_touched(cast: Cast) -> None:
    other = closing_cast("shady-dale")
    change_fee(cast, "10")
    keys = [each.key for each in preview(cast.cluster, AUGUST)]
    assert issue_corrections(other.cluster, keys, "why", AUGUST) == []
    assert len(preview(cast.cluster, AUGUST)) == 1
