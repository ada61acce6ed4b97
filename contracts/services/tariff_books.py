"""Drafts of a distributor's tariff book, and their publication."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max

from contracts.dataset.bookfile import DISCOUNTS, RATES, ZONES, BookTables, check_book, check_storable
from contracts.dataset.faults import DatasetError, Fault, Faults
from contracts.domain.composition import Book, compose
from contracts.domain.money import from_micro
from contracts.domain.tariff import Rate
from contracts.domain.zones import ZoneRow
from contracts.selectors import stored
from contracts.selectors.book import book_on, clock, contents, held_spans, published
from contracts.services.book_effects import Effect, check_use, touch_changed
from contracts.tariff_models import TariffBook, TariffRate, TariffZone
from metering.domain.calendar import local_day, time_zone
from participants.models import Cluster, Dso, User

#: Where nobody's grid has a cluster yet, days begin here.
HOME = "Europe/Warsaw"


@dataclass(frozen=True, slots=True)
class Published:
    """A published book, the days `[first, end)` on which it holds now, and what it changed in each cluster."""

    book: TariffBook
    first: date
    end: date | None
    effects: tuple[Effect, ...]


@transaction.atomic
def create_draft(
    dso: Dso, tables: BookTables, *, name: str, valid_from: date, now: datetime, note: str = ""
) -> TariffBook:
    """A new draft; what it lacks is no matter yet. Raises DatasetError where two lines can't both be kept."""
    _refuse_doubles(tables)
    _lock(dso)
    book = TariffBook.objects.create(
        dso=dso, number=_next_number(dso), name=name, valid_from=valid_from, note=note, created_at=now,
        sharing_discount=_discounts(tables.book(valid_from)), places=_places(tables),
    )  # fmt: skip
    _store_rows(book, tables.rates.rows, tables.zones.rows)
    return book


@transaction.atomic
def replace_draft(
    book: TariffBook, tables: BookTables, *, name: str, valid_from: date, note: str | None = None
) -> TariffBook:
    """The draft says this now, all of it. Raises DatasetError, also where it has been published meanwhile."""
    _refuse_doubles(tables)
    book = _draft(book)
    book.name, book.valid_from = name, valid_from
    book.note = book.note if note is None else note
    book.sharing_discount = _discounts(tables.book(valid_from))
    book.places = _places(tables)
    book.save()
    book.rates.all().delete()
    book.zones.all().delete()
    _store_rows(book, tables.rates.rows, tables.zones.rows)
    return book


@transaction.atomic
def delete_draft(book: TariffBook) -> None:
    """Raises DatasetError where it has been published."""
    _draft(book).delete()


@transaction.atomic
def publish_book(book: TariffBook, by: User | None, now: datetime, reason: str = "") -> Published:
    """Publish a draft: from now on it never changes, and from its first day it holds.

    Marks stale what clearing would settle otherwise now: exactly those quarter-hours, in every cluster on the grid.
    Monthly rates change no quarter-hour, but what is billed: the effects name the days. Raises DatasetError with
    everything that is wrong, by file and line as the book is written, and changes nothing then. Whoever publishes
    another book of the distributor waits.
    """
    dso = _lock(book.dso)
    book = _draft(book)
    check_draft(book, now, reason).check()
    return _publish(dso, book, by, now, reason)


def check_draft(book: TariffBook, now: datetime, reason: str = "") -> Faults:
    """Everything that keeps a draft from being published today, the clusters' own terms included."""
    tables = stored.book_tables(book)
    faults = Faults()
    check_book(tables, book.valid_from, faults)
    replaced = book_on(book.dso, book.valid_from)
    if replaced and book.valid_from <= _today(book.dso, now) and not reason.strip():
        text = f"from {book.valid_from} on book {replaced.number} has been charged; give the reason of the correction"
        faults.add("", 0, "reason", text)
    if tables.rates.rows:
        check_use(book.dso, tables, book.valid_from, _end(book), faults)
    return faults


