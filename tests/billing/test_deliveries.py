"""Bills become PDFs once, and go out by e-mail once, through a real SMTP server."""

import datetime as dt
import io
import sys
from dataclasses import replace
from email.message import Message as Letter
from hashlib import sha256
from mailbox import Maildir
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from billing.models import Bill, BillDelivery, BillPaper
from billing.selectors.papers import BATCH, Progress, batches_to_make, progress
from billing.services import deliveries, papers
from billing.services.bills import BillDraft, issue
from billing.services.deliveries import forget_addresses, mark_bounced, queue_bills, send_again, send_queued
from billing.services.papers import make_papers
from billing.tasks import look_after_bills, make_papers_of
from participants.models import ErasureRequest, Membership, Participant, User
from participants.tenancy.scope import scope
from tests.billing.bills import FIRST
from tests.billing.paper_bills import consumer, corrected, producer, prosumer
from tests.billing.postbox import Postbox
from tests.cast import NOON, Cast, make_cast

pytestmark = pytest.mark.django_db
State = BillDelivery.State
LATER = NOON + dt.timedelta(hours=1)


@pytest.fixture
def cast() -> Cast:
    made = make_cast("ours")
    with scope(made.cluster.pk):
        issued(made, made.seller, made.buyer)
    return made


def issued(cast: Cast, *participants: Participant) -> list[Bill]:
    contents = [prosumer(), consumer(), producer()]
    drafts = [
        BillDraft(content, participant, FIRST) for content, participant in zip(contents, participants, strict=False)
    ]
    return issue(cast.cluster, drafts, NOON)


def make_all(cast: Cast) -> int:
    with scope(cast.cluster.pk):
        batches = batches_to_make(cast.cluster.pk)
    return sum(make_papers(cast.cluster, batch, NOON) for batch in batches)


def ready(cast: Cast) -> None:
    """PDFs made, bills queued."""
    make_all(cast)
    with scope(cast.cluster.pk):
        queue_bills(cast.cluster, NOON)


def states(cast: Cast) -> list[tuple[str, str]]:
    with scope(cast.cluster.pk):
        return list(BillDelivery.objects.order_by("pk").values_list("address", "state"))


