"""Publishes a distributor's tariff book, or compares a folder with the book that is published."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from contracts.dataset.clusterfile import FILE
from contracts.dataset.faults import Fault, Faults
from contracts.dataset.records import Dataset, Table
from contracts.domain.money import from_micro
from contracts.domain.tariff import Rate
from contracts.domain.zones import ZoneRow
from contracts.models import TariffRate, TariffZone
from contracts.selectors import stored
from contracts.selectors.book import clock, rates_of, zones_of
from participants.models import Dso

Row = TypeVar("Row", Rate, ZoneRow)
_COLUMNS = {"micro": "rate_net", "treatment": "local_treatment", "start": "from", "end": "to"}


def publish_or_compare(dataset: Dataset) -> Dso:
    """The distributor of the folder. An unknown one is published; of a known one everything must be equal.

    Raises DatasetError naming the rows that differ. Needs a transaction: the distributor's row is locked.
    """
    record = dataset.dso
    dso, _ = Dso.objects.get_or_create(name=record.name, defaults={"nip": record.nip, "iban": record.iban})
    dso = Dso.objects.select_for_update().get(pk=dso.pk)
    faults = Faults()
    known = stored.dso_record(dso)
    for column in ("nip", "iban"):
        if getattr(known, column) != getattr(record, column):
            text = f"{record.name} is known with {getattr(known, column)}; correct it"
            faults.add(FILE, 0, f"dso.{column}", text)
    rates, zones = rates_of(dso), zones_of(dso)
    if rates:
        for fault in (
            *_differences(dataset.rates, rates, record.name),
            *_differences(dataset.zones, zones, record.name),
        ):
            faults.add(fault.file, fault.line, fault.column, fault.text)
    faults.check()
    if not rates:
        TariffRate.objects.bulk_create([_rate_row(dso, rate) for rate in dataset.rates])
        TariffZone.objects.bulk_create([_zone_row(dso, zone) for zone in dataset.zones])
    return dso


def _differences(table: Table[Row], known: Sequence[Row], dso: str) -> Iterator[Fault]:
    """Rows of the folder that the book has not, with the column in which the nearest one differs; and vice versa."""
    published, given = set(known), set(table.rows)
    spare = [row for row in known if row not in given]
    for row, line in zip(table.rows, table.lines, strict=True):
        if row not in published:
            nearest = min(spare, key=lambda other: len(_differing(row, other)), default=None)
            differing = _differing(row, nearest) if nearest is not None else []
            column = differing[0] if len(differing) == 1 else ""
            yield Fault(table.file, line, column, f"this differs from the published book of {dso}; it must equal it")
    if given <= published and len(table) == len(given):
        for row in spare:
            text = f"the published book of {dso} also has {_words(row)}; the folder must equal it"
            yield Fault(table.file, 0, "", text)


def _differing(row: Row, other: Row) -> list[str]:
    names = [name for name in row.__dataclass_fields__ if getattr(row, name) != getattr(other, name)]
    return [_COLUMNS.get(name, name) for name in names]


def _words(row: Rate | ZoneRow) -> str:
    if isinstance(row, Rate):
        return f"component '{row.component}' of group {row.group} {row.zone} from {row.valid_from}"
    return f"zone '{row.zone}' of group {row.group} for months {row.months}, {row.day_type} {clock(row.start)}"


def _rate_row(dso: Dso, rate: Rate) -> TariffRate:
    return TariffRate(
        dso=dso,
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


def _zone_row(dso: Dso, row: ZoneRow) -> TariffZone:
    return TariffZone(
        dso=dso,
        group=row.group,
        zone=row.zone,
        months=row.months,
        day_type=row.day_type,
        starts=clock(row.start),
        ends=clock(row.end),
    )
