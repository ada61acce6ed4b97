"""The coordinator's pages of billing and the distributor's: a month from its checklist to a corrected document."""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import Bill, BillingPeriod, DistributorInvoice, Document
from billing.services.closing import compute, continue_closing, start_closing
from billing.services.corrections import preview
from billing.services.statements import bill_period
from contracts.models import ClusterSettings, RetailPrice
from participants.dso_keys import create_dso_key
from participants.models import Membership
from participants.tenancy.scope import scope
from tests.billing.closing import JUNE, OVERRIDES, closing_cast, settle_the_rest
from tests.cast import NOON, Cast, add_app, make_dso_user, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    made = closing_cast()
    settle_the_rest(made)
    with scope(made.cluster.pk):
        RetailPrice.objects.update(energy_pln_kwh=100)
    return made


@pytest.fixture
def desk(cast: Cast) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(cast.coordinator)
    return client


def close(cast: Cast) -> None:
    now = timezone.now()
    compute(cast.cluster, JUNE, now)
    start_closing(cast.cluster, JUNE, now, OVERRIDES)
    assert continue_closing(cast.cluster, JUNE, now)


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return " ".join(answer.content.decode().split())


def test_a_month_is_looked_at_and_closed_with_a_reason(cast: Cast, desk: Client) -> None:
    assert "There is nothing to bill yet" in text(desk, "/admin/periods/")
    compute(cast.cluster, JUNE, timezone.now())
    assert "To be closed next: June 2026" in text(desk, "/admin/periods/")
    page = text(desk, "/admin/periods/2026-06/")
    assert "June 2026: can be closed with a reason for 1 thing" in page
    assert "Not approved for all energy of the month: sale." in page
    assert "No statement stands out" in page and "Grid fee, fixed" in page
    refused = desk.post("/admin/periods/2026-06/", {"what": "close"}, follow=True)
    assert "before this is in order: The external settlement is approved." in refused.content.decode()
    desk.post("/admin/periods/2026-06/", {"what": "close", "reason_external": "by telephone"})
    page = text(desk, "/admin/periods/2026-06/?part=1")
    assert "June 2026: being closed<" in page and "data-live-end" not in page
    assert continue_closing(cast.cluster, JUNE, timezone.now())
    page = text(desk, "/admin/periods/2026-06/?part=1")
    assert "data-live-end" in page and "The external settlement is approved: by telephone" in page
    assert "2 bills, 26.80 PLN to pay in all" in page


def test_documents_are_listed_and_shown_as_issued(
    cast: Cast, desk: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    close(cast)
    with django_assert_max_num_queries(30):
        page = text(desk, "/admin/documents/?month=2026-06")
    assert "3 documents" in page and "FS/2026/00001" in page
    assert "1 document" in text(desk, "/admin/documents/?kind=note&q=P0001")
    assert "No document fits." in text(desk, "/admin/documents/?q=P0009")
    with scope(cast.cluster.pk):
        number = Document.objects.get(number="FS/2026/00002").pk
    page = text(desk, f"/admin/documents/{number}/")
    assert "Grid fee, variable" in page and "0.1848" in page and "Polna 1" in page and "13.54" in page


def test_corrections_are_approved_in_bulk_and_shown_before_and_after(cast: Cast, desk: Client) -> None:
    close(cast)
    assert "All bills say what is settled" in text(desk, "/admin/bill-corrections/")
    with scope(cast.cluster.pk):
        ClusterSettings.objects.update(buyer_fee_pln_kwh=10)
    desk.post("/admin/bill-corrections/", {"what": "compute", "month": "2026-06"})
    page = text(desk, "/admin/bill-corrections/")
    assert "1 bill is to be corrected, +3.68" in page and "invoice FS/2026/00002: increase" in page
    assert "terms, tariff or master data" in page
    (difference,) = preview(cast.cluster, timezone.now())
    none = desk.post("/admin/bill-corrections/", {"what": "issue", "reason": "fee"}, follow=True)
    assert "No difference is chosen." in none.content.decode()
    done = desk.post("/admin/bill-corrections/", {"what": "issue", "key": difference.key, "reason": "fee"}, follow=True)
    assert "1 correction is issued." in done.content.decode()
    with scope(cast.cluster.pk):
        number = Document.objects.get(number="KFS/2026/00001").pk
    page = text(desk, f"/admin/documents/{number}/")
    assert "Lines that change" in page and page.count("Service fee of the coordinator") == 2
    assert "Grid fee, fixed" not in page


def test_the_ledger_balances_and_leads_to_postings(cast: Cast, desk: Client) -> None:
    assert "Nothing is posted yet" in text(desk, "/admin/ledger/")
    close(cast)
    page = text(desk, "/admin/ledger/")
    assert "The books balance" in page and "Distributor" in page
    assert "−21.78" in page
    assert "21.78" in text(desk, "/admin/grid-fees/") and "The ledger says the same." in text(desk, "/admin/grid-fees/")


INVOICE = {"number": "ZD/6", "date": "2026-07-05", "net_pln": "21.78", "vat_pln": "5.01"}


def test_the_distributor_s_invoice_is_noted_compared_and_taken_back(cast: Cast, desk: Client) -> None:
    assert desk.post("/admin/grid-fees/", INVOICE).status_code == 302
    close(cast)
    assert "No invoice of Example Distribution is noted yet" in text(desk, "/admin/grid-fees/")
    wrong = desk.post("/admin/grid-fees/", INVOICE | {"vat_pln": "50.10"}).content.decode()
    assert "The VAT has the sign of the net total" in wrong and 'value="50.10"' in wrong
    assert desk.post("/admin/grid-fees/?month=2026-06", INVOICE).status_code == 302
    page = text(desk, "/admin/grid-fees/")
    assert "Example Distribution invoiced what the statement says" in page and "26.79" in page
    again = desk.post("/admin/grid-fees/", INVOICE).content.decode()
    assert "Invoice ZD/6 is noted already" in again and 'value="ZD/6"' in again
    desk.post("/admin/grid-fees/", INVOICE | {"number": "ZD/6/K", "net_pln": "-1.00", "vat_pln": "-0.23"})
    assert "Example Distribution invoiced −1.00 PLN against the statement" in text(desk, "/admin/grid-fees/")
    ledger = text(desk, "/admin/ledger/")
    assert "The books balance" in ledger and "4.78" in ledger and "−26.56" in ledger
    with scope(cast.cluster.pk):
        pks = list(DistributorInvoice.objects.values_list("pk", flat=True))
    assert desk.post("/admin/grid-fees/", {"undo": "0"}).status_code == 404
    desk.post("/admin/grid-fees/", {"undo": pks[1]})
    page = text(desk, "/admin/grid-fees/")
    assert "invoiced what the statement says" in page and "taken back" in page
    twice = desk.post("/admin/grid-fees/", {"undo": pks[1]}, follow=True).content.decode()
    assert "is taken back already" in twice


def test_invoices_of_the_distributor_are_of_one_cluster_and_noted_by_who_may_book(cast: Cast, desk: Client) -> None:
    close(cast)
    desk.post("/admin/grid-fees/", INVOICE)
    with scope(cast.cluster.pk):
        row = DistributorInvoice.objects.get()
    other = closing_cast("shady-dale")
    settle_the_rest(other)
    close(other)
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(other.coordinator)
    assert "ZD/6" not in text(client, "/admin/grid-fees/")
    assert client.post("/admin/grid-fees/", {"undo": row.pk}).status_code == 404
    auditor = make_user("auditor@example.org")
    add_app(auditor)
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=auditor, role="coordinator", level="read")
    client.force_login(auditor)
    page = text(client, "/admin/grid-fees/")
    assert "ZD/6" in page and "Note the invoice" not in page and "Take it back" not in page
    for data in (INVOICE | {"number": "ZD/7"}, {"undo": row.pk}):
        assert client.post("/admin/grid-fees/", data).status_code == 403


