"""Publishes the tariff books of a dataset, or compares them with those that are published."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from contracts.dataset.clusterfile import FILE
from contracts.dataset.faults import Fault, Faults
from contracts.dataset.records import Dataset, Table
from contracts.domain.composition import Tariff, divide
from contracts.domain.tariff import Rate
from contracts.domain.zones import ZoneRow
from contracts.selectors.book import clock, tariff
from contracts.services.tariff_books import publish_loaded
from participants.models import Dso

Row = TypeVar("Row", Rate, ZoneRow)
_NEW_BOOK = "a change is a new book (load_tariff_book, or the distributor's pages)"
_COLUMNS = {"micro": "rate_net", "treatment": "local_treatment", "start": "from", "end": "to"}


def publish_or_compare(dataset: Dataset, now: datetime) -> Dso:
    """The distributor of the folder. An unknown one is published; of a known one everything must be equal.

    Raises DatasetError naming the rows that differ. Needs a transaction: the distributor's row is locked.
    """
    record = dataset.dso
    dso, _ = Dso.objects.get_or_create(name=record.name, defaults={"nip": record.nip, "iban": record.iban})
    dso = Dso.objects.select_for_update().get(pk=dso.pk)
    faults = Faults()
    if not dso.iban:
        # A ready book says whose it is, not where to pay.
        dso.iban = record.iban
        dso.save(update_fields=["iban"])
    for column in ("nip", "iban"):
        if getattr(dso, column) != getattr(record, column):
            text = f"{record.name} is known with {getattr(dso, column)}; correct it"
            faults.add(FILE, 0, f"dso.{column}", text)
    faults.check()
    known = tariff(dso)
    if not known.rates:
        publish_loaded(dso, divide(dataset.tariff), now)
        return dso
    for fault in (
        *_differences(dataset.rates, known.rates, record.name),
        *_differences(dataset.zones, known.zones, record.name),
        *_other_discounts(dataset, known),
    ):
        faults.add(fault.file, fault.line, fault.column, fault.text)
    faults.check()
    return dso


def _other_discounts(dataset: Dataset, known: Tariff) -> Iterator[Fault]:
    if dataset.tariff.discounts != known.discounts:
        text = f"the discounts by sharing level differ from the published books of {dataset.dso.name}: {_NEW_BOOK}"
        yield Fault(FILE, 0, "books", text)


def _differences(table: Table[Row], known: Sequence[Row], dso: str) -> Iterator[Fault]:
    """Rows of the folder that the book has not, with the column in which the nearest one differs; and vice versa."""
    published, given = set(known), set(table.rows)
    spare = [row for row in known if row not in given]
    for row, line in zip(table.rows, table.lines, strict=True):
        if row not in published:
            nearest = min(spare, key=lambda other: len(_differing(row, other)), default=None)
            differing = _differing(row, nearest) if nearest is not None else []
            column = differing[0] if len(differing) == 1 else ""
            text = f"this differs from the published book of {dso}; it must equal it: {_NEW_BOOK}"
            yield Fault(table.file, line, column, text)
    if given <= published and len(table) == len(given):
        for row in spare:
            text = f"the published book of {dso} also has {_words(row)}; the folder must equal it: {_NEW_BOOK}"
            yield Fault(table.file, 0, "", text)


def _differing(row: Row, other: Row) -> list[str]:
    names = [name for name in row.__dataclass_fields__ if getattr(row, name) != getattr(other, name)]
    return [_COLUMNS.get(name, name) for name in names]


def _words(row: Rate | ZoneRow) -> str:
    if isinstance(row, Rate):
        return f"component '{row.component}' of group {row.group} {row.zone} from {row.valid_from}"
    return f"zone '{row.zone}' of group {row.group} for months {row.months}, {row.day_type} {clock(row.start)}"
