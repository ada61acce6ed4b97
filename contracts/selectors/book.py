"""A distributor's published tariff books, and what they come to on each day."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from contracts.domain.composition import Book, Tariff, compose, held
from contracts.domain.money import to_micro
from contracts.domain.tariff import Rate
from contracts.domain.tariff import TariffBook as Composed
from contracts.domain.zones import ANY_GROUP, ZoneRow, format_clock, parse_clock
from contracts.tariff_models import TariffBook, TariffRate, TariffZone
from metering.domain.calendar import public_holidays
from participants.models import Cluster, Dso


def tariff_book(cluster: Cluster) -> Composed:
    """What the published books of the cluster's distributor come to, with the cluster's public holidays."""
    return composed(tariff(cluster.dso), cluster)


def composed(whole: Tariff, cluster: Cluster) -> Composed:
    """A tariff as the cluster reads it, with its public holidays."""
    return Composed(whole.rates, whole.zones, public_holidays(cluster.holidays), whole.discounts)


def tariff(dso: Dso) -> Tariff:
    """What the distributor's published books come to."""
    return compose(contents(published(dso)))


def published(dso: Dso) -> QuerySet[TariffBook]:
    """The distributor's published books, in order of their numbers."""
    return TariffBook.objects.filter(dso=dso, state=TariffBook.State.PUBLISHED).order_by("number")


def book_on(dso: Dso, day: date) -> TariffBook | None:
    """The book that holds on a local day."""
    return published(dso).filter(valid_from__lte=day).order_by("-valid_from", "-number").first()


def held_spans(dso: Dso) -> list[tuple[TariffBook, date, date | None]]:
    """Which book holds on which local days `[first, end)`, in order of days; books that never hold are left out."""
    books = list(published(dso))
    return [(books[span.position], span.first, span.end) for span in held([book.valid_from for book in books])]


def tariff_groups(dso: Dso) -> list[str]:
    """The groups of the books that hold on some day, but for `*`."""
    holding = [book.pk for book, _, _ in held_spans(dso)]
    rates = TariffRate.objects.filter(book__in=holding).exclude(group=ANY_GROUP)
    return list(rates.order_by("group").values_list("group", flat=True).distinct())


def content(book: TariffBook) -> Book:
    """What one book says."""
    return contents([book])[0]


def contents(books: Iterable[TariffBook]) -> list[Book]:
    """What each of the books says; two queries for all of them."""
    books = list(books)
    rates: dict[int, list[Rate]] = {book.pk: [] for book in books}
    zones: dict[int, list[ZoneRow]] = {book.pk: [] for book in books}
    for rate in TariffRate.objects.filter(book__in=rates).order_by("pk"):
        rates[rate.book_id].append(_rate(rate))
    for zone in TariffZone.objects.filter(book__in=zones).order_by("pk"):
        row = ZoneRow(zone.group, zone.zone, zone.months, zone.day_type, _minute(zone.starts), _minute(zone.ends))
        zones[zone.book_id].append(row)
    return [Book(b.valid_from, tuple(rates[b.pk]), tuple(zones[b.pk]), discounts(b.sharing_discount)) for b in books]


def discounts(stored: Mapping[str, object]) -> dict[str, Decimal]:
    """Discounts by sharing level as they are stored."""
    return {level: Decimal(str(share)) for level, share in stored.items()}


def clock(minute: int | None) -> str:
    """How a zone's time of day is stored: `06:00`, or empty."""
    return "" if minute is None else format_clock(minute)


def _minute(text: str) -> int | None:
    return parse_clock(text) if text else None


def _rate(row: TariffRate) -> Rate:
    return Rate(
        group=row.group,
        phases=row.phases,
        use_from_kwh=row.use_from_kwh,
        use_to_kwh=row.use_to_kwh,
        component=row.component,
        zone=row.zone,
        unit=row.unit,
        micro=to_micro(row.rate_net),
        treatment=row.local_treatment,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )
