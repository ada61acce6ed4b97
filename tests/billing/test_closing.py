"""Closing a month: what must be in order, what it issues and posts, and that it happens once whatever is killed."""

import datetime as dt
import os
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from billing.domain.documents import Party
from billing.domain.errors import BillingError
from billing.models import Bill, BillingPeriod, BillingTerms, Document, JournalEntry, Statement
from billing.selectors.bills import bill_content
from billing.selectors.checklist import checklist, draft
from billing.selectors.ledger import trial_balance
from billing.services.closing import compute, continue_closing, start_closing
from billing.tasks import go_on_closing
from clearing.models import IntervalState
from contracts.models import ClusterSettings, RetailPrice
from participants.models import Participant
from participants.tenancy.scope import scope
from tests.billing.closing import JUNE, LATER, OVERRIDES, add_members, closing_cast, settle_the_rest
from tests.cast import Cast

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    made = closing_cast()
    settle_the_rest(made)
    return made


def close(cast: Cast, now: dt.datetime = LATER) -> None:
    compute(cast.cluster, JUNE, now)
    start_closing(cast.cluster, JUNE, now, OVERRIDES, cast.coordinator.pk)
    assert continue_closing(cast.cluster, JUNE, now)


def failing(cast: Cast, now: dt.datetime = LATER) -> set[str]:
    with scope(cast.cluster.pk):
        return {check.code for check in checklist(cast.cluster, JUNE, now) if not check.passed}


def test_a_month_is_closed_with_its_documents_and_postings(cast: Cast) -> None:
    close(cast)
    with scope(cast.cluster.pk):
        period = BillingPeriod.objects.get()
        assert (period.state, period.done, period.total, period.overrides) == ("closed", 2, 2, OVERRIDES)
        seller, buyer = bill_content(Bill.objects.order_by("pk"))
        assert (buyer.issued_on, buyer.due_on) == (dt.date(2026, 7, 2), dt.date(2026, 7, 16))
        assert [(each.kind, each.number) for each in seller.documents] == [
            ("sale", "FS/2026/00001"), ("note", "NR/2026/00001"),
        ]  # fmt: skip
        # 10.86 × 1.23 to pay, 0.08 + 0.02 for what was sold.
        assert [each.payable_pln for each in seller.documents] == [Decimal("13.36"), Decimal("0.10")]
        assert seller.payable_pln == Decimal("13.26")
        (sale,) = buyer.documents
        assert {line.component: line.net_pln for line in sale.lines} == {
            "local_energy": Decimal("0.08"), "excise": Decimal("0.00"), "service_fee": Decimal("0.01"),
            "network_fixed": Decimal("10.86"), "network_variable": Decimal("0.06"), "res": Decimal("0.00"),
        }  # fmt: skip
        assert {line.component: line.unit_price_pln for line in sale.lines}["network_variable"] == Decimal("0.1848")
        assert (sale.net_pln, sale.vat_pln) == (Decimal("11.01"), Decimal("2.53"))
        assert buyer.energy[0].wh == 300 and buyer.participant.street == "Polna 1"
        balances = {
            account.kind: amount for account, amount in trial_balance(cast.cluster.pk) if not account.participant
        }
        assert sum(amount for _, amount in trial_balance(cast.cluster.pk)) == 0
        # Neighbours paid 0.08 and got 0.08; the market took 100 Wh for 0.02.
        assert balances["market"] == Decimal("0.02")
        assert balances["distributor"] == Decimal("-21.78")
        # 0.0015 PLN of excise is no grosz, 0.006 PLN of fees are one.
        assert balances.get("excise", Decimal(0)) == 0 and balances["service_fee"] == Decimal("-0.01")
        assert JournalEntry.objects.filter(period=JUNE).count() >= 3


def test_closing_again_changes_nothing(cast: Cast) -> None:
    close(cast)
    with scope(cast.cluster.pk):
        before = list(Document.objects.order_by("pk").values_list("pk", "number"))
    with pytest.raises(BillingError, match="2026-06 is closed"):
        start_closing(cast.cluster, JUNE, LATER, OVERRIDES)
    assert continue_closing(cast.cluster, JUNE, LATER)
    go_on_closing(cast.cluster.pk)
    with scope(cast.cluster.pk):
        assert list(Document.objects.order_by("pk").values_list("pk", "number")) == before


@pytest.mark.parametrize(
    "change", ["UPDATE billing_billingperiod SET state = 'open', closed_at = NULL", "DELETE FROM billing_billingperiod"]
)
def test_a_closed_month_stays_closed(cast: Cast, change: str) -> None:
    close(cast)
    with pytest.raises(DatabaseError, match="2026-06 is closed"), scope(cast.cluster.pk):
        connection.cursor().execute(change)


