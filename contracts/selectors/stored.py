"""What is stored of a cluster, as the records of the exchange format.

Each function returns (row, record) pairs of the cluster in scope: loading compares the records, dumping writes them.
"""

from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Model

from contracts.dataset import records as r
from contracts.dataset.bookfile import DISCOUNTS, RATES, ZONES, BookTables, DiscountRecord
from contracts.domain.composition import Tariff, divide
from contracts.domain.money import scaled
from contracts.domain.tariff import Rate
from contracts.domain.zones import ZoneRow
from contracts.models import (
    ClusterSettings,
    ClusterTerms,
    Contract,
    ExternalPrice,
    RetailPrice,
    StandardSalePrice,
    StaticKey,
)
from contracts.selectors.book import content
from contracts.tariff_models import TariffBook
from metering.models import GridNode, PointAssignment
from participants.models import Cluster, Coordinator, Dso, Participant

Row = TypeVar("Row", bound=Model)
Record = TypeVar("Record")
Pairs = list[tuple[Row, Record]]


def table(file: str, pairs: Pairs[Row, Record]) -> r.Table[Record]:
    """The records alone."""
    return _on_lines(file, tuple(record for _, record in pairs))


def _on_lines(file: str, rows: tuple[Any, ...]) -> r.Table[Any]:
    """As they stand in a file, below its header."""
    return r.Table(file, rows, tuple(range(2, len(rows) + 2)))


def rates(tariff: Tariff) -> r.Table[Rate]:
    """The rates of a distributor's published books."""
    return _on_lines(RATES, tariff.rates)


def zones(tariff: Tariff) -> r.Table[ZoneRow]:
    """The zones of a distributor's published books."""
    return _on_lines(ZONES, tariff.zones)


def book_records(tariff: Tariff) -> tuple[r.BookRecord, ...]:
    """The days from which another book holds, with its discounts; none where one book without discounts says it all."""
    books = divide(tariff)
    if len(books) == 1 and not books[0].discounts:
        return ()
    return tuple(r.BookRecord(book.valid_from, book.discounts) for book in books)


def book_tables(book: TariffBook) -> BookTables:
    """What one book says, published or not, as it stood in its files, or else would stand in them."""
    found = content(book)
    discounts = tuple(DiscountRecord(level, share) for level, share in found.discounts.items())
    return BookTables(
        _placed(book, RATES, found.rates),
        _placed(book, ZONES, found.zones),
        _placed(book, DISCOUNTS, discounts),
    )


def _placed(book: TariffBook, name: str, rows: tuple[Any, ...]) -> r.Table[Any]:
    place = book.places.get(name, {})
    table = _on_lines(place.get("file", name), rows)
    return r.Table(table.file, rows, tuple(place.get("lines", table.lines)))


def cluster_record(row: Cluster) -> r.ClusterRecord:
    return r.ClusterRecord(
        row.slug, row.name, row.timezone, row.holidays, row.currency, row.interval_minutes, row.latitude, row.longitude
    )


def dso_record(row: Dso) -> r.DsoRecord:
    return r.DsoRecord(row.name, row.nip, row.iban)


def coordinators(cluster: Cluster) -> Pairs[Coordinator, r.CoordinatorRecord]:
    """At most one."""
    rows = Coordinator.objects.filter(cluster=cluster)
    return [(row, _copied(r.CoordinatorRecord, row)) for row in rows]


def terms(cluster: Cluster) -> Pairs[ClusterTerms, r.TermsRecord]:
    """At most one."""
    return [(row, _copied(r.TermsRecord, row)) for row in ClusterTerms.objects.filter(cluster=cluster)]


def settings(cluster: Cluster) -> Pairs[ClusterSettings, r.SettingsRecord]:
    """Settings in the order of their days."""
    rows = ClusterSettings.objects.filter(cluster=cluster).order_by("valid_from")
    return [(row, _settings_record(row)) for row in rows]


