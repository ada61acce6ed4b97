"""Reads cluster.toml."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from contracts.dataset.faults import Faults
from contracts.dataset.fields import Fields
from contracts.dataset.records import (
    BookRecord,
    ClusterRecord,
    CoordinatorRecord,
    DsoRecord,
    SettingsRecord,
    TermsRecord,
)
from contracts.domain.deadlines import DEADLINE_HOURS, LONGEST_DEADLINE_HOURS
from metering.domain.calendar import CalendarError, public_holidays, time_zone
from participants.domain.places import CENTRE_OF_POLAND

FILE = "cluster.toml"
FORMAT = "cluster-dataset/1"
ALLOCATIONS = ("min_cost", "pro_rata", "static")
PRICE_RULES = ("mid_market", "supply_demand_ratio", "fixed")
RESIDUALS = ("pooled", "individual")
DSO_SETTLEMENTS = ("coordinator", "direct")
NETTINGS = ("interval", "hour")
DEFAULT_SHARE = {"mid_market": Decimal("0.5"), "supply_demand_ratio": Decimal(0), "fixed": Decimal("0.5")}

KEYS = {
    "cluster": ("slug", "name", "timezone", "holidays", "currency", "interval_minutes", "latitude", "longitude"),
    "coordinator": ("name", "nip", "street", "postcode", "city", "country", "iban"),
    "dso": ("name", "nip", "iban"),
    "tax": ("vat_rate", "excise_pln_kwh"),
    "standard": ("netting",),
    "settings": (
        "valid_from",
        "allocation",
        "price_rule",
        "price_share",
        "fixed_price_pln_kwh",
        "residual",
        "dso_settlement",
        "buyer_fee_pln_kwh",
        "seller_fee_pln_kwh",
        "reading_deadline_hours",
        "sharing_discount",
    ),
    "books": ("valid_from", "sharing_discount"),
}
#: What holds where the file does not say it; not written either.
DEFAULTS: dict[str, int | Decimal] = {
    "reading_deadline_hours": DEADLINE_HOURS,
    "latitude": CENTRE_OF_POLAND[0],
    "longitude": CENTRE_OF_POLAND[1],
}
OPTIONAL = {"price_share", "fixed_price_pln_kwh", "sharing_discount", *DEFAULTS}
_WHOLE_NUMBERS = {"interval_minutes", "reading_deadline_hours"}

_HEADER = re.compile(r"\s*\[{1,2}\s*([\w.-]+)\s*\]{1,2}\s*(?:#.*)?")
_KEY = re.compile(r"\s*([\w-]+)\s*[=.]")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_LEVEL = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class ClusterFile:
    """cluster.toml; `settings_lines` are the lines of the settings' headers, `books_lines` those of the books."""

    cluster: ClusterRecord
    coordinator: CoordinatorRecord
    dso: DsoRecord
    terms: TermsRecord
    settings: tuple[SettingsRecord, ...]
    settings_lines: tuple[int, ...]
    books: tuple[BookRecord, ...]
    books_lines: tuple[int, ...]