def test_what_is_not_in_order_is_told_and_refused(cast: Cast) -> None:
    assert failing(cast) == {"external", "computed"}
    compute(cast.cluster, JUNE, LATER)
    assert failing(cast) == {"external"}
    assert failing(cast, dt.datetime(2026, 6, 30, 21, 59, tzinfo=dt.UTC)) == {"external", "finished"}
    with scope(cast.cluster.pk):
        IntervalState.objects.filter(interval_start=cast.run.interval_start).update(inputs_seen=0)
        Participant.objects.filter(pk=cast.buyer.pk).update(street="")
        Statement.objects.create(
            cluster=cast.cluster, participant=cast.buyer, period=dt.date(2026, 5, 1), revision=1,
            amount_exact_pln=1, content_digest="0" * 64, billed_at=LATER,
        )  # fmt: skip
    assert failing(cast) == {"external", "settled", "parties", "previous"}
    with pytest.raises(BillingError, match="can't be closed yet: settled, external, previous, parties"):
        start_closing(cast.cluster, JUNE, LATER, {})
    # A reason helps only where a reason can.
    with pytest.raises(BillingError, match="can't be closed yet: settled, previous"):
        start_closing(cast.cluster, JUNE, LATER, dict.fromkeys(("settled", "external", "previous", "parties"), "why"))
    with scope(cast.cluster.pk):
        assert BillingPeriod.objects.get().state == "open" and not Bill.objects.exists()


