"""What a distributor sees of a book before it is published, and the publication of what was seen."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction

from contracts.dataset.bookfile import BookTables
from contracts.dataset.faults import DatasetError, Fault
from contracts.domain.book_difference import Difference, Said, difference
from contracts.domain.book_findings import book_findings
from contracts.domain.composition import Tariff, compose
from contracts.domain.example_bills import Example, Prices, examples
from contracts.models import ClusterTerms
from contracts.selectors import stored
from contracts.selectors.book import contents, published
from contracts.services.tariff_books import HOME, Published, check_draft, publish_book
from contracts.tariff_models import TariffBook
from metering.domain.calendar import public_holidays, time_zone
from participants.models import Cluster, Dso, User
from participants.tenancy.scope import scope

#: Where nobody's grid has a cluster yet.
HOME_COUNTRY = "PL"
VAT_RATE = Decimal("0.23")


class NotSeen(ValueError):
    """The book or what it is compared with is not what was looked at; look again."""


@dataclass(frozen=True, slots=True)
class Review:
    """Mistakes stop the book; questions have to be confirmed. `digest` names what was seen."""

    mistakes: tuple[Fault, ...]
    more_mistakes: bool
    questions: tuple[Fault, ...]
    needs_reason: bool
    difference: Difference
    digest: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a grid is: what its days and hours mean, and which days are free."""

    tz: ZoneInfo
    country: str


def place_of(dso: Dso) -> Place:
    """That of the distributor's first cluster."""
    cluster = _first_cluster(dso)
    return Place(time_zone(cluster.timezone), cluster.holidays) if cluster else Place(time_zone(HOME), HOME_COUNTRY)


def vat_rate_of(dso: Dso) -> Decimal:
    """The VAT of the bills in the distributor's first cluster, or the usual one."""
    cluster = _first_cluster(dso)
    if cluster is None:
        return VAT_RATE
    with scope(cluster.pk):
        terms = ClusterTerms.objects.first()
    return terms.vat_rate if terms else VAT_RATE


def _first_cluster(dso: Dso) -> Cluster | None:
    return Cluster.objects.filter(dso=dso).order_by("pk").first()


def tariff_before(book: TariffBook) -> Tariff:
    """What holds on each day without the book: by those published before it."""
    return compose(contents(other for other in published(book.dso) if book.is_draft or other.number < book.number))


def review(book: TariffBook, now: datetime) -> Review:
    """Findings on a draft, and what it changes."""
    tables, before = stored.book_tables(book), tariff_before(book)
    faults, more = _mistakes(book, now)
    asked = [fault for fault in faults if fault.column == "reason" and not fault.file]
    found = book_findings(tables.rates.rows, book.valid_from, before.rates)
    told = [(finding.mistake, _fault(tables, finding.row, finding.column, finding.text)) for finding in found]
    known = {(fault.file, fault.line, fault.column) for fault in faults if fault.line}
    told = [(mistake, fault) for mistake, fault in told if (fault.file, fault.line, fault.column) not in known]
    mistakes = [*(fault for fault in faults if fault not in asked), *(fault for mistake, fault in told if mistake)]
    questions = tuple(fault for mistake, fault in told if not mistake)
    changed = changes(book, before)
    seen = repr((book.pk, questions, changed))
    digest = hashlib.sha256(seen.encode()).hexdigest()
    return Review(tuple(mistakes), more, questions, bool(asked), changed, digest)


def changes(book: TariffBook, before: Tariff) -> Difference:
    """What the book says otherwise than `before`, from its first day on."""
    content = contents([book])[0]
    first = book.valid_from
    held = [row for row in before.discounts if row.valid_from <= first and first < (row.valid_to or date.max)]
    old = Said(before.rates, [row for row in before.zones if row.in_force(first)], held[0].discounts if held else {})
    return difference(old, Said(content.rates, content.zones, content.discounts), first)


def example_bills(book: TariffBook, before: Tariff) -> list[Example]:
    """What typical members pay by the book's rates, beside what they pay without it."""
    place = place_of(book.dso)
    content = contents([book])[0]
    day = max(book.valid_from, min((rate.valid_from for rate in content.rates), default=date.min))
    old = Prices(before.rates, [row for row in before.zones if row.in_force(day)])
    holidays = public_holidays(place.country)
    return examples(old, Prices(content.rates, content.zones), day, holidays, place.tz, vat_rate_of(book.dso))


@transaction.atomic
def publish_seen(book: TariffBook, by: User | None, now: datetime, reason: str, digest: str) -> Published:
    """Publish a draft that was looked at, its questions confirmed. Raises NotSeen, and DatasetError with mistakes."""
    Dso.objects.select_for_update().get(pk=book.dso_id)
    seen = review(book, now)
    if seen.mistakes:
        raise DatasetError(seen.mistakes, more=seen.more_mistakes)
    if seen.digest != digest:
        raise NotSeen
    return publish_book(book, by, now, reason)


def _mistakes(book: TariffBook, now: datetime) -> tuple[Sequence[Fault], bool]:
    try:
        check_draft(book, now).check()
    except DatasetError as error:
        return error.faults, error.more
    return (), False


def _fault(tables: BookTables, row: int | None, column: str, text: str) -> Fault:
    return Fault(tables.rates.file, 0 if row is None else tables.rates.lines[row], column, text)
