"""Invoices go to KSeF once, whatever happens on the way; its numbers and receipts are kept for good."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError
from django.urls import reverse

from billing.account_export import account_sources
from billing.domain.documents import DocumentKind, Reference
from billing.models import BillingTerms, Document, EInvoice
from billing.selectors.bills import document_content
from billing.services import einvoices
from billing.services.einvoices import look_after, send_again
from participants.models import Membership, User
from participants.tenancy.scope import scope
from tests.billing.bills import FIRST, PRODUCER, document, line
from tests.billing.ksef_scene import Clock, issue_one, make_billed_cast, only, run
from tests.billing.ksef_standin import TOKEN, StandIn
from tests.cast import NOON, Cast, make_cast
from tests.pages.scenes import signed_in

pytestmark = pytest.mark.django_db
State = EInvoice.State


@pytest.fixture
def cast() -> Cast:
    return make_billed_cast()


def standing(cast: Cast) -> list[tuple[str, str]]:
    with scope(cast.cluster.pk):
        return list(EInvoice.objects.order_by("pk").values_list("document__number", "state"))


def test_sale_and_self_billing_get_numbers_and_receipts_and_notes_stay_out(cast: Cast, ksef: StandIn) -> None:
    run(cast)
    assert standing(cast) == [("FS/2026/00001", "accepted"), ("FZ/2026/00001", "accepted")]
    for row in (only(cast, "FS/2026/00001"), only(cast, "FZ/2026/00001")):
        assert row.ksef_number and bytes(row.receipt or b"").startswith(b"<Potwierdzenie>")
        assert row.ksef_number.encode() in bytes(row.receipt or b"")
    assert {bytes(only(cast, "FS/2026/00001").xml or b"")} < {each.xml for each in ksef.invoices}
    assert [session.closed for session in ksef.sessions.values()] == [True]


def test_a_second_pass_sends_nothing_and_asks_nothing(cast: Cast, ksef: StandIn) -> None:
    run(cast)
    before = len(ksef.requests)
    run(cast, dt.timedelta(days=1))
    assert len(ksef.invoices) == 2 and len(ksef.requests) == before


def test_nothing_goes_without_terms_that_say_so(cast: Cast, ksef: StandIn) -> None:
    with scope(cast.cluster.pk):
        BillingTerms.objects.create(cluster=cast.cluster, valid_from=dt.date(2026, 6, 2), to_ksef=False)
    run(cast)
    assert standing(cast) == [] and ksef.requests == []


def test_a_cluster_without_terms_sends_nothing(cast: Cast, ksef: StandIn, settings: Any) -> None:
    others = make_cast("theirs")
    settings.KSEF_TOKENS = {"theirs": TOKEN}
    look_after(others.cluster, Clock())
    assert ksef.requests == []


def test_nothing_goes_without_a_connection_and_all_of_it_with_one(cast: Cast, ksef: StandIn, settings: Any) -> None:
    settings.KSEF_TOKENS = {}
    run(cast)
    assert ksef.requests == []
    settings.KSEF_TOKENS = {"ours": TOKEN}
    run(cast)
    assert {state for _, state in standing(cast)} == {"accepted"}


def test_a_wrong_token_is_told_and_tried_again_later(cast: Cast, ksef: StandIn, settings: Any) -> None:
    settings.KSEF_TOKENS = {"ours": "wrong"}
    run(cast)
    row = only(cast, "FS/2026/00001")
    assert row.state == "queued" and "450" in row.reason and "wrong" not in row.reason
    settings.KSEF_TOKENS = {"ours": TOKEN}
    run(cast)
    assert ksef.invoices == []
    run(cast, dt.timedelta(hours=1))
    assert {state for _, state in standing(cast)} == {"accepted"}


def test_an_outage_loses_nothing_and_is_asked_ever_less_often(cast: Cast, ksef: StandIn) -> None:
    ksef.down = True
    run(cast)
    first = only(cast, "FS/2026/00001")
    assert first.state == "queued" and "503" in first.reason
    run(cast, dt.timedelta(minutes=6))
    second = only(cast, "FS/2026/00001")
    assert second.attempts == 2 and second.not_before - second.changed_at > first.not_before - first.changed_at
    ksef.down = False
    run(cast, dt.timedelta(days=1))
    assert {state for _, state in standing(cast)} == {"accepted"}


def test_ksef_takes_its_time(cast: Cast, ksef: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(einvoices, "WAIT_SECONDS", 0.0)
    ksef.slow_polls = 2
    run(cast)
    assert {state for _, state in standing(cast)} == {"sent"}
    run(cast)
    run(cast)
    assert {state for _, state in standing(cast)} == {"accepted"} and len(ksef.invoices) == 2


def test_what_was_taken_without_an_answer_is_found_and_not_sent_again(cast: Cast, ksef: StandIn) -> None:
    ksef.answers = [0]
    run(cast)
    assert standing(cast)[0] == ("FS/2026/00001", "sending")
    run(cast, dt.timedelta(hours=1))
    assert {state for _, state in standing(cast)} == {"accepted"}
    assert [each.number for each in ksef.invoices] == ["FS/2026/00001", "FZ/2026/00001"]


def test_a_worker_killed_before_it_sent_sends_it_once(
    cast: Cast, ksef: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = einvoices.Ksef.send

    def killed(*_: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(einvoices.Ksef, "send", killed)
    with pytest.raises(KeyboardInterrupt):
        run(cast)
    assert standing(cast)[0] == ("FS/2026/00001", "sending")
    monkeypatch.setattr(einvoices.Ksef, "send", real)
    run(cast)
    assert {state for _, state in standing(cast)} == {"accepted"} and len(ksef.invoices) == 2


def test_a_duplicate_has_the_number_of_the_first(cast: Cast, ksef: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer never came, and the session did not tell of it yet when it was asked."""
    ksef.answers = [0]
    run(cast)
    monkeypatch.setattr(einvoices.Ksef, "outcomes", lambda *_: iter(()))
    run(cast, dt.timedelta(hours=1))
    monkeypatch.undo()
    run(cast, dt.timedelta(hours=2))
    assert [each.number for each in ksef.invoices].count("FS/2026/00001") == 2
    row = only(cast, "FS/2026/00001")
    assert (row.state, row.ksef_number, row.session) == ("accepted", ksef.invoices[0].ksef_number, "S-1")
    assert row.ksef_number.encode() in bytes(row.receipt or b"")


