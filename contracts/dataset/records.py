"""What a cluster-dataset/1 folder says, as plain values. Texts are as written; decimals keep their value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from contracts.domain.composition import Book, Tariff, compose
from contracts.domain.tariff import Profile, Rate, TariffBook
from contracts.domain.zones import ZoneRow
from metering.domain.calendar import public_holidays

P2P, STANDARD = "p2p", "standard"
MEMBER, BOUNDARY = "member", "boundary"

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class ClusterRecord:
    slug: str
    name: str
    timezone: str
    holidays: str
    currency: str
    interval_minutes: int
    latitude: Decimal
    longitude: Decimal


@dataclass(frozen=True, slots=True)
class CoordinatorRecord:
    name: str
    nip: str
    street: str
    postcode: str
    city: str
    country: str
    iban: str


@dataclass(frozen=True, slots=True)
class DsoRecord:
    name: str
    nip: str
    iban: str


@dataclass(frozen=True, slots=True)
class TermsRecord:
    vat_rate: Decimal
    excise_pln_kwh: Decimal
    netting: str


@dataclass(frozen=True, slots=True)
class SettingsRecord:
    """In force from the local day `valid_from` until the next one."""

    valid_from: date
    allocation: str
    price_rule: str
    price_share: Decimal
    fixed_price_pln_kwh: Decimal | None
    residual: str
    dso_settlement: str
    buyer_fee_pln_kwh: Decimal
    seller_fee_pln_kwh: Decimal
    reading_deadline_hours: int
    sharing_discount: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class BookRecord:
    """From the local day `valid_from` on another version of the distributor's tariff holds, with its own discounts."""

    valid_from: date
    sharing_discount: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class GridNodeRecord:
    node: str
    parent: str | None
    level: str


@dataclass(frozen=True, slots=True)
class ParticipantRecord:
    id: str
    kind: str
    legal_form: str
    name: str
    email: str
    street: str
    postcode: str
    city: str
    country: str
    nip: str
    iban: str
    vat_payer: bool


@dataclass(frozen=True, slots=True)
class MeteringPointRecord:
    """A dated row of a metering point; `participant` is None for a boundary meter."""

    code: str
    participant: str | None
    role: str
    grid_node: str
    tariff_group: str
    contracted_power_kw: Decimal
    generation_capacity_kw: Decimal
    generation_source: str
    phases: int
    yearly_use_kwh: int
    capacity_factor: Decimal
    valid_from: date
    valid_to: date | None

    @property
    def profile(self) -> Profile:
        """What the tariff book needs to know of the point."""
        return Profile(
            self.tariff_group, self.phases, self.yearly_use_kwh, self.capacity_factor, self.contracted_power_kw
        )


@dataclass(frozen=True, slots=True)
class ContractRecord:
    participant: str
    scheme: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class RetailRecord:
    group: str
    zone: str
    energy_pln_kwh: Decimal
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class StandardSaleRecord:
    """`month` is its first day."""

    legal_form: str
    month: date
    pln_mwh: Decimal
    factor: Decimal


@dataclass(frozen=True, slots=True)
class ExternalPriceRecord:
    """Prices of one quarter-hour [micro-PLN/kWh]."""

    interval_start: datetime
    buy_micro: int
    sell_micro: int


@dataclass(frozen=True, slots=True)
class StaticKeyRecord:
    participant: str
    share: Decimal
    valid_from: date


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """The rows of one file and the line that each stands on."""

    file: str
    rows: tuple[Row, ...]
    lines: tuple[int, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Dataset:
    """A folder that passed every check, without its readings: those stay in `reading_files` until asked for."""

    folder: Path
    cluster: ClusterRecord
    coordinator: CoordinatorRecord
    dso: DsoRecord
    terms: TermsRecord
    settings: tuple[SettingsRecord, ...]
    books: tuple[BookRecord, ...]
    grid_nodes: Table[GridNodeRecord]
    participants: Table[ParticipantRecord]
    metering_points: Table[MeteringPointRecord]
    contracts: Table[ContractRecord]
    rates: Table[Rate]
    zones: Table[ZoneRow]
    retail: Table[RetailRecord]
    standard_sale: Table[StandardSaleRecord]
    external_prices: Table[ExternalPriceRecord]
    static_keys: Table[StaticKeyRecord]
    reading_files: tuple[Path, ...]

    @cached_property
    def tz(self) -> ZoneInfo:
        """The cluster's time zone."""
        return ZoneInfo(self.cluster.timezone)

    @cached_property
    def tariff(self) -> Tariff:
        """What the distributor's books come to."""
        return tariff_of(self.rates.rows, self.zones.rows, self.books)

    @cached_property
    def book(self) -> TariffBook:
        """The same with the cluster's public holidays."""
        return TariffBook(
            self.rates.rows, self.zones.rows, public_holidays(self.cluster.holidays), self.tariff.discounts
        )


def tariff_of(rates: tuple[Rate, ...], zones: tuple[ZoneRow, ...], books: tuple[BookRecord, ...]) -> Tariff:
    """Rates and zones with the days on which other books begin; equal discounts of adjacent books are one."""
    starts = tuple(book.valid_from for book in books)
    empty = [Book(book.valid_from, (), (), book.sharing_discount) for book in books]
    return Tariff(rates, zones, compose(empty).discounts, starts)
