"""Approved settlements with the supplier and the buyer stand in the ledger, each once."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError

from billing.domain.ledger import partner_postings
from billing.models import Account, JournalEntry
from billing.selectors.ledger import journal, trial_balance
from billing.services.external import post_settlements
from billing.services.ledger import post, reverse
from clearing.models import ExternalSettlement
from clearing.services.external import correct
from participants.tenancy.scope import scope
from tests.cast import make_cast
from tests.clearing.test_external_settlement import NOW, Scene

AUGUST = dt.date(2026, 8, 4)


@pytest.fixture
def scene(db: None) -> Scene:
    return Scene()


def settled(scene: Scene, direction: str, net: str, vat: str = "0") -> ExternalSettlement:
    row = scene.invoice(scene.prepare(direction), net, vat=vat)
    return scene.approve(row)


def balances(scene: Scene) -> dict[str, Decimal]:
    with scope(scene.cluster.pk):
        rows = trial_balance(scene.cluster.pk)
        assert sum(amount for _, amount in rows) == 0
        return {str(account.partner or account.kind): amount for account, amount in rows}


def posted(scene: Scene, now: dt.datetime = NOW) -> int:
    with scope(scene.cluster.pk):
        return len(post_settlements(scene.cluster, now, scene.owner.pk))


def test_a_supplier_is_owed_and_a_buyer_owes() -> None:
    ten, four, none = Decimal("10.00"), Decimal("4.00"), Decimal("0.00")
    assert partner_postings("purchase", ten, Decimal("2.30")) == {
        "partner": Decimal("-12.30"), "market": ten, "vat_deductible": Decimal("2.30"),
    }  # fmt: skip
    assert partner_postings("sale", four, Decimal("0.92")) == {
        "partner": Decimal("4.92"), "market": -four, "vat_due": Decimal("-0.92"),
    }  # fmt: skip
    assert partner_postings("sale", four, none) == {"partner": four, "market": -four}
    assert partner_postings("sale", none, none) == {}


def test_each_partner_has_an_account_and_is_posted_once(scene: Scene) -> None:
    settled(scene, "purchase", "0.36", "0.08")
    settled(scene, "sale", "0.40", "0.09")
    assert posted(scene) == 2
    assert posted(scene) == 0
    assert balances(scene) == {
        str(scene.seller): Decimal("-0.44"), str(scene.buyer): Decimal("0.49"), "market": Decimal("-0.04"),
        "vat_deductible": Decimal("0.08"), "vat_due": Decimal("-0.09"),
    }  # fmt: skip
    with scope(scene.cluster.pk):
        entry = JournalEntry.objects.order_by("number")[0]
        lines = list(journal(scene.cluster.pk, entry.booked_on, entry.booked_on + dt.timedelta(days=1)))
    # No month's bills: what rounding has to make exact is not touched.
    assert (entry.text, entry.period) == ("external settlement 2026-06, invoice FV/6", None)
    assert [(each.account, each.account_name) for each in lines[:2]] == [
        ("market", str(Account.Kind.MARKET.label)), ("vat_deductible", str(Account.Kind.VAT_DEDUCTIBLE.label)),
    ]  # fmt: skip


def test_a_draft_posts_nothing(scene: Scene) -> None:
    scene.invoice(scene.prepare(), "0.36")
    assert posted(scene) == 0 and balances(scene) == {}


def test_a_correcting_version_posts_the_difference_in_the_open_period(scene: Scene) -> None:
    first = settled(scene, "purchase", "0.36")
    assert posted(scene) == 1
    with scope(scene.cluster.pk):
        second = correct(first, "the supplier's invoice was corrected", scene.owner.pk, NOW)
    second = scene.invoice(second, "0.40")
    assert posted(scene) == 0
    scene.approve(second)
    assert posted(scene, dt.datetime(2026, 8, 3, 22, 30, tzinfo=dt.UTC)) == 1
    assert balances(scene) == {str(scene.seller): Decimal("-0.40"), "market": Decimal("0.40")}
    with scope(scene.cluster.pk):
        last = JournalEntry.objects.order_by("number").last()
        assert last is not None
        assert (last.booked_on, last.text) == (AUGUST, "external settlement 2026-06, version 2, invoice FV/6")
        third = correct(second, "a file was missing", scene.owner.pk, NOW)
    scene.approve(scene.invoice(third, "0.40"))
    assert posted(scene) == 0
    assert balances(scene)[str(scene.seller)] == Decimal("-0.40")


def test_a_correcting_version_may_differ_in_the_vat_alone(scene: Scene) -> None:
    first = settled(scene, "purchase", "0.36")
    assert posted(scene) == 1
    with scope(scene.cluster.pk):
        second = correct(first, "the VAT had been left out", scene.owner.pk, NOW)
    scene.approve(scene.invoice(second, "0.36", vat="0.08"))
    assert posted(scene) == 1
    assert balances(scene) == {
        str(scene.seller): Decimal("-0.44"), "market": Decimal("0.36"), "vat_deductible": Decimal("0.08"),
    }  # fmt: skip


def test_versions_that_wait_together_sum_to_the_last(scene: Scene) -> None:
    first = settled(scene, "sale", "0.40")
    with scope(scene.cluster.pk):
        second = correct(first, "other prices", scene.owner.pk, NOW)
    scene.approve(scene.invoice(second, "0.37"))
    assert posted(scene) == 2
    assert balances(scene)[str(scene.buyer)] == Decimal("0.37")


def test_the_database_takes_a_settlement_once_and_only_of_its_cluster(scene: Scene) -> None:
    row = settled(scene, "purchase", "0.36")
    posted(scene)
    other = make_cast("shady-dale").cluster
    with pytest.raises(IntegrityError), scope(scene.cluster.pk):
        JournalEntry.objects.create(
            cluster=scene.cluster, number=9, booked_on=AUGUST, text="again", settlement=row, posted_at=NOW
        )
    with pytest.raises(DatabaseError), scope(scene.cluster.pk, other.pk):
        JournalEntry.objects.create(
            cluster=other, number=1, booked_on=AUGUST, text="foreign", settlement=row, posted_at=NOW
        )


def test_a_reversed_entry_takes_it_from_the_partner(scene: Scene) -> None:
    settled(scene, "purchase", "0.36")
    posted(scene)
    with scope(scene.cluster.pk):
        reverse(JournalEntry.objects.get(), AUGUST, "taken back", NOW)
        post(scene.cluster.pk, AUGUST, "by hand", {("bank", None): Decimal(1), ("partner", scene.seller.pk): -1}, NOW)
    assert balances(scene)[str(scene.seller)] == Decimal("-1.00")
