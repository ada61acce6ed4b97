"""Pages about money that moves: what coordinator and accountant can do, and that nobody else can."""

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from billing.domain.documents import DocumentKind
from billing.models import InterestDecision, PaymentMatch, PayoutBatch, Posting, ReminderPause, ReminderTerms
from billing.papers import archive
from billing.services.bills import BillDraft, issue
from billing.services.interest_rates import load_interest_rates
from billing.services.payments import match_payments
from cluster_platform.payments import overdue, payouts
from participants.models import Membership, Participant
from participants.tenancy.scope import scope
from tests.billing.bills import FIRST, document, line
from tests.billing.bills import bill as made_up
from tests.billing.settling import NOW, add_bill, transfer
from tests.cast import Cast, make_cast, make_user
from tests.contracts.outside import make_partner

pytestmark = pytest.mark.django_db
ANNA = "PL14999999990000000000000001"


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast("ours")


def signed_in(user: Any, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language})
    client.force_login(user)
    return client


def colleague_of(cast: Cast, level: str) -> Client:
    user = make_user(f"{level}@example.org", with_app=True)
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=user, role="coordinator", level=level)
    return signed_in(user)


def text_of(response: Any) -> str:
    assert response.status_code == 200, response.status_code
    return " ".join(response.content.decode().split())


