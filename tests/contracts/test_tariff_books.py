"""Versions of a tariff: drafts, publication, what holds when, and what a new book makes stale."""

import datetime as dt
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from contracts.dataset.bookfile import BookTables, read_book
from contracts.dataset.faults import DatasetError
from contracts.models import ClusterSettings, TariffBook, TariffRate, TariffZone
from contracts.selectors import tariff_book
from contracts.selectors.book import book_on, held_spans
from contracts.services.tariff_books import Published, create_draft, delete_draft, publish_book, replace_draft
from metering.models import IntervalInput, PointAssignment
from participants.models import Cluster, Dso
from participants.tenancy.scope import scope
from tests.cast import make_user
from tests.contracts.small_dataset import DAY, DSO, STARTS, TARIFF, TARIFF_ZONES, changed, small_dataset, write
from tests.contracts.test_load_cluster import load

pytestmark = pytest.mark.django_db(transaction=True)
JANUARY = dt.date(2026, 1, 1)
NOW = dt.datetime(2026, 11, 28, 9, 0, tzinfo=dt.UTC)
#: What the small dataset leaves out and a distributor may not.
REST = "".join(
    f"{DSO},{group},,,,{component},{zone},{unit},0,full,2026-01-01,2027-01-01\n"
    for group, component, zone, unit in (
        ("*", "cogeneration", "flat", "PLN/kWh"),
        ("*", "subscription", "", "PLN/month"),
        ("G12", "network_fixed", "", "PLN/month"),
        ("G12", "capacity", "", "PLN/month"),
    )
)
FILES = {"tariff.csv": TARIFF.format(dso=DSO) + REST, "tariff_zones.csv": TARIFF_ZONES}
G12_DAY = f"{DSO},G12,,,,network_variable,day,PLN/kWh,0.2841"
G11 = f"{DSO},G11,,,,network_variable,flat,PLN/kWh,0.2464"


@pytest.fixture
def dso(tmp_path: Path) -> Dso:
    """The distributor of a loaded cluster; its first book is the dataset's."""
    files = small_dataset()
    load(write(files | {"tariff.csv": FILES["tariff.csv"]}, tmp_path / "cluster"))
    return Dso.objects.get()


@pytest.fixture
def tables(tmp_path: Path) -> Any:
    def read(*changes: tuple[str, str, str], **more: str) -> BookTables:
        files = FILES | {f"{name}.csv": text for name, text in more.items()}
        for change in changes:
            files = changed(files, *change)
        folder = tmp_path / f"book-{len(list(tmp_path.iterdir()))}"
        return read_book(write(files, folder), DSO)

    return read


def draft(dso: Dso, tables: BookTables, valid_from: dt.date = JANUARY) -> TariffBook:
    return create_draft(dso, tables, name="2026, corrected", valid_from=valid_from, now=NOW)


def published(dso: Dso, tables: BookTables, valid_from: dt.date = JANUARY) -> Published:
    return publish_book(draft(dso, tables, valid_from), None, NOW, "a misprint")


def small() -> Cluster:
    return Cluster.objects.get(slug="small")


def counted() -> dict[dt.datetime, int]:
    with scope(small().pk):
        return dict(IntervalInput.objects.values_list("interval_start", "changes"))


def touched_by(publish: Any) -> set[dt.datetime]:
    before = counted()
    publish()
    return {start for start, count in counted().items() if count != before[start]}


def test_the_first_book_is_the_datasets(dso: Dso) -> None:
    book = TariffBook.objects.get()
    assert (book.number, book.state, book.valid_from, book.rates.count(), book.zones.count()) == (
        1, "published", JANUARY, 16, 8,
    )  # fmt: skip


