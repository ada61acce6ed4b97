"""Columns and rows of the CSV files."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from contracts.dataset import records as r
from contracts.dataset.csvfile import find_file, read_table
from contracts.dataset.faults import Faults
from contracts.dataset.fields import Fields
from contracts.domain.fees import EXTERNAL
from contracts.domain.money import scaled, to_micro
from contracts.domain.tariff import TREATMENTS, UNITS, Rate
from contracts.domain.zones import DAY_TYPES, ZoneRow
from metering.domain.generation import PHOTOVOLTAICS, SOURCES

Row = TypeVar("Row")

KINDS = ("consumer", "prosumer", "producer")
LEGAL_FORMS = ("person", "company", "public")

COLUMNS = {
    "grid_nodes.csv": ("node", "parent", "level"),
    "participants.csv": (
        "id", "kind", "legal_form", "name", "email", "street", "postcode", "city", "country", "nip", "iban",
        "vat_payer",
    ),
    "metering_points.csv": (
        "code", "participant", "role", "grid_node", "tariff_group", "contracted_power_kw", "generation_capacity_kw",
        "generation_source", "phases", "yearly_use_kwh", "capacity_factor", "valid_from", "valid_to",
    ),
    "contracts.csv": ("participant", "scheme", "valid_from", "valid_to"),
    "tariff.csv": (
        "dso", "group", "phases", "use_from_kwh", "use_to_kwh", "component", "zone", "unit", "rate_net",
        "local_treatment", "valid_from", "valid_to",
    ),
    "tariff_zones.csv": ("group", "zone", "months", "day_type", "from", "to", "valid_from", "valid_to"),
    "retail.csv": ("group", "zone", "energy_pln_kwh", "valid_from", "valid_to"),
    "standard_sale.csv": ("legal_form", "month", "pln_mwh", "factor"),
    "external_prices.csv": ("interval_start", "buy_pln_mwh", "sell_pln_mwh"),
    "static_keys.csv": ("participant", "share", "valid_from"),
}  # fmt: skip
OPTIONAL_FILES = frozenset({"static_keys.csv"})
#: Columns that a file may leave out, and what then holds in each row.
OPTIONAL_COLUMNS: dict[str, dict[str, str]] = {
    "metering_points.csv": {"generation_source": PHOTOVOLTAICS},
    "tariff_zones.csv": {"valid_from": "", "valid_to": ""},
}


@dataclass(frozen=True, slots=True)
class Tables:
    """The CSV files of a folder but for the readings, each row right in itself."""

    grid_nodes: r.Table[r.GridNodeRecord]
    participants: r.Table[r.ParticipantRecord]
    metering_points: r.Table[r.MeteringPointRecord]
    contracts: r.Table[r.ContractRecord]
    rates: r.Table[Rate]
    zones: r.Table[ZoneRow]
    retail: r.Table[r.RetailRecord]
    standard_sale: r.Table[r.StandardSaleRecord]
    external_prices: r.Table[r.ExternalPriceRecord]
    static_keys: r.Table[r.StaticKeyRecord]


def read_tables(folder: Path, dso: str, faults: Faults) -> Tables:
    """Reads every file but the readings; `dso` is the distributor whose rates they must be."""

    def table(name: str, parse: Callable[[Fields], Row | None]) -> r.Table[Row]:
        path = find_file(folder, name, faults, required=name not in OPTIONAL_FILES)
        return read_table(path, name, COLUMNS[name], parse, faults, OPTIONAL_COLUMNS.get(name, {}))

    return Tables(
        grid_nodes=table("grid_nodes.csv", _grid_node),
        participants=table("participants.csv", _participant),
        metering_points=table("metering_points.csv", _metering_point),
        contracts=table("contracts.csv", _contract),
        rates=table("tariff.csv", lambda fields: rate_of(fields, dso)),
        zones=table("tariff_zones.csv", dated_zone_of),
        retail=table("retail.csv", _retail),
        standard_sale=table("standard_sale.csv", _standard_sale),
        external_prices=table("external_prices.csv", _external_price),
        static_keys=table("static_keys.csv", _static_key),
    )


def read_participants(path: Path, faults: Faults) -> r.Table[r.ParticipantRecord]:
    """One file of participants by itself."""
    return read_table(path, path.name, COLUMNS["participants.csv"], _participant, faults)


def read_metering_points(path: Path, faults: Faults) -> r.Table[r.MeteringPointRecord]:
    """One file of metering points by itself."""
    name = "metering_points.csv"
    return read_table(path, path.name, COLUMNS[name], _metering_point, faults, OPTIONAL_COLUMNS[name])


def find_readings(folder: Path, faults: Faults) -> tuple[Path, ...]:
    """The files of readings by name; any other CSV file that the format does not know is a mistake."""
    found = []
    for path in sorted(folder.iterdir()):
        name = path.name.removesuffix(".gz")
        if not name.endswith(".csv") or name in COLUMNS:
            continue
        if name.startswith("readings"):
            found.append(path)
        else:
            faults.add(path.name, 0, "", "the format knows no such file; remove or rename it")
    for path in found:
        if path.suffix == ".gz" and path.with_suffix("") in found:
            faults.add(path.name, 0, "", f"there is also {path.with_suffix('').name}; keep one of them")
    return tuple(found)


def _grid_node(fields: Fields) -> r.GridNodeRecord:
    level = fields.text("level", 40)
    if level == EXTERNAL:
        fields.fault("level", f"'{EXTERNAL}' means energy from outside; give the level another name")
    return r.GridNodeRecord(fields.text("node", 40), fields.optional("parent", 40) or None, level)


def _participant(fields: Fields) -> r.ParticipantRecord:
    vat_payer = fields.yes_no("vat_payer")
    return r.ParticipantRecord(
        id=fields.text("id", 40),
        kind=fields.choice("kind", KINDS),
        legal_form=fields.choice("legal_form", LEGAL_FORMS),
        name=fields.text("name"),
        email=fields.email("email"),
        street=fields.optional("street"),
        postcode=fields.optional("postcode", 12),
        city=fields.optional("city", 100),
        country=fields.country("country", required=False),
        nip=fields.nip("nip", required=vat_payer),
        iban=fields.iban("iban", required=False),
        vat_payer=vat_payer,
    )


def _metering_point(fields: Fields) -> r.MeteringPointRecord:
    start = fields.day("valid_from")
    return r.MeteringPointRecord(
        code=fields.gsrn("code"),
        participant=fields.optional("participant", 40) or None,
        role=fields.choice("role", (r.MEMBER, r.BOUNDARY)),
        grid_node=fields.text("grid_node", 40),
        tariff_group=fields.text("tariff_group", 20),
        contracted_power_kw=fields.decimal("contracted_power_kw", 3),
        generation_capacity_kw=fields.decimal("generation_capacity_kw", 3),
        generation_source=fields.choice("generation_source", SOURCES),
        phases=int(fields.choice("phases", ("1", "3")) == "3") * 2 + 1,
        yearly_use_kwh=fields.integer("yearly_use_kwh"),
        capacity_factor=fields.share("capacity_factor"),
        valid_from=start,
        valid_to=fields.end_day(start),
    )


def _contract(fields: Fields) -> r.ContractRecord:
    start = fields.day("valid_from")
    scheme = fields.choice("scheme", (r.P2P, r.STANDARD))
    return r.ContractRecord(fields.text("participant", 40), scheme, start, fields.end_day(start))


def rate_of(fields: Fields, dso: str) -> Rate:
    """A line of tariff.csv."""
    owner = fields.text("dso")
    if owner and owner != dso:
        fields.fault("dso", f"'{owner}' is not the distributor '{dso}', whose book this is")
    start = fields.day("valid_from")
    return Rate(
        group=fields.text("group", 20),
        phases=fields.optional_integer("phases"),
        use_from_kwh=fields.optional_integer("use_from_kwh"),
        use_to_kwh=fields.optional_integer("use_to_kwh"),
        component=fields.text("component", 40),
        zone=fields.optional("zone", 40),
        unit=fields.choice("unit", UNITS),
        micro=to_micro(fields.decimal("rate_net", 6)),
        treatment=fields.choice("local_treatment", TREATMENTS),
        valid_from=start,
        valid_to=fields.end_day(start),
    )


def dated_zone_of(fields: Fields) -> ZoneRow:
    """A line of a dataset's tariff_zones.csv, which may hold the zones of several books."""
    start = fields.optional_day("valid_from")
    end = fields.end_day(start) if start else fields.optional_day("valid_to")
    return replace(zone_of(fields), valid_from=start, valid_to=end)


