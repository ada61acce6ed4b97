"""Bank files into the database: previewed, stored once, refused to whoever may not."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from billing.domain.errors import BillingError
from billing.models import BankFile, BankTransaction, InterestRate
from billing.services.bank_files import LARGEST_BYTES, cancel_bank_file, receive_bank_file, store_bank_file
from billing.services.interest_rates import load_interest_rates
from participants.models import Membership
from participants.tenancy.scope import scope
from tests.billing.test_bank_files import sample
from tests.cast import NOON, Cast, make_cast, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast("ours")


def receive(cast: Cast, content: bytes, name: str = "july.csv") -> BankFile:
    return receive_bank_file(cast.cluster, name, content, cast.coordinator.pk, NOON)


def test_nothing_is_stored_before_it_was_looked_at_and_then_once(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        file = receive(cast, sample("statement.csv"))
        assert (file.bookings, file.new, file.faulty, file.state) == (2, 2, 0, "previewed")
        assert not BankTransaction.objects.exists()
        assert len(store_bank_file(file)) == 2
        assert store_bank_file(file) == []
        file.refresh_from_db()
        assert (file.state, file.new, bytes(file.content)) == ("stored", 2, b"")
        again = receive(cast, sample("statement.csv"))
        assert again.new == 0
        assert store_bank_file(again) == []
        assert BankTransaction.objects.count() == 2


def test_an_overlapping_file_adds_only_what_is_new(cast: Cast) -> None:
    header, *lines = sample("statement.csv").decode().splitlines(keepends=True)
    later = f"{header}{''.join(lines)}{lines[0].replace('2026-07-14', '2026-07-15').replace('26195-1', '26196-1')}"
    with scope(cast.cluster.pk):
        store_bank_file(receive(cast, sample("statement.csv")))
        assert [row.booked_on for row in store_bank_file(receive(cast, later.encode()))] == [dt.date(2026, 7, 15)]


def test_good_lines_are_stored_beside_faulty_ones_and_another_account_is_none_of_ours(cast: Cast) -> None:
    text = sample("statement.csv").decode()
    other = text.replace("PL88999999990000000000000900,2026-07-14,-80", "PL14999999990000000000000001,2026-07-14,-80")
    with scope(cast.cluster.pk):
        file = receive(cast, other.encode())
        assert (file.bookings, file.faulty) == (1, 1)
        assert [str(row.amount_pln) for row in store_bank_file(file)] == ["123.45"]


def test_a_cancelled_file_is_gone(cast: Cast) -> None:
    with scope(cast.cluster.pk):
        file = receive(cast, sample("statement.csv"))
        assert cancel_bank_file(file) and not cancel_bank_file(file)
        assert store_bank_file(file) == []
        file.refresh_from_db()
        assert bytes(file.content) == b"" and not BankTransaction.objects.exists()


def test_a_file_that_is_too_large_is_refused(cast: Cast) -> None:
    with scope(cast.cluster.pk), pytest.raises(BillingError, match="larger than 5 MB"):
        receive(cast, b"x" * (LARGEST_BYTES + 1))


@pytest.mark.django_db(transaction=True)
def test_the_same_bookings_from_two_files_at_once_are_stored_once() -> None:
    cast = make_cast("ours")
    with scope(cast.cluster.pk):
        files = [receive(cast, sample("statement.csv"), name) for name in ("a.csv", "b.csv")]
    stored: list[int] = []
    start = threading.Barrier(2)

    def store(file: BankFile) -> None:
        start.wait()
        with scope(cast.cluster.pk):
            stored.append(len(store_bank_file(file)))
        connection.close()

    threads = [threading.Thread(target=store, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(stored) == [0, 2]


def signed_in(user: Any) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


def upload(client: Client, content: bytes) -> Any:
    file = SimpleUploadedFile("july.csv", content)
    return client.post(reverse("admin:billing_bankfile_add"), {"file": file}, follow=True)


def test_the_page_previews_stores_and_says_so(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    page = upload(client, sample("statement.csv").replace(b'"123,45"', b"12x")).content.decode()
    assert "1 booking is new" in page and "&#x27;12x&#x27; is not an amount such as 1234,56" in page
    with scope(cast.cluster.pk):
        (file,) = BankFile.objects.all()
    page = client.post(reverse("admin:billing_bankfile_change", args=[file.pk]), {"store": "1"}, follow=True)
    assert "1 booking was stored" in page.content.decode()


def test_accountant_uploads_and_read_only_looks(cast: Cast) -> None:
    accountant, auditor = (make_user(f"{name}@example.org", with_app=True) for name in ("accountant", "auditor"))
    with scope(cast.cluster.pk):
        for user, level in ((accountant, "accounts"), (auditor, "read")):
            Membership.objects.create(cluster=cast.cluster, user=user, role="coordinator", level=level)
    assert upload(signed_in(accountant), sample("statement.csv")).status_code == 200
    assert upload(signed_in(auditor), sample("statement.csv")).status_code == 403
    with scope(cast.cluster.pk):
        (file,) = BankFile.objects.all()
    address = reverse("admin:billing_bankfile_change", args=[file.pk])
    assert "Nothing is stored yet." not in signed_in(auditor).get(address).content.decode()
    assert signed_in(auditor).post(address, {"store": "1"}).status_code == 403
    with scope(cast.cluster.pk):
        assert not BankTransaction.objects.exists()


def test_interest_rates_are_loaded_once(tmp_path: Any) -> None:
    assert load_interest_rates() > 10
    assert load_interest_rates() == 0
    current = InterestRate.objects.filter(kind="statutory").order_by("valid_from").last()
    assert current is not None and current.valid_from >= dt.date(2026, 3, 5)
    wrong = tmp_path / "rates.csv"
    wrong.write_text("kind,valid_from,percent\nstatutory,2026-13-01,9\n")
    with pytest.raises(CommandError, match="line 2: 'statutory,2026-13-01,9' is not a line such as"):
        call_command("load_interest_rates", str(wrong))