def read_cluster_file(folder: Path, faults: Faults) -> ClusterFile:
    """The file's content; raises at once where nothing else can be understood without it."""
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        faults.add(FILE, 0, "", "the file is missing")
    except (OSError, ValueError) as error:
        found = re.search(r"at line (\d+)", str(error))
        faults.add(FILE, int(found[1]) if found else 0, "", f"the file can't be read: {error}")
    faults.check()

    lines = _line_numbers(text)
    if document.pop("format", None) != FORMAT:
        faults.add(FILE, lines.get(("", 0, "format"), 1), "format", f'it must read format = "{FORMAT}"')
    for name in document.keys() - KEYS.keys():
        place = lines.get((name, 0, ""), lines.get(("", 0, name), 0))
        faults.add(FILE, place, name, f"unknown entry; known are {', '.join(KEYS)}")
    single = {}
    for name in ("cluster", "coordinator", "dso", "tax", "standard"):
        table = document.get(name)
        if not isinstance(table, dict):
            faults.add(FILE, 0, name, f"the table [{name}] is missing")
        else:
            single[name] = _fields(name, 0, table, lines, faults)
    several = _several("settings", document, faults)
    if several == []:
        faults.add(FILE, 0, "settings", "there must be one or more tables [[settings]]")
    books = _several("books", document, faults)
    faults.check()
    settings = tuple(
        _settings(_fields("settings", number, table, lines, faults), table) for number, table in enumerate(several)
    )
    versions = tuple(_book(_fields("books", number, table, lines, faults), table) for number, table in enumerate(books))
    starts = _in_order("settings", settings, lines, faults)
    book_starts = _in_order("books", versions, lines, faults)
    result = ClusterFile(
        _cluster(single["cluster"]),
        _coordinator(single["coordinator"]),
        _dso(single["dso"]),
        _terms(single["tax"], single["standard"]),
        settings,
        starts,
        versions,
        book_starts,
    )
    faults.check()
    return result


def _several(name: str, document: Mapping[str, Any], faults: Faults) -> list[Mapping[str, Any]]:
    tables = document.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        faults.add(FILE, 0, name, f"there must be tables [[{name}]]")
        return []
    return tables


def _in_order(
    name: str,
    rows: Sequence[SettingsRecord | BookRecord],
    lines: Mapping[tuple[str, int, str], int],
    faults: Faults,
) -> tuple[int, ...]:
    """The lines of the tables, which must stand in the order of their days."""
    starts = tuple(lines.get((name, number, ""), 0) for number in range(len(rows)))
    for position, (before, after) in enumerate(pairwise(rows)):
        if after.valid_from <= before.valid_from:
            text = f"{name} must stand in the order of their valid_from, each day once"
            faults.add(FILE, starts[position + 1], f"{name}.valid_from", text)
    return starts


def _fields(
    name: str, number: int, table: Mapping[str, Any], lines: Mapping[tuple[str, int, str], int], faults: Faults
) -> Fields:
    """The table's texts; tells unknown, missing and unquoted entries."""
    start = lines.get((name, number, ""), 0)

    def line_of(column: str) -> int:
        return lines.get((name, number, column), start)

    values: dict[str, str] = {}
    fields = Fields(faults, FILE, line_of, values)
    for key, value in table.items():
        if key not in KEYS[name]:
            fields.fault(key, f"unknown key of [{name}]; known are {', '.join(KEYS[name])}")
        elif isinstance(value, str):
            values[key] = value
        elif isinstance(value, int) and not isinstance(value, bool) and key in _WHOLE_NUMBERS:
            values[key] = str(value)
        elif key != "sharing_discount":
            fields.fault(key, "the value must be a text in quotes")
            values[key] = ""
    for key in KEYS[name]:
        if key not in table and key not in OPTIONAL:
            fields.fault(key, f"the key of [{name}] is missing; add it")
    return fields


def _cluster(fields: Fields) -> ClusterRecord:
    slug = fields.text("slug", 50)
    if slug and not _SLUG.fullmatch(slug):
        fields.fault("slug", f"'{slug}' may hold only small letters, digits and single hyphens between them")
    zone = fields.text("timezone", 64)
    country = fields.text("holidays", 8)
    try:
        time_zone(zone)
    except CalendarError as error:
        fields.fault("timezone", str(error))
    try:
        public_holidays(country)
    except CalendarError as error:
        fields.fault("holidays", str(error))
    currency = fields.choice("currency", ("PLN",))
    minutes = int(fields.choice("interval_minutes", ("15",)) == "15") * 15
    latitude, longitude = (
        _degrees(fields, key, most) if fields.has(key) else default
        for key, most, default in zip(("latitude", "longitude"), (90, 180), CENTRE_OF_POLAND, strict=True)
    )
    return ClusterRecord(slug, fields.text("name"), zone, country, currency, minutes, latitude, longitude)


