"""The ledger on its pages: the coordinator's books, in pages, and a member's own statement of account."""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import Account, Bill, BillingPeriod
from billing.selectors.late import late_interest, overdue
from billing.services.closing import compute, continue_closing, start_closing
from billing.services.ledger import post
from cluster_platform.billing_desk import ledger
from participants.models import Membership
from participants.tenancy.scope import scope
from tests.billing.closing import JUNE, OVERRIDES, add_members, closing_cast, settle_the_rest
from tests.cast import NOON, Cast, make_user
from tests.pages.scenes import signed_in, text_of

pytestmark = pytest.mark.django_db
PAID = dt.date(2026, 7, 10)


@pytest.fixture
def cast() -> Cast:
    """June is closed, and the member has paid 5.00 PLN of it."""
    made = closing_cast()
    settle_the_rest(made)
    return made


def close(cast: Cast) -> None:
    now = timezone.now()
    compute(cast.cluster, JUNE, now)
    start_closing(cast.cluster, JUNE, now, OVERRIDES)
    assert continue_closing(cast.cluster, JUNE, now)


def pay(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        amounts = {("participant", cast.seller.pk): Decimal("-5.00"), ("bank", None): Decimal("5.00")}
        post(cast.cluster.pk, PAID, "bank transfer 7", amounts, NOON)  # type: ignore[arg-type]


def test_the_trial_balance_pages_its_participants_and_finds_one(
    cast: Cast, django_assert_max_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_members(cast, 12)
    close(cast)
    monkeypatch.setattr(ledger, "A_PAGE", 5)
    desk = signed_in(cast.coordinator)
    desk.get("/admin/ledger/")
    with django_assert_max_num_queries(26):
        text = text_of(desk.get("/admin/ledger/"))
    assert "The books balance" in text and "Page 1 of 3" in text and "Q00001" in text and "Q00012" not in text
    assert "Q00012" in text_of(desk.get("/admin/ledger/?p=3"))
    found = text_of(desk.get("/admin/ledger/?q=q00012"))
    assert "Q00012" in found and "Q00001" not in found and "The books balance" in found
    assert "No participant fits." in text_of(desk.get("/admin/ledger/?q=nobody"))


def test_postings_of_an_account_are_told_in_the_reader_s_language(cast: Cast) -> None:
    close(cast)
    with scope(cast.cluster.pk):
        post(cast.cluster.pk, PAID, "rounding 2026-06", {("rounding", None): 1, ("excise", None): -1}, NOON)  # type: ignore[dict-item]
        number = Account.objects.get(kind="rounding").pk
    assert "zaokrąglenia 2026-06" in text_of(signed_in(cast.coordinator, "pl").get(f"/admin/ledger/{number}/"))
    assert "Konto" in text_of(signed_in(cast.coordinator, "pl").get("/admin/ledger/"))


def test_a_member_reads_what_was_billed_and_paid(cast: Cast) -> None:
    assert "Nothing has been billed or paid yet." in text_of(signed_in(cast.owner).get("/bills/account/"))
    close(cast)
    pay(cast)
    client = signed_in(cast.owner)
    assert "Statement of account" in text_of(client.get("/bills/"))
    text = text_of(client.get("/bills/account/"))
    # 13.36 billed, 0.10 for what was sold, 5.00 paid.
    assert "8.26 PLN you owe" in text
    assert "FS/2026/00001" in text and "+13.36" in text and "NR/2026/00001" in text and "−0.10" in text
    assert "Bank transfer 7" in text and "−5.00" in text
    assert "FS/2026/00002" not in text
    with scope(cast.cluster.pk):
        bill = Bill.objects.get(participant=cast.seller).pk
    assert f"/bills/{bill}/" in client.get("/bills/account/").content.decode()


def test_only_who_may_read_a_member_s_bills_reads_the_account(cast: Cast) -> None:
    close(cast)
    pay(cast)
    reader = make_user("reader@example.org")
    with scope(cast.cluster.pk):
        Membership.objects.create(
            cluster=cast.cluster, user=reader, role="member", level="read", participant=cast.seller
        )
    assert "8.26 PLN" in text_of(signed_in(reader).get("/bills/account/"))
    assert "8.26" not in text_of(signed_in(cast.colleague).get("/bills/account/"))
    elsewhere = closing_cast("shady-dale")
    assert "8.26" not in text_of(signed_in(elsewhere.owner).get("/bills/account/"))
    assert Client().get("/bills/account/").status_code == 302
    assert signed_in(cast.owner).post("/bills/account/").status_code == 405
    nobody = signed_in(make_user("nobody@example.org")).get("/bills/account/")
    assert nobody.status_code in (302, 403) or "8.26" not in nobody.content.decode()
    member_of_no_books = signed_in(cast.owner).get("/admin/ledger/")
    assert member_of_no_books.status_code in (302, 403)


def test_what_was_paid_in_time_is_not_even_read_as_late(cast: Cast) -> None:
    close(cast)
    with scope(cast.cluster.pk):
        due = BillingPeriod.objects.get().due_on
        assert due is not None
        later = due + dt.timedelta(days=30)
        assert {each.standing.bill.participant.pk for each in overdue(cast.cluster, later)} == {
            cast.seller.pk, cast.buyer.pk,
        }  # fmt: skip
        assert overdue(cast.cluster, due) == [] == late_interest(cast.cluster, due)