def test_the_queue_says_what_waits_and_the_accountant_books_it(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        bill = add_bill(cast, cast.buyer, "100.00")
        row = transfer(cast, "100.00", "prąd")
    accountant = colleague_of(cast, "accounts")
    page = text_of(accountant.get(reverse("admin:payments")))
    assert "1 transfer waits for you" in page and bill.reference in page and "the account is not known" in page
    address = reverse("admin:payment", args=[row.pk])
    assert f'value="{bill.pk}"' in text_of(accountant.get(address))
    page = text_of(accountant.post(address, {"bill": [bill.pk], "match": "1"}, follow=True))
    assert "It is booked." in page and bill.reference in page
    page = text_of(accountant.post(address, {"undo": "1", "reason": "wrong one"}, follow=True))
    assert "It waits for you" in page and "wrong one" in page and "What it paid" not in page
    assert "Say why the transfer is set aside" in text_of(accountant.post(address, {"aside": "1"}, follow=True))
    page = text_of(accountant.post(address, {"aside": "1", "reason": "loan"}, follow=True))
    assert "loan" in page
    assert "No transfer waits" in text_of(accountant.get(reverse("admin:payments")))


def test_a_transfer_to_the_distributor_is_booked_on_its_account(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        row = transfer(cast, "-123.00", "FV 7/2026")
        partner = make_partner(cast.cluster)
    accountant = colleague_of(cast, "accounts")
    address = reverse("admin:payment", args=[row.pk])
    page = text_of(accountant.get(address))
    assert (
        "Example Distribution (distributor)" in page and "Example Trade (external seller)" in page and "VAT due" in page
    )
    for wrong in ("", "bank", "partner-0", "partner"):
        page = text_of(accountant.post(address, {"outside": "1", "account": wrong}, follow=True))
        assert "Choose the account on which the transfer is booked" in page and "It waits for you" in page
    page = text_of(accountant.post(address, {"outside": "1", "account": "distributor"}, follow=True))
    assert "It is booked." in page and "by hand: <a href=" in page
    page = text_of(accountant.post(address, {"undo": "1", "reason": "the seller's"}, follow=True))
    assert "It waits for you" in page
    page = text_of(accountant.post(address, {"outside": "1", "account": f"partner-{partner.pk}"}, follow=True))
    assert "Example Trade</a>" in page
    assert "Example Trade" in text_of(accountant.get(reverse("admin:ledger")))


def test_bills_are_searched_by_participant_and_number(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        bill, other = add_bill(cast, cast.buyer, "100.00"), add_bill(cast, cast.seller, "70.00")
        row = transfer(cast, "40.00", "prąd")
    client = signed_in(cast.coordinator)
    address = reverse("admin:payment", args=[row.pk])
    page = text_of(client.get(address, {"q": cast.buyer.code}))
    assert bill.reference in page and other.reference not in page
    page = text_of(client.get(address, {"q": other.reference.lower()}))
    assert other.reference in page and bill.reference not in page
    # One transfer for bills of two participants.
    page = text_of(client.get(address, {"q": f"{cast.buyer.code} , {other.reference},"}))
    assert other.reference in page and bill.reference in page
    assert "No open bill fits" in text_of(client.get(address, {"q": ","}))
    # Nothing but credit of a participant.
    client.post(f"{address}?q={cast.buyer.code}", {"match": "1", "credit_of": cast.buyer.pk})
    assert "Credit" in text_of(client.get(reverse("admin:payments")))


def test_a_payout_from_approval_to_the_file_and_paid(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        cast.seller.iban = ANNA
        cast.seller.save()
        bill, without = add_bill(cast, cast.seller, "-80.10"), add_bill(cast, cast.buyer, "-5.00")
    client = signed_in(cast.coordinator)
    address = reverse("admin:payouts")
    page = text_of(client.get(address))
    assert "85.10" in page and "no bank account" in page and without.reference in page
    ticked = {"approve": "1", "bill": [bill.pk, without.pk]}
    assert "1 payout is approved." in text_of(client.post(address, ticked, follow=True))
    assert "Give a day." in text_of(client.post(address, {"file": "1", "day": "soon"}, follow=True))
    page = text_of(client.post(address, {"file": "1", "day": "2026-12-01"}, follow=True))
    assert "File 1 is ready" in page and "0 / 1" in page
    download = client.get(reverse("admin:payout_file", args=[1]))
    with scope(cast.cluster.pk):
        assert download.content == bytes(PayoutBatch.objects.get().content)
        made = PayoutBatch.objects.get().at.date()
    assert b"pain.001.001.09" in download.content and "attachment" in download["Content-Disposition"]
    page = text_of(client.post(address, {"paid": "1", "day": f"{made:%Y-%m-%d}"}, follow=True))
    assert "1 transfer is booked." in page and "1 / 1" in page
    assert "No payout is approved" in text_of(client.post(address, {"file": "1", "day": "2026-12-01"}, follow=True))


def test_late_bills_their_interest_and_reminders(cast: Cast) -> None:
    load_interest_rates()
    with scope(cast.cluster.pk):
        bill = add_bill(cast, cast.buyer, "1000.00")
        other = add_bill(cast, cast.buyer, "500.00")
        ReminderTerms.objects.create(cluster=cast.cluster, valid_from=dt.date(2026, 1, 1))
    client = signed_in(cast.coordinator)
    address = reverse("admin:late")
    page = text_of(client.get(address))
    assert "2 bills are overdue, 1,500.00 PLN" in page and "5, 14 and 30 days after" in page
    assert "Say why" in text_of(client.post(address, {"waive": "1", "bill": [bill.pk]}, follow=True))
    client.post(address, {"waive": "1", "bill": [bill.pk], "reason": "our mistake"})
    page = text_of(client.post(address, {"charge": "1", "bill": [bill.pk, other.pk]}, follow=True))
    assert "1 bill of interest is issued." in page and "our mistake" in page and "NO/" in page
    assert "No interest has accrued" in page
    page = text_of(client.post(address, {"pause": bill.pk, "reason": "pays in parts"}, follow=True))
    assert "pays in parts" in page
    assert "write by post" not in page
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.buyer.pk).update(email="")
        Membership.objects.filter(participant=cast.buyer.pk).update(level="read")
    client.post(address, {"resume": bill.pk, "reason": "paid in parts"})
    assert "no e-mail address: write by post" in text_of(client.get(address))
    page = text_of(client.get(reverse("admin:account", args=[cast.buyer.pk])))
    assert "overdue" in page and "Owes 1,5" in page


def downloaded(client: Client, period: str, name: str) -> bytes:
    return b"".join(client.get(reverse("admin:export_file", args=[period, name])).streaming_content)  # type: ignore[attr-defined]


def test_exports_are_offered_by_month_and_downloaded(cast: Cast, tmp_path: Path) -> None:
    client = signed_in(cast.coordinator)
    assert "Nothing to export yet" in text_of(client.get(reverse("admin:exports")))
    with pytest.raises(CommandError, match="close the month first"):
        call_command("export_accounts", "ours", "2026-06", "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    with scope(cast.cluster.pk):
        bill = add_bill(cast, cast.buyer, "100.00")
        transfer(cast, "100.00", bill.reference)
        match_payments(cast.cluster, NOW)
    page = text_of(client.get(reverse("admin:exports"), {"month": "2026-06"}))
    assert "documents.csv" in page
    assert "Documents about this month: 1 · issued in it: 0 · journal entries: 0" in page
    page = text_of(client.get(reverse("admin:exports")))
    assert "July 2026" in page and "Documents about this month: 0 · issued in it: 1 · journal entries: 2" in page
    assert b"FS/2026/00001" in downloaded(client, "2026-06", "documents.csv")
    # What was issued and booked in July stands in July's register and journal.
    assert b"FS/2026/00001" not in downloaded(client, "2026-06", "vat_sales.csv")
    assert b"FS/2026/00001" in downloaded(client, "2026-07", "vat_sales.csv")
    assert b"LiczbaWierszySprzedazy,1" in downloaded(client, "2026-07", "vat_totals.csv")
    assert downloaded(client, "2026-07", "journal.csv").count(b"\n") == 1 + 4
    assert is_zipfile(io.BytesIO(downloaded(client, "2026-06", "accounts.xlsx")))
    for wrong in (("2026-05", "lines.csv"), ("2026-06", "secrets.csv"), ("x", "lines.csv")):
        assert client.get(reverse("admin:export_file", args=wrong)).status_code == 404
    call_command("export_accounts", "ours", "2026-06", "--out", str(tmp_path / "out"), stdout=io.StringIO())
    assert (tmp_path / "out" / "documents.csv").read_bytes() == downloaded(client, "2026-06", "documents.csv")
    assert len(list((tmp_path / "out").iterdir())) == 9


def test_the_zip_has_the_bills_as_they_were_sent(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "READ_AT_ONCE", 2)
    with scope(cast.cluster.pk):
        bills = [add_bill(cast, cast.buyer, "100.00") for _ in range(3)]
        add_bill(cast, cast.buyer, "7.00", by_distributor=True)
    client = signed_in(cast.coordinator)
    address = reverse("admin:export_file", args=["2026-06", "documents.zip"])
    # As long as one lacks, none goes out: an accountant would take the file for complete.
    page = text_of(client.get(reverse("admin:exports"), {"month": "2026-06"}))
    assert "3 are not made yet" in page and address not in page
    assert "says what they wait for" in text_of(client.get(address, follow=True))
    call_command("export_accounts", "ours", "2026-06", "--out", str(tmp_path / "out"), stdout=io.StringIO())
    assert address in text_of(client.get(reverse("admin:exports"), {"month": "2026-06"}))
    content = downloaded(client, "2026-06", "documents.zip")
    assert content == (tmp_path / "out" / "documents.zip").read_bytes()
    with scope(cast.cluster.pk):
        stored = {bill.reference.replace("/", "-") + ".pdf": bytes(bill.papers.get().pdf) for bill in bills}
    with ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == stored


def test_a_file_that_cant_be_made_says_why(cast: Cast) -> None:
    rare = document(DocumentKind.SALE, "", line(1, "10.00", vat_rate=Decimal("0.11")))
    with scope(cast.cluster.pk):
        issue(cast.cluster, [BillDraft(made_up("", rare), cast.buyer, FIRST)], NOW)
    client = signed_in(cast.coordinator)
    page = text_of(client.get(reverse("admin:export_file", args=["2026-07", "vat_sales.csv"]), follow=True))
    assert "FS/2026/00001: the register has no place for a VAT rate of 0.11" in page


def test_read_only_looks_and_changes_nothing(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        cast.seller.iban = ANNA
        cast.seller.save()
        bill, owed = add_bill(cast, cast.buyer, "100.00"), add_bill(cast, cast.seller, "-50.00")
        row = transfer(cast, "100.00", "prąd")
        before = Posting.objects.count()
    auditor = colleague_of(cast, "read")
    posts = {
        reverse("admin:payments"): {}, reverse("admin:payment", args=[row.pk]): {"bill": bill.pk, "match": "1"},
        reverse("admin:payouts"): {"approve": "1", "bill": owed.pk},
        reverse("admin:late"): {"pause": bill.pk, "reason": "x"},
    }  # fmt: skip
    for address, data in posts.items():
        assert auditor.get(address).status_code == 200
        assert auditor.post(address, data).status_code == 403
        content = auditor.get(address).content.decode().partition('id="content-main"')[2]
        assert 'method="post"' not in content
    for name in ("lines.csv", "documents.zip"):
        assert auditor.get(reverse("admin:export_file", args=["2026-06", name])).status_code == 403
    with scope(cast.cluster.pk):
        assert Posting.objects.count() == before
        assert not PaymentMatch.objects.exists() and not ReminderPause.objects.exists()
        assert not InterestDecision.objects.exists()


def test_another_clusters_rows_do_not_exist(cast: Cast) -> None:
    theirs = make_cast("theirs", dso_name="Other")
    with scope(theirs.cluster.pk):
        foreign = add_bill(theirs, theirs.buyer, "100.00")
        their_row = transfer(theirs, "100.00", "prąd")
    with scope(cast.cluster.pk):
        row = transfer(cast, "100.00", "prąd")
    client = signed_in(cast.coordinator)
    assert client.get(reverse("admin:payment", args=[their_row.pk])).status_code == 404
    assert client.get(reverse("admin:account", args=[theirs.buyer.pk])).status_code == 404
    page = client.post(reverse("admin:payment", args=[row.pk]), {"bill": foreign.pk, "match": "1"}, follow=True)
    assert "A chosen bill does not exist" in text_of(page)
    credit = {"match": "1", "credit_of": theirs.buyer.pk}
    assert client.post(reverse("admin:payment", args=[row.pk]), credit).status_code == 404
    assert client.post(reverse("admin:late"), {"pause": foreign.pk, "reason": "x"}).status_code == 404


def test_pages_need_no_query_per_row(cast: Cast, django_assert_max_num_queries: Any) -> None:
    load_interest_rates()
    with scope(cast.cluster.pk):
        for number in range(12):
            add_bill(cast, cast.buyer, f"{100 + number}.00")
            add_bill(cast, cast.seller, f"-{100 + number}.00")
            transfer(cast, f"{100 + number}.00", "prąd")
    client = signed_in(cast.coordinator)
    for name in ("payments", "payouts", "late", "exports"):
        with django_assert_max_num_queries(40):
            assert client.get(reverse(f"admin:{name}")).status_code == 200


def test_in_polish(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        add_bill(cast, cast.buyer, "100.00")
        transfer(cast, "100.00", "prąd")
    client = signed_in(cast.coordinator, "pl")
    assert "1 przelew czeka" in text_of(client.get(reverse("admin:payments")))


def test_lists_of_thousands_come_by_the_page(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payouts, "A_PAGE", 2)
    monkeypatch.setattr(overdue, "A_PAGE", 2)
    with scope(cast.cluster.pk):
        cast.seller.iban = ANNA
        cast.seller.save()
        owed = [add_bill(cast, cast.seller, "-10.00") for _ in range(3)]
        without = add_bill(cast, cast.buyer, "-5.00")
        asked = [add_bill(cast, cast.buyer, "100.00") for _ in range(3)]
    client = signed_in(cast.coordinator)
    address = reverse("admin:payouts")
    page = text_of(client.get(address))
    assert "35.00 PLN are owed" in page and "1 can't be paid out" in page
    assert without.reference in page and owed[0].reference in page and owed[1].reference not in page
    assert owed[2].reference in text_of(client.get(address, {"p": 2}))
    assert "3 payouts are approved." in text_of(client.post(address, {"approve": "all"}, follow=True))
    page = text_of(client.get(reverse("admin:late")))
    assert "3 bills are overdue, 300.00 PLN" in page and "Page 1 of 2" in page and asked[2].reference not in page
    assert asked[2].reference in text_of(client.get(reverse("admin:late"), {"p": 2}))