def test_a_draft_changes_nothing_until_it_is_published(dso: Dso, tables: Any) -> None:
    before = tariff_book(small())
    book = draft(dso, tables(("tariff.csv", G12_DAY, G12_DAY[:-1] + "9")))
    assert tariff_book(small()) == before
    publish_book(book, None, NOW, "a misprint")
    after = tariff_book(small())
    assert {rate.micro for rate in after.rates} - {rate.micro for rate in before.rates} == {284900}
    book.refresh_from_db()
    assert (book.number, book.state, book.replaces.number, book.reason) == (2, "published", 1, "a misprint")


def test_a_draft_can_be_replaced_and_deleted(dso: Dso, tables: Any) -> None:
    book = draft(dso, tables())
    replace_draft(book, tables(("tariff.csv", G11, G11[:-1] + "9")), name="other", valid_from=dt.date(2026, 2, 1))
    book.refresh_from_db()
    assert (book.name, book.valid_from, book.rates.count()) == ("other", dt.date(2026, 2, 1), 16)
    assert book.rates.get(group="G11", component="network_variable").rate_net == Decimal("0.2469")
    delete_draft(book)
    assert TariffBook.objects.count() == 1 and TariffRate.objects.count() == 16


def test_what_was_published_never_changes(dso: Dso, tables: Any) -> None:
    book = TariffBook.objects.get()
    refusals = [
        lambda: replace_draft(book, tables(), name="x", valid_from=JANUARY),
        lambda: delete_draft(book),
        lambda: publish_book(book, None, NOW, "again"),
    ]
    for refused in refusals:
        with pytest.raises(DatasetError, match="is published"):
            refused()
    for model in (TariffBook, TariffRate, TariffZone):
        field = "name" if model is TariffBook else "group"
        for write_it in (
            lambda model=model, field=field: model.objects.update(**{field: "x"}),
            lambda model=model: model.objects.all()._raw_delete("default"),
        ):
            with pytest.raises(DatabaseError, match="is published and can not be changed"):
                write_it()
    with pytest.raises(DatabaseError, match="is published and can not be changed"):
        rate = TariffRate.objects.first()
        rate.pk, rate.component = None, "new"
        rate.save()


def test_who_published_a_book_may_be_forgotten(dso: Dso, tables: Any) -> None:
    user = make_user("clerk@example.org")
    book = publish_book(draft(dso, tables()), user, NOW, "a misprint").book
    assert book.published_by == user
    with scope(small().pk):
        user.delete()
    book.refresh_from_db()
    assert (book.published_by, book.state, book.reason) == (None, "published", "a misprint")


def test_a_correction_touches_the_quarter_hours_it_changes_and_no_other(dso: Dso, tables: Any) -> None:
    """G12 is used by one point; its night is 22:00 to 06:00 and 13:00 to 15:00, all else is day."""
    change = ("tariff.csv", G12_DAY, G12_DAY[:-1] + "9")
    touched = touched_by(lambda: published(dso, tables(change)))
    local = [start.astimezone(dt.timezone(dt.timedelta(hours=2))) for start in STARTS]
    day = {s for s, at in zip(STARTS, local, strict=True) if 6 <= at.hour < 13 or 15 <= at.hour < 22}
    assert touched == day
    assert len(day) == 56


def test_monthly_rates_are_billed_anew_but_not_settled_anew(dso: Dso, tables: Any) -> None:
    change = ("tariff.csv", "G11,,,,network_fixed,,PLN/month,10.86", "G11,,,,network_fixed,,PLN/month,11.86")
    found: list[Published] = []
    assert touched_by(lambda: found.append(published(dso, tables(change)))) == set()
    (effect,) = found[0].effects
    assert (effect.quarter_hours, effect.billed_anew) == (0, ((JANUARY, dt.date(2027, 1, 1)),))


def test_a_group_that_nobody_has_touches_nothing(dso: Dso, tables: Any) -> None:
    with scope(small().pk):
        PointAssignment.objects.filter(tariff_group="G12").update(tariff_group="G11")
    change = ("tariff.csv", G12_DAY, G12_DAY[:-1] + "9")
    found: list[Published] = []
    assert touched_by(lambda: found.append(published(dso, tables(change)))) == set()
    assert found[0].effects[0].billed_anew == ()