def test_who_only_looks_can_close_and_correct_nothing(cast: Cast) -> None:
    compute(cast.cluster, JUNE, timezone.now())
    auditor = make_user("auditor@example.org")
    add_app(auditor)
    with scope(cast.cluster.pk):
        Membership.objects.create(cluster=cast.cluster, user=auditor, role="coordinator", level="read")
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(auditor)
    assert "Close June 2026" not in text(client, "/admin/periods/2026-06/")
    data = {"what": "close", "reason_external": "x"}
    assert client.post("/admin/periods/2026-06/", data).status_code == 403
    assert client.post("/admin/bill-corrections/", {"what": "issue"}).status_code == 403
    with scope(cast.cluster.pk):
        assert BillingPeriod.objects.get().state == "open" and not Bill.objects.exists()


def test_another_clusters_documents_are_not_found(cast: Cast) -> None:
    close(cast)
    other = closing_cast("shady-dale")
    client = Client()
    client.force_login(other.coordinator)
    with scope(cast.cluster.pk):
        number = Document.objects.order_by("pk")[0].pk
    assert client.get(f"/admin/documents/{number}/").status_code == 404
    assert client.get("/admin/periods/2026-13/").status_code == 404


def test_the_distributor_sees_what_it_is_owed_and_what_it_bills_itself(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        row = ClusterSettings.objects.get()
        row.pk, row.valid_from, row.dso_settlement = None, dt.date(2026, 6, 11), "direct"
        row.save()
    close(cast)
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(make_dso_user(cast.cluster.dso))
    page = text(client, "/dso/statements/")
    assert "June 2026: 7.24 PLN" in page and "2 bills of the distributor, 17.89 PLN with VAT" in page
    with scope(cast.cluster.pk):
        number = Document.objects.get(number="FD/2026/00002").pk
        foreign = Document.objects.get(number="FS/2026/00001").pk
    assert "Grid fee, variable" in text(client, f"/dso/statements/{cast.cluster.slug}/{number}/")
    assert client.get(f"/dso/statements/{cast.cluster.slug}/{foreign}/").status_code == 404
    assert client.get("/dso/statements/?cluster=elsewhere").status_code == 404


def test_a_distributors_machine_fetches_the_same(cast: Cast) -> None:
    close(cast)
    token = create_dso_key(cast.cluster.dso, "billing", None, NOON)[0]
    headers = {"Authorization": f"Bearer {token}"}
    months = Client().get("/api/v1/grid-fees", headers=headers)
    assert months.json() == [{"cluster": "sunny-hill", "months": ["2026-06"]}]
    answer = Client().get("/api/v1/grid-fees/sunny-hill/2026-06", headers=headers).json()
    assert answer["owed_by_coordinator_pln"] == "21.78" and answer["own_bills"] == []
    assert sum(Decimal(line["amount_pln"]) for line in answer["lines"]) == Decimal("21.78")
    assert Client().get("/api/v1/grid-fees/sunny-hill/2026-07", headers=headers).status_code == 404
    assert Client().get("/api/v1/grid-fees").status_code in (401, 403)


def test_a_statement_computed_after_closing_changes_no_document(cast: Cast) -> None:
    close(cast)
    with scope(cast.cluster.pk):
        before = list(Document.objects.order_by("pk").values_list("number", "payable_pln"))
        ClusterSettings.objects.update(buyer_fee_pln_kwh=10)
    assert bill_period(cast.cluster, "2026-06", timezone.now()).replaced == 1
    with scope(cast.cluster.pk):
        assert list(Document.objects.order_by("pk").values_list("number", "payable_pln")) == before