def grid_nodes(cluster: Cluster) -> Pairs[GridNode, r.GridNodeRecord]:
    """The grid, each node after its parent, siblings by code."""
    rows = {row.pk: row for row in GridNode.objects.filter(cluster=cluster)}

    def path(row: GridNode) -> tuple[str, ...]:
        above = path(rows[row.parent_id]) if row.parent_id else ()
        return (*above, row.code)

    ordered = sorted(rows.values(), key=lambda row: (len(path(row)), path(row)))
    return [
        (row, r.GridNodeRecord(row.code, rows[row.parent_id].code if row.parent_id else None, row.level))
        for row in ordered
    ]


def participants(cluster: Cluster) -> Pairs[Participant, r.ParticipantRecord]:
    """Participants by their code."""
    rows = Participant.objects.filter(cluster=cluster)
    return [(row, _copied(r.ParticipantRecord, row, id=row.code)) for row in sorted(rows, key=lambda row: row.code)]


def metering_points(cluster: Cluster) -> Pairs[PointAssignment, r.MeteringPointRecord]:
    """Assignments of metering points by code and day."""
    rows = PointAssignment.objects.filter(cluster=cluster).select_related("metering_point", "participant", "grid_node")
    return [
        (
            row,
            _copied(
                r.MeteringPointRecord,
                row,
                code=row.metering_point.code,
                participant=row.participant.code if row.participant else None,
                grid_node=row.grid_node.code,
            ),
        )
        for row in sorted(rows, key=lambda row: (row.metering_point.code, row.valid_from))
    ]


def contracts(cluster: Cluster) -> Pairs[Contract, r.ContractRecord]:
    """Contracts by participant and day."""
    rows = Contract.objects.filter(cluster=cluster).select_related("participant")
    return [
        (row, _copied(r.ContractRecord, row, participant=row.participant.code))
        for row in sorted(rows, key=lambda row: (row.participant.code, row.valid_from))
    ]


def retail(cluster: Cluster) -> Pairs[RetailPrice, r.RetailRecord]:
    """Prices of the default offer in the order in which they came."""
    rows = RetailPrice.objects.filter(cluster=cluster, offer__is_default=True).order_by("pk")
    return [(row, _copied(r.RetailRecord, row)) for row in rows]


def standard_sale(cluster: Cluster) -> Pairs[StandardSalePrice, r.StandardSaleRecord]:
    """The latest standard sale prices, in the order in which their months first came."""
    latest = {}
    for row in StandardSalePrice.objects.filter(cluster=cluster).order_by("version", "pk"):
        latest[row.legal_form, row.month] = row
    return [(row, _copied(r.StandardSaleRecord, row)) for row in latest.values()]


def static_keys(cluster: Cluster) -> Pairs[StaticKey, r.StaticKeyRecord]:
    """Keys by day and participant."""
    rows = StaticKey.objects.filter(cluster=cluster).select_related("participant")
    return [
        (row, _copied(r.StaticKeyRecord, row, participant=row.participant.code))
        for row in sorted(rows, key=lambda row: (row.valid_from, row.participant.code))
    ]


def external_prices(cluster: Cluster) -> Pairs[ExternalPrice, r.ExternalPriceRecord]:
    """The latest price of each quarter-hour, in order."""
    rows = (
        ExternalPrice.objects.filter(cluster=cluster).order_by("interval_start", "-version").distinct("interval_start")
    )
    return [
        (row, r.ExternalPriceRecord(row.interval_start, scaled(row.buy_pln_kwh, 6), scaled(row.sell_pln_kwh, 6)))
        for row in rows
    ]


def _settings_record(row: ClusterSettings) -> r.SettingsRecord:
    discounts = {level: Decimal(discount) for level, discount in row.sharing_discount.items()}
    return _copied(r.SettingsRecord, row, sharing_discount=discounts)


def _copied(record: type[Record], row: Model, **own: Any) -> Record:
    """The record whose fields are the row's of the same names, but for `own`."""
    names = record.__dataclass_fields__  # type: ignore[attr-defined]
    return record(**{name: own[name] if name in own else getattr(row, name) for name in names})