def test_a_future_book_changes_nothing_before_its_day(dso: Dso, tables: Any) -> None:
    change = ("tariff.csv", G11, G11[:-1] + "9")
    tomorrow = DAY + dt.timedelta(days=1)
    assert touched_by(lambda: published(dso, tables(change), tomorrow)) == set()
    book = tariff_book(small())
    variable = [rate for rate in book.rates if rate.component == "network_variable"]
    prices = {rate.micro: (rate.valid_from, rate.valid_to) for rate in variable if rate.group == "G11"}
    assert prices == {246400: (JANUARY, tomorrow), 246900: (tomorrow, dt.date(2027, 1, 1))}
    unchanged = {(rate.valid_from, rate.valid_to) for rate in book.rates if rate.group != "G11"}
    assert unchanged == {(JANUARY, dt.date(2027, 1, 1))}, "what did not change stays one row"


def test_which_book_holds_when(dso: Dso, tables: Any) -> None:
    july, march = dt.date(2026, 7, 1), dt.date(2026, 3, 1)
    for day in (july, march, july):
        published(dso, tables(), day)
    spans = [(book.number, first, end) for book, first, end in held_spans(dso)]
    assert spans == [(1, JANUARY, march), (3, march, july), (4, july, None)]
    assert [book_on(dso, day).number for day in (march, DAY)] == [3, 4]
    assert book_on(dso, dt.date(2025, 12, 31)) is None


