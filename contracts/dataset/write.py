"""Writes a cluster-dataset/1 folder: the inverse of reading one, the same bytes for the same content."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from contracts.dataset.clusterfile import DEFAULTS, FILE, FORMAT
from contracts.dataset.records import Dataset, MeteringPointRecord, ParticipantRecord
from contracts.dataset.tables import COLUMNS, OPTIONAL_COLUMNS, OPTIONAL_FILES
from contracts.domain.money import from_micro
from contracts.domain.tariff import Rate
from contracts.domain.zones import ZoneRow, format_clock
from metering.domain.calendar import format_instant, format_period

Line = Sequence[object]


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Everything but the readings, which are copied beside it. Optional files without rows are left out."""
    (folder / FILE).write_text("\n".join(_cluster_file(dataset)), encoding="utf-8", newline="\n")
    for name, lines in _TABLES.items():
        rows = list(lines(dataset))
        if rows or name not in OPTIONAL_FILES:
            with (folder / name).open("w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerows(_needed(COLUMNS[name], rows, OPTIONAL_COLUMNS.get(name, {})))


def _needed(columns: Sequence[str], rows: list[Line], optional: Mapping[str, str]) -> Iterator[Line]:
    """Header and rows without the optional columns in which nothing but the usual value stands."""
    kept = [
        place
        for place, column in enumerate(columns)
        if column not in optional or any(row[place] != optional[column] for row in rows)
    ]
    for row in (columns, *rows):
        yield [row[place] for place in kept]


def number(value: Decimal, places: int) -> str:
    """The decimal in plain notation, with at least `places` decimals and no further zeros.

    >>> number(Decimal("0.246400"), 2), number(Decimal("14.000"), 1)
    ('0.2464', '14.0')
    """
    whole, _, decimals = f"{value:f}".partition(".")
    decimals = decimals.rstrip("0").ljust(places, "0")
    return f"{whole}.{decimals}" if decimals else whole


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _clock(minute: int | None) -> str:
    return "" if minute is None else format_clock(minute)


def _grid_nodes(dataset: Dataset) -> Iterator[Line]:
    for row in dataset.grid_nodes:
        yield row.node, row.parent, row.level


def participant_line(row: ParticipantRecord) -> Line:
    """A line of participants.csv."""
    return (
        row.id, row.kind, row.legal_form, row.name, row.email, row.street, row.postcode, row.city, row.country,
        row.nip, row.iban, _yes(row.vat_payer),
    )  # fmt: skip


def metering_point_line(row: MeteringPointRecord) -> Line:
    """A line of metering_points.csv."""
    return (
        row.code, row.participant, row.role, row.grid_node, row.tariff_group, number(row.contracted_power_kw, 1),
        number(row.generation_capacity_kw, 1), row.generation_source, row.phases, row.yearly_use_kwh,
        number(row.capacity_factor, 2), _day(row.valid_from), _day(row.valid_to),
    )  # fmt: skip


def _contracts(dataset: Dataset) -> Iterator[Line]:
    for row in dataset.contracts:
        yield row.participant, row.scheme, _day(row.valid_from), _day(row.valid_to)


def rate_line(dso: str, row: Rate) -> Line:
    """A line of tariff.csv."""
    return (
        dso, row.group, row.phases, row.use_from_kwh, row.use_to_kwh, row.component, row.zone, row.unit,
        number(from_micro(row.micro), 2), row.treatment, _day(row.valid_from), _day(row.valid_to),
    )  # fmt: skip


def zone_line(row: ZoneRow) -> Line:
    """A line of one book's tariff_zones.csv."""
    return row.group, row.zone, row.months, row.day_type, _clock(row.start), _clock(row.end)


def _zones(dataset: Dataset) -> Iterator[Line]:
    for row in dataset.zones:
        yield *zone_line(row), _day(row.valid_from), _day(row.valid_to)


def _retail(dataset: Dataset) -> Iterator[Line]:
    for row in dataset.retail:
        yield row.group, row.zone, number(row.energy_pln_kwh, 4), _day(row.valid_from), _day(row.valid_to)


def _standard_sale(dataset: Dataset) -> Iterator[Line]:
    for row in dataset.standard_sale:
        yield row.legal_form, format_period(row.month), number(row.pln_mwh, 2), number(row.factor, 2)


def _external_prices(dataset: Dataset) -> Iterator[Line]:
    for row in dataset.external_prices:
        prices = (number(Decimal(micro).scaleb(-3), 2) for micro in (row.buy_micro, row.sell_micro))
        yield format_instant(row.interval_start), *prices


def _static_keys(dataset: Dataset) -> Iterator[Line]:
    for row in dataset.static_keys:
        yield row.participant, number(row.share, 2), _day(row.valid_from)


_TABLES: dict[str, Callable[[Dataset], Iterable[Line]]] = {
    "grid_nodes.csv": _grid_nodes,
    "participants.csv": lambda dataset: map(participant_line, dataset.participants),
    "metering_points.csv": lambda dataset: map(metering_point_line, dataset.metering_points),
    "contracts.csv": _contracts,
    "tariff.csv": lambda dataset: (rate_line(dataset.dso.name, row) for row in dataset.rates),
    "tariff_zones.csv": _zones,
    "retail.csv": _retail,
    "standard_sale.csv": _standard_sale,
    "external_prices.csv": _external_prices,
    "static_keys.csv": _static_keys,
}


def _cluster_file(dataset: Dataset) -> Iterator[str]:
    """The lines of cluster.toml."""
    yield f"format = {_quoted(FORMAT)}"
    yield from _toml("[cluster]", dataset.cluster)
    yield from _toml("[coordinator]", dataset.coordinator)
    yield from _toml("[dso]", dataset.dso)
    yield from ("", "[tax]")
    yield f"vat_rate = {_quoted(number(dataset.terms.vat_rate, 2))}"
    yield f"excise_pln_kwh = {_quoted(number(dataset.terms.excise_pln_kwh, 6))}"
    yield from ("", "[standard]", f"netting = {_quoted(dataset.terms.netting)}")
    for settings in dataset.settings:
        yield from _toml("[[settings]]", settings)
    for book in dataset.books:
        yield from _toml("[[books]]", book)
    yield ""


def _toml(header: str, record: object) -> Iterator[str]:
    yield from ("", header)
    for name in record.__dataclass_fields__:  # type: ignore[attr-defined]
        value = getattr(record, name)
        if value is not None and value != {} and (name not in DEFAULTS or value != DEFAULTS[name]):
            yield f"{name} = {_toml_value(name, value)}"


def _toml_value(name: str, value: object) -> str:
    if isinstance(value, dict):
        nearest_first = sorted(value.items(), key=lambda pair: (-pair[1], pair[0]))
        pairs = (f"{_key(level)} = {_quoted(number(share, 2))}" for level, share in nearest_first)
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return _quoted(number(value, 6 if name.endswith("_pln_kwh") else 1))
    return _quoted(str(value))


def _key(level: str) -> str:
    return level if level.isascii() else _quoted(level)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