def test_what_ksef_has_under_the_number_with_other_bytes_is_not_ours(
    cast: Cast, ksef: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    ksef.answers = [0]
    run(cast)
    ksef.invoices[0].xml += b"<!-- of another system -->"
    run(cast, dt.timedelta(hours=1))
    row = only(cast, "FS/2026/00001")
    assert (row.state, row.ksef_number) == ("refused", "")
    assert row.reason == f"440 KSeF has another invoice with this number: {ksef.invoices[0].ksef_number}"


def test_what_may_have_been_sent_goes_again_with_the_same_bytes(cast: Cast, ksef: StandIn) -> None:
    ksef.answers = [503]
    run(cast)
    before = only(cast, "FS/2026/00001")
    assert before.state == "sending" and before.xml is not None
    run(cast, dt.timedelta(hours=1))
    after = only(cast, "FS/2026/00001")
    assert after.state == "accepted" and bytes(after.xml or b"") == bytes(before.xml)


def test_what_ksef_failed_at_goes_again_by_itself(cast: Cast, ksef: StandIn) -> None:
    ksef.failed_numbers = {"FS/2026/00001"}
    run(cast)
    row = only(cast, "FS/2026/00001")
    assert row.state == "queued" and row.reason == "550 Operacja została anulowana przez system"
    assert row.not_before > NOON + dt.timedelta(minutes=5)
    run(cast, dt.timedelta(hours=1))
    assert {state for _, state in standing(cast)} == {"accepted"}


def test_what_is_kept_outside_holds_up_no_correction_and_is_marked_in_the_register(cast: Cast, ksef: StandIn) -> None:
    ksef.refused_numbers = {"FS/2026/00001"}
    (number,) = issue_one(
        cast,
        document(
            DocumentKind.SALE, "", line(1, "2.00", before=True), line(1, "1.00"),
            corrects=Reference("FS/2026/00001", dt.date(2026, 7, 2)), reason="Odczyt poprawiony",
        ),
    )  # fmt: skip
    run(cast)

    def markers() -> list[tuple[Any, Any]]:
        with scope(cast.cluster.pk):
            sources = account_sources(cast.cluster.pk, dt.date(2026, 7, 1))
            (table,) = [each for each in sources.tables() if each.name == "vat_sales"]
            found = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        return [(row["NrKSeF"], row["BFK"]) for row in found]

    assert markers() == [("", ""), ("", "")], "on their way: neither outside nor with a number"
    client = signed_in(cast.coordinator)
    address = reverse("admin:billing_einvoice_changelist")
    assert "queued: waits for the number of FS/2026/00001" in client.get(address).content.decode()
    row = only(cast, "FS/2026/00001")
    page = client.post(address, {"action": "keep_selected", "_selected_action": [row.pk]}, follow=True)
    assert "1 e-invoice stays outside KSeF." in page.content.decode()
    run(cast, dt.timedelta(hours=1))
    correction = only(cast, number)
    assert correction.state == "accepted" and b"<NrKSeFN>1</NrKSeFN>" in bytes(correction.xml or b"")
    assert markers() == [("", "1"), (correction.ksef_number, "")]
    shown = client.get(reverse("admin:document", args=[correction.document_id])).content.decode()
    assert correction.ksef_number in shown
    assert "kept outside KSeF" in client.get(reverse("admin:document", args=[row.document_id])).content.decode()


def test_a_refusal_is_final_until_somebody_sends_it_again(cast: Cast, ksef: StandIn) -> None:
    ksef.refused_numbers = {"FS/2026/00001"}
    run(cast)
    row = only(cast, "FS/2026/00001")
    assert row.state == "refused" and row.reason == "410 Nieprawidłowy zakres uprawnień"
    run(cast, dt.timedelta(days=1))
    assert [each.number for each in ksef.invoices].count("FS/2026/00001") == 1
    ksef.refused_numbers = set()
    with scope(cast.cluster.pk):
        assert send_again(cast.cluster, EInvoice.objects.all(), cast.coordinator, NOON) == 1
    run(cast)
    assert {state for _, state in standing(cast)} == {"accepted"}


def test_a_request_that_is_refused_holds_up_no_other(cast: Cast, ksef: StandIn) -> None:
    ksef.answers = [400]
    run(cast)
    assert standing(cast) == [("FS/2026/00001", "refused"), ("FZ/2026/00001", "accepted")]


def test_what_can_t_be_made_says_whose_fault_it_is(cast: Cast, ksef: StandIn) -> None:
    (number,) = issue_one(
        cast, document(DocumentKind.SALE, "", line(1, "1.00"), party=replace(PRODUCER, nip="1234567890"))
    )
    run(cast)
    row = only(cast, number)
    assert row.state == "faulty" and "1234567890" in row.reason and row.xml is None
    assert standing(cast)[:2] == [("FS/2026/00001", "accepted"), ("FZ/2026/00001", "accepted")]


def test_a_correction_waits_for_its_original_and_names_its_number(cast: Cast, ksef: StandIn) -> None:
    ksef.refused_numbers = {"FS/2026/00001"}
    (number,) = issue_one(
        cast,
        document(
            DocumentKind.SALE, "", line(1, "2.00", before=True), line(1, "1.00"),
            corrects=Reference("FS/2026/00001", dt.date(2026, 7, 2)), reason="Odczyt poprawiony",
        ),
    )  # fmt: skip
    run(cast)
    assert only(cast, number).state == "queued"
    ksef.refused_numbers = set()
    with scope(cast.cluster.pk):
        send_again(cast.cluster, EInvoice.objects.filter(state="refused"), cast.coordinator, NOON)
    run(cast)
    run(cast)
    row, original = only(cast, number), only(cast, "FS/2026/00001")
    assert row.state == "accepted" and original.ksef_number.encode() in bytes(row.xml or b"")
    with scope(cast.cluster.pk):
        (content,) = document_content(Document.objects.filter(number=number))
    assert content.corrects is not None and content.corrects.ksef_number == original.ksef_number


def test_the_vat_register_has_the_numbers(cast: Cast, ksef: StandIn) -> None:
    run(cast)
    with scope(cast.cluster.pk):
        june, july = (
            {table.name: list(table.rows) for table in account_sources(cast.cluster.pk, month).tables()}
            for month in (FIRST, dt.date(2026, 7, 1))
        )
    assert june["vat_sales"] == []
    assert only(cast, "FS/2026/00001").ksef_number in july["vat_sales"][0]
    assert only(cast, "FZ/2026/00001").ksef_number in july["vat_purchases"][0]


@pytest.mark.parametrize(
    "change", [{"ksef_number": "x"}, {"xml": b"<x/>"}, {"state": "queued", "ksef_number": ""}, {"receipt": b"other"}]
)
def test_what_is_accepted_stays(cast: Cast, ksef: StandIn, change: dict[str, Any]) -> None:
    run(cast)
    with pytest.raises(DatabaseError, match="stays as it is"), scope(cast.cluster.pk):
        EInvoice.objects.filter(document__number="FS/2026/00001").update(**change)
    with pytest.raises(DatabaseError), scope(cast.cluster.pk):
        EInvoice.objects.filter(document__number="FS/2026/00001").delete()


def test_the_page_tells_where_it_stands_and_hands_out_files(cast: Cast, ksef: StandIn) -> None:
    ksef.refused_numbers = {"FZ/2026/00001"}
    run(cast)
    client = signed_in(cast.coordinator)
    page = client.get(reverse("admin:billing_einvoice_changelist")).content.decode()
    assert "KSeF does not have all invoices" in page and "refused by KSeF: 1" in page
    row = only(cast, "FS/2026/00001")
    assert row.ksef_number in page and TOKEN not in page
    xml = client.get(reverse("admin:billing_einvoice_file", args=[row.pk, "xml"]))
    assert xml.content == bytes(row.xml or b"") and "FS-2026-00001.xml" in xml["Content-Disposition"]
    upo = client.get(reverse("admin:billing_einvoice_file", args=[row.pk, "upo"]))
    assert upo.content == bytes(row.receipt or b"")
    assert client.get(reverse("admin:billing_einvoice_file", args=[row.pk, "pdf"])).status_code == 404
    refused = only(cast, "FZ/2026/00001")
    ksef.refused_numbers = set()
    sent = client.post(
        reverse("admin:billing_einvoice_changelist"),
        {"action": "send_selected", "_selected_action": [refused.pk]}, follow=True,
    )  # fmt: skip
    assert "1 e-invoice is sent again." in sent.content.decode()
    with scope(cast.cluster.pk):
        assert EInvoice.objects.get(pk=refused.pk).changed_by == cast.coordinator


def test_who_only_reads_sends_nothing_and_others_see_nothing(cast: Cast, ksef: StandIn) -> None:
    ksef.refused_numbers = {"FS/2026/00001"}
    run(cast)
    row = only(cast, "FS/2026/00001")
    address = reverse("admin:billing_einvoice_changelist")
    file = reverse("admin:billing_einvoice_file", args=[row.pk, "xml"])
    others = make_cast("theirs")
    stranger = signed_in(others.coordinator)
    assert "FS/2026/00001" not in stranger.get(address).content.decode()
    assert stranger.get(file).status_code == 404
    member = signed_in(cast.owner)
    assert member.get(address).status_code in (302, 403) and member.get(file).status_code in (302, 403)
    with scope(cast.cluster.pk):
        Membership.objects.filter(user=cast.coordinator).update(level="read")
    reader = signed_in(User.objects.get(pk=cast.coordinator.pk))
    assert reader.get(address).status_code == 200
    for action in ("send_selected", "keep_selected"):
        reader.post(address, {"action": action, "_selected_action": [row.pk]})
    assert standing(cast)[0] == ("FS/2026/00001", "refused")