BAD = {
    "deleted row of a zone": (
        ("tariff.csv", f"{DSO},G12,,,,network_variable,night,PLN/kWh,0.0558,discounted,2026-01-01,2027-01-01\n", ""),
        "tariff.csv, line 6, column zone: component 'network_variable' of group G12 is priced in zone day but not in "
        "zone night",
    ),
    "deleted component": (
        ("tariff.csv", f"{DSO},C13,,,,network_fixed,,PLN/kW/month,5.73,full,2026-01-01,2027-01-01\n", ""),
        "tariff.csv, line 8, column component: group C13 has no component 'network_fixed'",
    ),
    "overlapping dates": (
        ("tariff.csv", G11, f"{G11[:-6]}0.2,full,2026-05-01,2026-06-01\n{G11}"),
        "tariff.csv, line 3, column valid_from: component 'network_variable' of group G11 in zone flat: overlap",
    ),
    "a gap of 15 minutes": (
        ("tariff_zones.csv", "G12,day,1-12,all,15:00", "G12,day,1-12,all,15:15"),
        "tariff_zones.csv, line 5, column from: zones of group G12: gap at 15:00 to 15:15 on workdays",
    ),
    "a group in use left out": (
        ("tariff.csv", "all rows of C13", ""),
        "tariff.csv, column group: group C13, which points in Small Cluster have, has no rate on 2026-01-01",
    ),
    "a late start": (
        ("tariff.csv", "2026-01-01", "2026-01-02"),
        "gap: no rate from 2026-01-01, the first day of the book, to 2026-01-02",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_with_its_place_and_nothing_is_published(dso: Dso, tables: Any, case: str) -> None:
    (file, old, new), text = BAD[case]
    if old.startswith("all rows"):
        content = "".join(line for line in FILES[file].splitlines(keepends=True) if ",C13," not in line)
        zones = "".join(line for line in TARIFF_ZONES.splitlines(keepends=True) if not line.startswith("C13"))
        found = tables(tariff=content, tariff_zones=zones)
    elif case == "a late start":
        found = tables(tariff=FILES[file].replace(old, new))
    else:
        found = tables((file, old, new))
    book = draft(dso, found)
    before = counted()
    with pytest.raises(DatasetError) as error:
        publish_book(book, None, NOW, "a misprint")
    assert text in str(error.value)
    book.refresh_from_db()
    assert book.is_draft and counted() == before


def test_a_correction_of_days_that_have_begun_needs_a_reason(dso: Dso, tables: Any) -> None:
    with pytest.raises(DatasetError, match=r"^from 2026-01-01 on book 1 has been charged; give the reason"):
        publish_book(draft(dso, tables()), None, NOW)
    assert publish_book(draft(dso, tables(), dt.date(2026, 12, 1)), None, NOW).book.number == 3


def test_a_second_line_for_the_same_thing_is_no_draft_even(dso: Dso, tables: Any) -> None:
    row = FILES["tariff.csv"].splitlines(keepends=True)[1]
    with pytest.raises(
        DatasetError, match=r"tariff\.csv, line 3, column component: overlap: this is the same as line 2"
    ):
        draft(dso, tables(("tariff.csv", row, row * 2)))
    assert TariffBook.objects.count() == 1


def test_the_books_discounts_hold_where_the_settings_name_none(dso: Dso, tables: Any) -> None:
    discounts = "level,discount\nstation,0.30\ncluster,0.10\n"
    assert touched_by(lambda: published(dso, tables(tariff_discounts=discounts))) == set(), "the settings name both"
    with scope(small().pk):
        ClusterSettings.objects.update(sharing_discount={"cluster": "0.05"})
    higher = discounts.replace("0.30", "0.40")
    assert touched_by(lambda: published(dso, tables(tariff_discounts=higher))) == set(STARTS)
    shares = tariff_book(small()).discounts_on(DAY, {"cluster": Decimal("0.05")})
    assert {level: str(share) for level, share in shares.items()} == {"station": "0.40", "cluster": "0.05"}
    growing = discounts.replace("0.30", "0.01")
    with pytest.raises(DatasetError, match=r"Small Cluster: the sharing discount grows with distance: 0\.01 at"):
        published(dso, tables(tariff_discounts=growing))


def test_two_publications_at_once_follow_each_other(dso: Dso, tables: Any) -> None:
    """Both are retroactive and different; each is counted once, and the later one holds."""
    books = [draft(dso, tables(("tariff.csv", G11, G11[:-1] + digit))) for digit in "89"]
    start = threading.Barrier(2)
    errors: list[BaseException] = []

    def publish(book: TariffBook) -> None:
        try:
            start.wait()
            publish_book(book, None, timezone.now(), "a misprint")
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    before = counted()
    threads = [threading.Thread(target=publish, args=(book,)) for book in books]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sorted(TariffBook.objects.values_list("state", flat=True)) == ["published"] * 3
    last = book_on(dso, DAY)
    assert last.number == max(TariffBook.objects.values_list("number", flat=True))
    assert last.replaces not in (None, last) and last.replaces.replaces.number == 1
    assert {count - before[at] for at, count in counted().items()} == {2}


def test_a_rate_slipped_in_while_the_book_is_published_is_refused(dso: Dso, tables: Any) -> None:
    book = draft(dso, tables())
    slipped: list[str] = []

    def slip_in() -> None:
        try:
            TariffRate.objects.create(
                book=book, group="G11", component="late", zone="flat", unit="PLN/kWh", rate_net=1,
                local_treatment="full", valid_from=JANUARY,
            )  # fmt: skip
        except DatabaseError as error:
            slipped.append(str(error))
        finally:
            connection.close()

    with transaction.atomic():
        publish_book(book, None, NOW, "a misprint")
        thread = threading.Thread(target=slip_in)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits for the publication"
    thread.join()
    assert "is published and can not be changed" in slipped[0]
    assert not TariffRate.objects.filter(component="late").exists()


def test_a_dataset_may_not_change_the_books_but_says_how(dso: Dso, tables: Any, tmp_path: Path) -> None:
    published(dso, tables(("tariff.csv", G11, G11[:-1] + "9")), dt.date(2026, 6, 16))
    with pytest.raises(Exception, match=r"must equal it: a change is a new book \(load_tariff_book"):
        load(write(small_dataset() | {"tariff.csv": FILES["tariff.csv"]}, tmp_path / "again"))