def test_a_price_that_is_missing_is_shown_with_the_month(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        RetailPrice.objects.all().delete()
    with pytest.raises(BillingError, match="no retail price"):
        compute(cast.cluster, JUNE, LATER)
    with scope(cast.cluster.pk):
        check = next(each for each in checklist(cast.cluster, JUNE, LATER) if each.code == "computed")
    assert "no retail price of group 'G11'" in check.figures["problem"]


def test_what_turns_up_while_closing_opens_the_month_again(cast: Cast) -> None:
    compute(cast.cluster, JUNE, LATER)
    start_closing(cast.cluster, JUNE, LATER, OVERRIDES)
    with scope(cast.cluster.pk):
        IntervalState.objects.filter(interval_start=cast.run.interval_start).update(inputs_seen=0)
    with pytest.raises(BillingError, match="settled"):
        continue_closing(cast.cluster, JUNE, LATER)
    with scope(cast.cluster.pk):
        period = BillingPeriod.objects.get()
        assert period.state == "open" and "settled" in period.problem and not Bill.objects.exists()


def test_bills_are_due_as_the_terms_of_the_day_say(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        BillingTerms.objects.create(cluster=cast.cluster, valid_from=dt.date(2026, 1, 1), due_days=21)
        BillingTerms.objects.create(cluster=cast.cluster, valid_from=dt.date(2026, 7, 3), due_days=7)
    close(cast)
    with scope(cast.cluster.pk):
        assert set(Bill.objects.values_list("due_on", flat=True)) == {dt.date(2026, 7, 23)}


def test_the_draft_names_who_stands_out(cast: Cast) -> None:
    compute(cast.cluster, JUNE, LATER)
    with scope(cast.cluster.pk):
        for participant, amount in ((cast.buyer, 300), (cast.seller, 11)):
            Statement.objects.create(
                cluster=cast.cluster, participant=participant, period=dt.date(2026, 5, 1), revision=1,
                amount_exact_pln=amount, content_digest="0" * 64, billed_at=LATER,
            )  # fmt: skip
        found = draft(cast.cluster, JUNE)
    assert (found.statements, found.before_statements, found.before_total_pln) == (2, 2, 311)
    assert [(each.code, each.before_pln) for each in found.outliers] == [("P0002", 300)]


def test_a_month_settled_directly_gives_the_distributor_its_own_bills(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        ClusterSettings.objects.update(dso_settlement="direct")
    close(cast)
    with scope(cast.cluster.pk):
        grid = list(bill_content(Bill.objects.exclude(dso=None).order_by("pk")))
        assert [each.creditor for each in grid] == [
            Party("", "Example Distribution", "", "", "", "PL", "1000237576", "PL61999999990000000000000901")
        ] * 2
        assert [(d.kind, d.number) for each in grid for d in each.documents] == [
            ("grid", "FD/2026/00001"), ("grid", "FD/2026/00002"),
        ]  # fmt: skip
        own = list(bill_content(Bill.objects.filter(dso=None).order_by("pk")))
        components = {line.component for each in own for d in each.documents for line in d.lines}
        assert components == {"local_energy", "local_energy_sold", "external_energy_sold", "excise", "service_fee"}
        assert "distributor" not in {account.kind for account, _ in trial_balance(cast.cluster.pk)}


def test_a_month_that_is_switched_in_the_middle_is_split(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        row = ClusterSettings.objects.get()
        row.pk, row.valid_from, row.dso_settlement = None, dt.date(2026, 6, 11), "direct"
        row.save()
    close(cast)
    with scope(cast.cluster.pk):
        fixed = {
            (document.kind, line.first, line.end): line.net_pln
            for bill in bill_content(Bill.objects.filter(participant=cast.buyer))
            for document in bill.documents
            for line in document.lines
            if line.component == "network_fixed"
        }
    assert fixed == {
        ("sale", dt.date(2026, 6, 1), dt.date(2026, 6, 11)): Decimal("3.62"),
        ("grid", dt.date(2026, 6, 11), dt.date(2026, 7, 1)): Decimal("7.24"),
    }


def test_the_command_checks_and_closes(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("close_period", cast.cluster.slug, "2026-06", check=True)
    assert "NO  external: The external settlement is approved." in capsys.readouterr().out
    with pytest.raises(CommandError, match="can't be closed yet: external"):
        call_command("close_period", cast.cluster.slug, "2026-06")
    call_command("close_period", cast.cluster.slug, "2026-06", override=["external=by telephone"])
    assert "2026-06 is closed: 2 bills." in capsys.readouterr().out
    with pytest.raises(CommandError, match="2026-06 is closed"):
        call_command("close_period", cast.cluster.slug, "2026-06")
    with pytest.raises(CommandError, match="2026-13"):
        call_command("close_period", cast.cluster.slug, "2026-13")


@pytest.mark.django_db(transaction=True)
def test_two_who_close_at_once_issue_each_bill_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cast = closing_cast()
    settle_the_rest(cast)
    add_members(cast, 12)
    monkeypatch.setattr("billing.services.closing.BATCH", 3)
    compute(cast.cluster, JUNE, LATER)
    start_closing(cast.cluster, JUNE, LATER, OVERRIDES)
    ready = threading.Barrier(3)

    def work() -> None:
        ready.wait()
        continue_closing(cast.cluster, JUNE, LATER)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    continue_closing(cast.cluster, JUNE, LATER)
    assert_closed_once(cast, 14)


def assert_closed_once(cast: Cast, members: int) -> None:
    with scope(cast.cluster.pk):
        assert BillingPeriod.objects.get().state == "closed"
        owners = list(Bill.objects.order_by("pk").values_list("participant__code", flat=True))
        assert owners == sorted(set(owners)) and len(owners) == members
        for kind, series in (("sale", "FS"), ("note", "NR")):
            numbers = sorted(Document.objects.filter(kind=kind).values_list("number", flat=True))
            assert numbers == [f"{series}/2026/{n:05}" for n in range(1, len(numbers) + 1)]
        assert sum(amount for _, amount in trial_balance(cast.cluster.pk)) == 0


def numbers_of(cast: Cast) -> list[tuple[str, str, Decimal]]:
    with scope(cast.cluster.pk):
        rows = Document.objects.order_by("pk")
        return list(rows.values_list("number", "bill__participant__code", "payable_pln"))


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_twice_while_closing_leaves_no_gap_and_no_second_document(
    service_environment: dict[str, str],
) -> None:
    """Once in the middle of a transaction, once between two; a third worker ends what the two began."""
    undisturbed, cast = closing_cast("undisturbed"), closing_cast("disturbed")
    for each in (undisturbed, cast):
        settle_the_rest(each)
        add_members(each, 450)
        compute(each.cluster, JUNE, LATER)
        start_closing(each.cluster, JUNE, LATER, OVERRIDES)
    assert continue_closing(undisturbed.cluster, JUNE, LATER)

    def state() -> tuple[str, int]:
        with scope(cast.cluster.pk):
            return BillingPeriod.objects.values_list("state", "done").get()

    def waiting() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
            return bool(cursor.fetchone()[0])

    def until(true: object) -> None:
        deadline = time.monotonic() + 90
        while not true():  # type: ignore[operator]
            assert time.monotonic() < deadline, state()
            time.sleep(0.01)

    workers: list[subprocess.Popen[bytes]] = []

    def start_worker() -> None:
        command = [sys.executable, "-m", "celery", "--app", "cluster_platform", "worker", "--queues", "billing"]
        command += ["--pool", "solo", "--without-mingle"]
        workers.append(subprocess.Popen(command, cwd=ROOT, env=os.environ | service_environment))

    def kill_all() -> None:
        for process in workers:
            process.kill()
            process.wait()

    try:
        go_on_closing.delay(cast.cluster.pk)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"journal {cast.cluster.pk}"])
            start_worker()
            until(waiting)
            kill_all()
        assert state() == ("closing", 0)
        go_on_closing.delay(cast.cluster.pk)
        start_worker()
        until(lambda: state()[1] >= 200)
        kill_all()
        go_on_closing.delay(cast.cluster.pk)
        start_worker()
        until(lambda: state()[0] == "closed")
    finally:
        kill_all()
    assert_closed_once(cast, 452)
    assert numbers_of(cast) == numbers_of(undisturbed)
