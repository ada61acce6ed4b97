"""Issued bills: numbered without gaps, frozen, posted; a ledger that the database itself balances."""

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from billing.domain import documents as domain
from billing.domain.documents import DocumentKind, EnergyShare, KeptPromise, Settlement
from billing.domain.errors import BillingError
from billing.domain.ledger import AccountKind, document_postings
from billing.models import Account, Bill, Document, JournalEntry, NumberSeries, Posting
from billing.selectors.bills import bill_content, document_content
from billing.selectors.ledger import journal, statement_of_account, trial_balance
from billing.services.bills import BillDraft, issue
from billing.services.ledger import post, reverse
from participants.tenancy.scope import scope
from tests.billing.bills import FIRST, bill, document, june, line
from tests.cast import NOON, Cast, make_cast

pytestmark = pytest.mark.django_db
DAY = dt.date(2026, 7, 2)


@pytest.fixture
def cast(db: None) -> Iterator[Cast]:
    made = make_cast("ours")
    with scope(made.cluster.pk):
        yield made


def sale(*lines: domain.DocumentLine) -> domain.Document:
    return document(DocumentKind.SALE, "", *(lines or (line(1, "100.01"),)))


def draft(cast: Cast, *documents: domain.Document) -> BillDraft:
    return BillDraft(bill("", *(documents or (sale(),))), cast.buyer, FIRST)


def test_what_is_issued_is_what_is_read(cast: Cast) -> None:
    (original,) = issue(cast.cluster, [draft(cast)], NOON)
    assert original.documents.get().number == "FS/2026/00001"
    contents = [content for content in june()[:2] if all(each.corrects is None for each in content.documents)]
    contents += [
        replace(
            june()[0],
            documents=tuple(
                replace(each, corrects=replace(each.corrects, number="FS/2026/00001", issued_on=DAY))
                if each.corrects else each
                for each in june()[0].documents
            ),
            energy=(EnergyShare("buy", "station", 1200),),
            promises=(KeptPromise("buy", "gross", Decimal("10.100000000"), Decimal("12"), Decimal("0.00")),),
        )
    ]  # fmt: skip
    issue(cast.cluster, [BillDraft(content, cast.buyer, FIRST) for content in contents], NOON)
    found = list(bill_content(Bill.objects.exclude(pk=original.pk).order_by("pk")))
    assert [each.number for content in found for each in content.documents] == [
        "FZ/2026/00001", "FS/2026/00002", "NR/2026/00001", "KFS/2026/00001",
    ]  # fmt: skip
    assert [content.reference for content in found] == ["R/2026/00002", "R/2026/00003"]

    def unnumbered(content: domain.Bill) -> domain.Bill:
        documents = tuple(replace(each, number="") for each in content.documents)
        return replace(content, reference="", documents=documents)

    assert [unnumbered(content) for content in found] == [unnumbered(content) for content in contents]
    assert next(document_content(Document.objects.order_by("pk"))).number == "FS/2026/00001"


def test_every_kind_posts_to_its_accounts_and_sums_to_zero() -> None:
    documents = [each for content in june() for each in content.documents]
    posted = [document_postings(each) for each in documents]
    assert all(sum(each.values()) == 0 for each in posted)
    assert posted[0] == {
        AccountKind.DISTRIBUTOR: Decimal("-100.03"), AccountKind.VAT_DUE: Decimal("-23.01"),
        AccountKind.ASSURANCE: Decimal("1.10"), AccountKind.PARTICIPANT: Decimal("121.94"),
    }  # fmt: skip
    assert posted[1][AccountKind.PARTICIPANT] == Decimal("-20.00")
    assert posted[3][AccountKind.VAT_DEDUCTIBLE] == Decimal("230.00")
    assert posted[4] == {}
    lines = line(1, "10.00", component="local_energy"), line(2, "1.00", component="service_fee")
    energy = document(DocumentKind.SALE, "x", *lines)
    assert document_postings(energy)[AccountKind.MARKET] == Decimal("-10.00")
    strange = document(DocumentKind.SALE, "FS/9", line(1, "1.00"), settlements=(Settlement("luck", Decimal("1.00")),))
    with pytest.raises(BillingError, match="FS/9: no account is known for the settlement 'luck'"):
        document_postings(strange)


def test_documents_and_ledger_agree_and_the_trial_balance_is_zero(cast: Cast) -> None:
    issued = issue(cast.cluster, [draft(cast), draft(cast, sale(line(1, "5.55")))], NOON)
    balances = {str(account.kind): amount for account, amount in trial_balance(cast.cluster.pk)}
    assert sum(balances.values()) == 0
    assert balances["participant"] == sum(each.payable_pln for each in issued) == Decimal("129.84")
    statement = statement_of_account(cast.cluster.pk, cast.buyer.pk)
    assert [(each.document, each.amount_pln, each.balance_pln) for each in statement] == [
        ("FS/2026/00001", Decimal("123.01"), Decimal("123.01")),
        ("FS/2026/00002", Decimal("6.83"), Decimal("129.84")),
    ]
    rows = list(journal(cast.cluster.pk, DAY, DAY + dt.timedelta(days=1)))
    assert sum(row.amount_pln for row in rows) == 0 and {row.entry for row in rows} == {1, 2}
    assert list(journal(cast.cluster.pk, dt.date(2026, 8, 1), dt.date(2026, 9, 1))) == []