def publish_loaded(dso: Dso, books: tuple[Book, ...], now: datetime) -> None:
    """The books of a dataset, which has checked them. Needs the lock on the distributor, who has none published."""
    for content in books:
        book = TariffBook.objects.create(
            dso=dso, number=_next_number(dso), name=f"{content.valid_from:%Y}", valid_from=content.valid_from,
            sharing_discount=_discounts(content), created_at=now,
        )  # fmt: skip
        _store_rows(book, content.rates, content.zones)
        _publish(dso, book, None, now, "")


def _publish(dso: Dso, book: TariffBook, by: User | None, now: datetime, reason: str) -> Published:
    known = list(published(dso))
    before = contents(known)
    if known and known[-1].number > book.number:
        # Of two books from the same day the later one holds, however long it was a draft.
        book.number = _next_number(dso)
    book.replaces = book_on(dso, book.valid_from)
    book.state = TariffBook.State.PUBLISHED
    book.published_at, book.published_by, book.reason = now, by, reason.strip()
    book.save()
    (first, end) = next((first, end) for held, first, end in held_spans(dso) if held.pk == book.pk)
    effects = touch_changed(dso, compose(before), compose([*before, *contents([book])]), first, end)
    return Published(book, first, end, effects)


def _end(book: TariffBook) -> date | None:
    """The day on which another book would follow if this one were published."""
    later = published(book.dso).filter(valid_from__gt=book.valid_from).order_by("valid_from").first()
    return later.valid_from if later else None


def _today(dso: Dso, now: datetime) -> date:
    zones = set(Cluster.objects.filter(dso=dso).values_list("timezone", flat=True)) or {HOME}
    return max(local_day(now, time_zone(zone)) for zone in zones)


def _lock(dso: Dso) -> Dso:
    return Dso.objects.select_for_update().get(pk=dso.pk)


def _draft(book: TariffBook) -> TariffBook:
    """The row, locked, so that nobody publishes or changes it at the same time."""
    found = TariffBook.objects.select_for_update(of=("self",)).select_related("dso").filter(pk=book.pk).first()
    if found is None or not found.is_draft:
        state = "is published and can't be changed" if found else "is gone"
        raise DatasetError((Fault("", 0, "", f"tariff book {book.number} {state}"),))
    return found


def _next_number(dso: Dso) -> int:
    return (TariffBook.objects.filter(dso=dso).aggregate(last=Max("number"))["last"] or 0) + 1


def _refuse_doubles(tables: BookTables) -> None:
    faults = Faults()
    check_storable(tables, faults)
    if not tables.rates.rows:
        faults.add(RATES, 0, "", "the book has no rates")
    faults.check()


def _discounts(content: Book) -> dict[str, str]:
    return {level: str(share) for level, share in content.discounts.items()}


def _places(tables: BookTables) -> dict[str, dict[str, object]]:
    """Files and rows as `stored.book_tables` reads them; discounts are kept by level, not in their order."""
    return {
        RATES: {"file": tables.rates.file, "lines": list(tables.rates.lines)},
        ZONES: {"file": tables.zones.file, "lines": list(tables.zones.lines)},
        DISCOUNTS: {"file": tables.discounts.file},
    }


def _store_rows(book: TariffBook, rates: tuple[Rate, ...], zones: tuple[ZoneRow, ...]) -> None:
    TariffRate.objects.bulk_create(
        TariffRate(
            book=book,
            group=rate.group,
            phases=rate.phases,
            use_from_kwh=rate.use_from_kwh,
            use_to_kwh=rate.use_to_kwh,
            component=rate.component,
            zone=rate.zone,
            unit=rate.unit,
            rate_net=from_micro(rate.micro),
            local_treatment=rate.treatment,
            valid_from=rate.valid_from,
            valid_to=rate.valid_to,
        )
        for rate in rates
    )
    TariffZone.objects.bulk_create(
        TariffZone(
            book=book,
            group=row.group,
            zone=row.zone,
            months=row.months,
            day_type=row.day_type,
            starts=clock(row.start),
            ends=clock(row.end),
        )
        for row in zones
    )