def zone_of(fields: Fields) -> ZoneRow:
    """A line of one book's tariff_zones.csv."""
    return ZoneRow(
        group=fields.text("group", 20),
        zone=fields.text("zone", 40),
        months=fields.months("months"),
        day_type=fields.choice("day_type", DAY_TYPES),
        start=fields.clock("from"),
        end=fields.clock("to"),
    )


def _retail(fields: Fields) -> r.RetailRecord:
    start = fields.day("valid_from")
    price = fields.decimal("energy_pln_kwh", 6)
    return r.RetailRecord(fields.text("group", 20), fields.text("zone", 40), price, start, fields.end_day(start))


def _standard_sale(fields: Fields) -> r.StandardSaleRecord:
    return r.StandardSaleRecord(
        legal_form=fields.choice("legal_form", LEGAL_FORMS),
        month=fields.month("month"),
        pln_mwh=fields.decimal("pln_mwh", 3, negative=True),
        factor=fields.decimal("factor", 6, whole=2),
    )


def _external_price(fields: Fields) -> r.ExternalPriceRecord | None:
    start = fields.quarter_hour("interval_start")
    buy, sell = (_micro_per_kwh(fields, column) for column in ("buy_pln_mwh", "sell_pln_mwh"))
    return r.ExternalPriceRecord(start, buy, sell) if start else None


def _micro_per_kwh(fields: Fields, column: str) -> int:
    """PLN/MWh with three decimals are whole micro-PLN/kWh."""
    value: Decimal = fields.decimal(column, 3, negative=True)
    return scaled(value, 3)


def _static_key(fields: Fields) -> r.StaticKeyRecord:
    return r.StaticKeyRecord(fields.text("participant", 40), fields.share("share"), fields.day("valid_from"))