def test_a_refused_issue_uses_no_number(cast: Cast) -> None:
    wrong = document(DocumentKind.SALE, "", line(1, "1.00"), settlements=(Settlement("luck", Decimal("1.00")),))
    with pytest.raises(BillingError):
        issue(cast.cluster, [draft(cast), draft(cast, wrong)], NOON)
    assert not Bill.objects.exists() and not NumberSeries.objects.exists()
    (first,) = issue(cast.cluster, [draft(cast)], NOON)
    assert (first.reference, first.documents.get().number) == ("R/2026/00001", "FS/2026/00001")


def test_an_entry_is_taken_back_once(cast: Cast) -> None:
    entry = post(
        cast.cluster.pk, DAY, "paid",
        {(AccountKind.BANK, None): Decimal("5.00"), (AccountKind.PARTICIPANT, cast.buyer.pk): Decimal("-5.00")}, NOON,
    )  # fmt: skip
    reverse(entry, DAY, "mistake", NOON)
    assert all(amount == 0 for _, amount in trial_balance(cast.cluster.pk))
    with pytest.raises(BillingError, match="taken back already"):
        reverse(entry, DAY, "again", NOON)


@pytest.mark.parametrize("amounts", [{}, {(AccountKind.BANK, None): Decimal("0.01")}])
def test_what_does_not_balance_is_not_posted(cast: Cast, amounts: dict[tuple[AccountKind, None], Decimal]) -> None:
    with pytest.raises(BillingError, match="can't be posted"):
        post(cast.cluster.pk, DAY, "x", {**amounts}, NOON)


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_an_entry_that_does_not_balance() -> None:
    cast = make_cast("ours")

    def unbalanced() -> None:
        with scope(cast.cluster.pk):
            entry = JournalEntry.objects.create(cluster=cast.cluster, number=1, booked_on=DAY, text="x", posted_at=NOON)
            account = Account.objects.create(cluster=cast.cluster, kind="bank")
            Posting.objects.create(cluster=cast.cluster, entry=entry, account=account, amount_pln=1)

    with pytest.raises(IntegrityError, match=r"does not balance: 1\.00 PLN remain"):
        unbalanced()
    with scope(cast.cluster.pk):
        assert not JournalEntry.objects.exists()
        issue(cast.cluster, [draft(cast)], NOON)
    with pytest.raises(IntegrityError, match="nothing is added to it"), scope(cast.cluster.pk):
        account = Account.objects.create(cluster=cast.cluster, kind="rounding")
        Posting.objects.create(cluster=cast.cluster, entry=JournalEntry.objects.get(), account=account, amount_pln=1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["documentline", "document", "posting"])
def test_nothing_is_added_to_what_is_issued_or_posted(table: str) -> None:
    cast = make_cast("ours")
    with scope(cast.cluster.pk):
        issue(cast.cluster, [draft(cast)], NOON)
    with pytest.raises(IntegrityError, match="is issued: nothing is added to it"), scope(cast.cluster.pk):
        if table == "documentline":
            row = Document.objects.get().lines.get()
            row.pk, row.position = None, 2
        elif table == "document":
            row = Document.objects.get()
            row.pk, row.position, row.number = None, 2, "FS/2026/00002"
        else:
            account = Account.objects.create(cluster=cast.cluster, kind="rounding")
            row = Posting(cluster=cast.cluster, entry=JournalEntry.objects.get(), account=account, amount_pln=1)
        row.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_an_entry_without_postings_and_a_document_with_another_sum_are_refused() -> None:
    cast = make_cast("ours")
    with pytest.raises(IntegrityError, match="has no postings"), scope(cast.cluster.pk):
        JournalEntry.objects.create(cluster=cast.cluster, number=1, booked_on=DAY, text="x", posted_at=NOON)
    with pytest.raises(IntegrityError, match=r"its lines sum to 100\.01, its net is 100\.02"), scope(cast.cluster.pk):
        (made,) = issue(cast.cluster, [draft(cast)], NOON)
        Document.objects.create(
            cluster=cast.cluster, bill=made, position=2, kind="sale", number="FS/2026/00002", issued_on=DAY,
            first=FIRST, end=DAY, seller={}, buyer={}, net_pln=Decimal("100.02"), vat_pln=0,
            payable_pln=Decimal("100.02"),
        ).lines.create(
            cluster=cast.cluster, position=1, component="x", first=FIRST, end=DAY, quantity=1, unit="kWh",
            net_pln=Decimal("100.01"),
        )  # fmt: skip


@pytest.mark.parametrize("table", ["bill", "document", "documentline", "journalentry", "posting", "account"])
@pytest.mark.parametrize("statement", ["UPDATE billing_{} SET cluster_id = cluster_id", "DELETE FROM billing_{}"])
def test_nothing_issued_or_posted_is_changed_or_deleted(cast: Cast, table: str, statement: str) -> None:
    issue(cast.cluster, [draft(cast)], NOON)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


@pytest.mark.django_db(transaction=True)
def test_numbers_given_at_once_are_neither_equal_nor_have_gaps() -> None:
    cast = make_cast("ours")
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        for _ in range(4):
            with scope(cast.cluster.pk):
                issue(cast.cluster, [draft(cast), draft(cast)], NOON)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with scope(cast.cluster.pk):
        numbers = sorted(Document.objects.values_list("number", flat=True))
        entries = sorted(JournalEntry.objects.values_list("number", flat=True))
    assert numbers == [f"FS/2026/{each:05}" for each in range(1, 25)]
    assert entries == list(range(1, 25))