def _degrees(fields: Fields, key: str, most: int) -> Decimal:
    value = fields.decimal(key, 4, whole=3, negative=True)
    if abs(value) > most:
        fields.fault(key, f"{value} is no {key}; give degrees from -{most} to {most}")
    return value


def _coordinator(fields: Fields) -> CoordinatorRecord:
    return CoordinatorRecord(
        name=fields.text("name"),
        nip=fields.nip("nip", required=True),
        street=fields.text("street"),
        postcode=fields.text("postcode", 12),
        city=fields.text("city", 100),
        country=fields.country("country", required=True),
        iban=fields.iban("iban", required=True),
    )


def _dso(fields: Fields) -> DsoRecord:
    return DsoRecord(fields.text("name"), fields.nip("nip", required=True), fields.iban("iban", required=True))


def _terms(tax: Fields, standard: Fields) -> TermsRecord:
    return TermsRecord(
        vat_rate=tax.share("vat_rate", 4),
        excise_pln_kwh=tax.decimal("excise_pln_kwh", 6),
        netting=standard.choice("netting", NETTINGS),
    )


def _settings(fields: Fields, table: Mapping[str, Any]) -> SettingsRecord:
    rule = fields.choice("price_rule", PRICE_RULES)
    fixed = fields.decimal("fixed_price_pln_kwh", 6, negative=True) if "fixed_price_pln_kwh" in table else None
    if rule == "fixed" and fixed is None:
        fields.fault("fixed_price_pln_kwh", "the price rule 'fixed' needs this price; add it")
    share = fields.share("price_share") if "price_share" in table else DEFAULT_SHARE.get(rule, Decimal(0))
    return SettingsRecord(
        valid_from=fields.day("valid_from"),
        allocation=fields.choice("allocation", ALLOCATIONS),
        price_rule=rule,
        price_share=share,
        fixed_price_pln_kwh=fixed,
        residual=fields.choice("residual", RESIDUALS),
        dso_settlement=fields.choice("dso_settlement", DSO_SETTLEMENTS),
        buyer_fee_pln_kwh=fields.decimal("buyer_fee_pln_kwh", 6),
        seller_fee_pln_kwh=fields.decimal("seller_fee_pln_kwh", 6),
        reading_deadline_hours=_deadline(fields),
        sharing_discount=_discounts(fields, table.get("sharing_discount", {})),
    )


def _book(fields: Fields, table: Mapping[str, Any]) -> BookRecord:
    return BookRecord(fields.day("valid_from"), _discounts(fields, table.get("sharing_discount", {})))


def _deadline(fields: Fields) -> int:
    key = "reading_deadline_hours"
    if not fields.has(key):
        return DEADLINE_HOURS
    hours = fields.integer(key)
    if hours > LONGEST_DEADLINE_HOURS:
        fields.fault(key, f"{hours} hours are more than a year; give at most {LONGEST_DEADLINE_HOURS}")
    return hours


def _discounts(fields: Fields, table: Any) -> dict[str, Decimal]:
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        fields.fault("sharing_discount", 'it must be a table of texts such as { station = "0.25" }')
        return {}
    values = fields.nested("sharing_discount", table)
    for level in table:
        if not _LEVEL.fullmatch(level):
            fields.fault("sharing_discount", f"'{level}' is no name of a level")
    return {level: values.share(level) for level in table}


def _line_numbers(text: str) -> dict[tuple[str, int, str], int]:
    """Line of each (table, how many-eth of its name, key); the table itself has the key ''."""
    lines: dict[tuple[str, int, str], int] = {}
    table, number = "", 0
    counts: dict[str, int] = {}
    for line, content in enumerate(text.splitlines(), start=1):
        if header := _HEADER.fullmatch(content):
            table = header[1].split(".")[0]
            number = counts[table] = counts.get(table, -1) + ("." not in header[1])
            lines.setdefault((table, number, ""), line)
            if "." in header[1]:
                lines.setdefault((table, number, header[1].split(".")[1]), line)
        elif key := _KEY.match(content):
            lines.setdefault((table, number, key[1]), line)
    return lines