def test_each_bill_becomes_a_pdf_once(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        User.objects.filter(pk=cast.owner.pk).update(language="en")
        assert progress(cast.cluster.pk) == Progress(2, 0, 0)
    assert make_all(cast) == 2
    assert make_all(cast) == 0
    with scope(cast.cluster.pk):
        made = list(BillPaper.objects.order_by("bill_id"))
        assert [paper.language for paper in made] == ["en", "pl"]
        assert all(bytes(paper.pdf).startswith(b"%PDF-1.7") for paper in made)
        assert [paper.pdf_sha256 for paper in made] == [sha256(bytes(paper.pdf)).hexdigest() for paper in made]
        assert progress(cast.cluster.pk).made == 2 and batches_to_make(cast.cluster.pk) == []


@pytest.mark.parametrize("change", ["update", "delete"])
def test_a_pdf_is_never_changed_or_deleted(cast: Cast, change: str) -> None:
    make_all(cast)
    with scope(cast.cluster.pk):
        rows = BillPaper.objects.all()
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(pdf=b"x") if change == "update" else rows.delete()


def test_two_workers_with_one_batch_make_each_pdf_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    real, rivals = papers.pdf_of_bill, iter([True])

    def overtaken(*args: Any) -> bytes:
        if next(rivals, False):
            assert make_all(cast) == 2
        return real(*args)

    monkeypatch.setattr(papers, "pdf_of_bill", overtaken)
    assert make_all(cast) == 0
    with scope(cast.cluster.pk):
        assert BillPaper.objects.count() == 2


def test_a_killed_worker_goes_on_where_it_was(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "STORED_AT_ONCE", 1)
    real, calls = papers.pdf_of_bill, []

    def dies(*args: Any) -> bytes:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(papers, "pdf_of_bill", dies)
    with pytest.raises(KeyboardInterrupt):
        make_all(cast)
    assert make_all(cast) == 1


def test_batches_are_small_and_only_those_that_lack_something(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        keys = list(Bill.objects.values_list("pk", flat=True))
        assert batches_to_make(cast.cluster.pk) == sorted({key // BATCH for key in keys})
    # Another batch has nothing of it.
    assert make_papers(cast.cluster, keys[0] // BATCH + 1, NOON) == 0


def test_a_bill_arrives_in_the_members_language_with_its_pdf(cast: Cast, post: Postbox) -> None:
    User.objects.filter(pk=cast.owner.pk).update(language="en")
    ready(cast)
    assert send_queued(cast.cluster, NOON) is False
    english, polish = post.letters
    assert (english["To"], english["From"]) == (cast.seller.email, "Klaster <rachunki@example.org>")
    with scope(cast.cluster.pk):
        bill = Bill.objects.get(participant=cast.seller)
        paper = BillPaper.objects.get(bill=bill)
    assert english["Subject"] == "Cluster ours: bill R/2026/00001 for June 2026"
    body, pdf = english.get_payload()  # type: ignore[misc]
    text = body.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "Please pay 322.21" in text and "by 16 July 2026" in text and f"/bills/{bill.pk}/" in text
    assert pdf.get_filename() == "R-2026-00001.pdf" and pdf.get_payload(decode=True) == bytes(paper.pdf)  # type: ignore[union-attr]
    assert "Prosimy" in polish.get_payload()[0].get_payload(decode=True).decode()  # type: ignore[union-attr, index]
    assert states(cast) == [(cast.seller.email, "sent"), (cast.buyer.email, "sent")]


def test_a_second_run_sends_nothing(cast: Cast, post: Postbox) -> None:
    for _ in range(3):
        ready(cast)
        send_queued(cast.cluster, LATER)
    assert len(post.letters) == 2 and len(states(cast)) == 2


def test_one_that_is_refused_holds_up_no_other(cast: Cast, post: Postbox) -> None:
    post.answers[cast.seller.email] = "550 5.1.1 no such user"
    ready(cast)
    send_queued(cast.cluster, NOON)
    assert states(cast) == [(cast.seller.email, "refused"), (cast.buyer.email, "sent")]
    with scope(cast.cluster.pk):
        assert BillDelivery.objects.get(state="refused").reason == "550 5.1.1 no such user"


def test_who_says_later_is_asked_again_later_and_not_for_ever(cast: Cast, post: Postbox) -> None:
    post.answers[cast.seller.email] = "450 4.2.0 greylisted"
    ready(cast)
    send_queued(cast.cluster, NOON)
    assert states(cast)[0] == (cast.seller.email, "queued")
    send_queued(cast.cluster, NOON + dt.timedelta(minutes=1))
    assert post.asked.count(cast.seller.email) == 1
    for days in range(1, 10):
        send_queued(cast.cluster, NOON + dt.timedelta(days=days))
    assert post.asked.count(cast.seller.email) == deliveries.MOST_ATTEMPTS
    assert states(cast) == [(cast.seller.email, "refused"), (cast.buyer.email, "sent")]


def test_a_server_that_is_down_loses_nothing(cast: Cast, post: Postbox, settings: Any) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 9
    ready(cast)
    send_queued(cast.cluster, NOON)
    assert {state for _, state in states(cast)} == {"queued"}
    settings.EMAIL_PORT = port
    send_queued(cast.cluster, LATER)
    assert {state for _, state in states(cast)} == {"sent"} and len(post.letters) == 2


def test_a_server_that_refuses_the_sender_refuses_nobody(cast: Cast, post: Postbox) -> None:
    post.sender_refused = "530 5.7.0 sign in first"
    ready(cast)
    send_queued(cast.cluster, NOON)
    assert {state for _, state in states(cast)} == {"queued"}
    post.sender_refused = ""
    send_queued(cast.cluster, LATER)
    assert {state for _, state in states(cast)} == {"sent"}


def test_a_worker_killed_while_sending_leaves_it_unclear_and_nobody_gets_it_twice(
    cast: Cast, post: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(cast)
    real = deliveries._note

    def dies(cluster: Any, delivery: Any, state: str, *args: Any, **options: Any) -> None:
        if state == "sent":
            raise KeyboardInterrupt
        real(cluster, delivery, state, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "_note", dies)
        with pytest.raises(KeyboardInterrupt):
            send_queued(cast.cluster, NOON)
    assert [state for _, state in states(cast)] == ["sending", "queued"]
    send_queued(cast.cluster, LATER)
    assert [state for _, state in states(cast)] == ["unclear", "sent"]
    assert [letter["To"] for letter in post.letters] == [cast.seller.email, cast.buyer.email]


def test_what_time_runs_out_for_is_sent_next(cast: Cast, post: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(cast)
    monkeypatch.setattr(deliveries, "PASS_SECONDS", -1.0)
    assert send_queued(cast.cluster, NOON) is True and len(post.letters) == 1
    assert send_queued(cast.cluster, NOON) is True
    assert send_queued(cast.cluster, NOON) is False and len(post.letters) == 2


def test_who_has_no_address_is_told_of_for_printing(cast: Cast, post: Postbox) -> None:
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.seller.pk).update(email="")
    ready(cast)
    send_queued(cast.cluster, NOON)
    assert states(cast) == [("", "no_address"), (cast.buyer.email, "sent")]


def test_one_is_sent_again_on_request_to_the_address_of_today(cast: Cast, post: Postbox) -> None:
    ready(cast)
    send_queued(cast.cluster, NOON)
    with scope(cast.cluster.pk):
        Participant.objects.filter(pk=cast.buyer.pk).update(email="new@example.org")
        bill = Bill.objects.select_related("participant").get(participant=cast.buyer)
        send_again(cast.cluster, [bill], cast.coordinator, LATER)
    send_queued(cast.cluster, LATER)
    assert [letter["To"] for letter in post.letters][-1] == "new@example.org"
    assert post.letters[-1].get_payload()[1].get_payload() == post.letters[1].get_payload()[1].get_payload()  # type: ignore[union-attr, index]
    with scope(cast.cluster.pk):
        assert BillDelivery.objects.get(address="new@example.org").requested_by == cast.coordinator


def test_a_participant_without_login_is_written_to_in_the_platforms_language(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        Membership.objects.filter(participant__isnull=False).delete()
    make_all(cast)
    with scope(cast.cluster.pk):
        assert set(BillPaper.objects.values_list("language", flat=True)) == {"pl"}


def test_addresses_of_the_erased_go(cast: Cast) -> None:
    ready(cast)
    with scope(cast.cluster.pk):
        ErasureRequest.objects.create(cluster=cast.cluster, participant=cast.seller, requested_at=NOON, erased_at=NOON)
        assert forget_addresses(cast.cluster) == 1
        assert forget_addresses(cast.cluster) == 0
    assert [address for address, _ in states(cast)] == ["", cast.buyer.email]


def test_the_task_makes_and_sends_and_a_second_one_does_nothing(cast: Cast, post: Postbox, settings: Any) -> None:
    settings.CELERY_TASK_ALWAYS_EAGER = True
    with scope(cast.cluster.pk):
        batches = batches_to_make(cast.cluster.pk)
    for _ in range(2):
        for batch in batches:
            make_papers_of(cast.cluster.pk, batch)
        look_after_bills(cast.cluster.pk)
    assert len(post.letters) == 2 and {state for _, state in states(cast)} == {"sent"}


def report(original: str, action: str = "failed", headers_only: bool = True) -> bytes:
    """As Postfix writes it."""
    copy = "text/rfc822-headers" if headers_only else "message/rfc822"
    return f"""From: MAILER-DAEMON@mail.example.org
To: rachunki@example.org
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="AAA"
MIME-Version: 1.0
Message-Id: <20260711@mail.example.org>

--AAA
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--AAA
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; gone@example.org
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <gone@example.org>: User unknown in
 virtual mailbox table

--AAA
Content-Type: {copy}

From: rachunki@example.org
Subject: bill
Message-ID: {original}

--AAA--
""".encode()


@pytest.fixture
def sent(cast: Cast, post: Postbox) -> Letter:
    ready(cast)
    send_queued(cast.cluster, NOON)
    return post.letters[0]


@pytest.mark.parametrize("headers_only", [True, False])
def test_what_comes_back_is_marked_once(cast: Cast, sent: Letter, tmp_path: Path, headers_only: bool) -> None:
    box = Maildir(tmp_path / "box")
    box.add(report(str(sent["Message-ID"]), headers_only=headers_only))
    box.add(b"Subject: I am on holiday\n\nUntil Monday.\n")
    said = io.StringIO()
    for _ in range(2):
        call_command("read_bounces", str(tmp_path / "box"), stdout=said)
    assert said.getvalue().splitlines() == [
        "2 messages, 1 of bills that came back, 1 marked anew", "2 messages, 1 of bills that came back, 0 marked anew",
    ]  # fmt: skip
    assert states(cast)[0] == (cast.seller.email, "bounced")
    with scope(cast.cluster.pk):
        reason = BillDelivery.objects.get(state="bounced").reason
    assert reason == "5.1.1 550 5.1.1 <gone@example.org>: User unknown in virtual mailbox table"


def test_delays_strangers_and_forgeries_change_nothing(
    cast: Cast, sent: Letter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = f"<bill.{cast.cluster.pk}.{'0' * 24}@example.org>"
    elsewhere = f"<bill.{cast.cluster.pk + 999}.{'0' * 24}@example.org>"
    raws = [
        report(str(sent["Message-ID"]), "delayed"),
        report(forged),
        report(elsewhere),
        report("<x@y>"),
        b"",
        b"\xff",
    ]
    for number, raw in enumerate(raws):
        file = tmp_path / f"{number}.eml"
        file.write_bytes(raw)
        call_command("read_bounces", str(file), stdout=io.StringIO())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(report(str(sent["Message-ID"]), "delayed"))))
    call_command("read_bounces", "-", stdout=io.StringIO())
    assert {state for _, state in states(cast)} == {"sent"}
    for wrong in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CommandError):
            call_command("read_bounces", str(wrong), stdout=io.StringIO())


def test_a_person_marks_only_what_was_sent(cast: Cast, post: Postbox) -> None:
    ready(cast)
    with scope(cast.cluster.pk):
        assert mark_bounced(BillDelivery.objects.all(), "letter came back", cast.coordinator, NOON) == 0
    send_queued(cast.cluster, NOON)
    with scope(cast.cluster.pk):
        assert mark_bounced(BillDelivery.objects.all(), "letter came back", cast.coordinator, NOON) == 2


def test_a_broken_bill_stops_no_other(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    real = papers.pdf_of_bill

    def breaks(bill: Any, language: str) -> bytes:
        if bill.reference == "R/2026/00001":
            raise RuntimeError("typst")
        return real(bill, language)

    monkeypatch.setattr(papers, "pdf_of_bill", breaks)
    assert make_all(cast) == 1


def test_bills_of_two_kinds_are_told_of_rightly(cast: Cast, post: Postbox) -> None:
    with scope(cast.cluster.pk):
        issue(cast.cluster, [BillDraft(producer(), cast.seller, FIRST)], NOON)
        free = replace(corrected(), documents=corrected().documents[:1])
        issue(cast.cluster, [BillDraft(free, cast.seller, None)], NOON)
    ready(cast)
    send_queued(cast.cluster, NOON)
    bodies = [letter.get_payload()[0].get_payload(decode=True).decode() for letter in post.letters]  # type: ignore[union-attr, index]
    assert "Otrzymasz 94,97" in bodies[2]
    assert post.letters[3]["Subject"] is not None
