"""What a package must hold by the dataset that it was made from: every interval settled again and compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from clearing.domain.clear import clear
from clearing.domain.grid import GridNode, build_pools
from clearing.domain.members import FeeTable, Members, fee_table, prepare
from clearing.domain.result import ExternalPrices
from clearing.domain.rules import Allocation, PriceRule, Residual, Rules
from clearing.package.settled import SettledLines, settled_lines
from contracts.dataset.readings import MISSING, read_readings
from contracts.dataset.records import MEMBER, P2P, ContractRecord, Dataset, MeteringPointRecord, SettingsRecord
from contracts.domain import fees as grid_fees
from contracts.domain.money import to_micro
from contracts.domain.tariff import Slot
from metering.domain.calendar import INTERVAL, format_instant, local_day
from metering.domain.readings import QUALITY_CODE


class SourceError(ValueError):
    """The dataset does not say enough to settle the interval; the text says what is missing."""


@dataclass(frozen=True)
class _Place:
    """What stays the same on the days on which neither members nor settings change."""

    points: tuple[MeteringPointRecord, ...]
    readings: NDArray[np.int64]
    discounts: Mapping[str, Decimal]
    rules: Rules
    members: Members


@dataclass(frozen=True)
class Inputs:
    """What an interval is settled from. By point, sorted by code: `net_wh`, `external_fee_micro`."""

    start: datetime
    place: _Place
    prices: ExternalPrices
    fees: FeeTable
    net_wh: NDArray[np.int64]
    estimated: bool

    @property
    def codes(self) -> tuple[str, ...]:
        return self.place.members.codes

    def external_fee_micro(self) -> list[int]:
        """The grid fee of energy from outside, of every point."""
        return [int(fee) for fee in self.fees.external[self.place.members.profile]]

    def settle(self) -> SettledLines:
        """The lines that the rules lead to; raises a ClearingError."""
        place = self.place
        cleared = clear(place.members, self.fees, self.net_wh, self.prices, place.rules)
        return settled_lines(format_instant(self.start), place.members, self.prices, cleared)


class Source:
    """A dataset's inputs, interval by interval, for [start, end)."""

    def __init__(self, dataset: Dataset, start: datetime, end: datetime) -> None:
        self._dataset = dataset
        self._prices = {
            row.interval_start: ExternalPrices(row.buy_micro, row.sell_micro)
            for row in dataset.external_prices
            if start <= row.interval_start < end
        }
        self._readings = read_readings(dataset, start, end)
        self._start = start
        self._places: dict[tuple[object, ...], _Place] = {}
        self._of_day: dict[date, _Place] = {}
        self._slots: dict[tuple[date, int], Slot] = {}
        self._fees: dict[tuple[int, Slot], FeeTable] = {}

    def inputs(self, start: datetime) -> Inputs:
        """Raises SourceError, or a ClearingError or TariffError if the dataset's terms can't be used."""
        prices = self._prices.get(start)
        if prices is None:
            raise SourceError("the dataset has no external price")
        place = self._place(local_day(start, self._dataset.tz))
        column = (start - self._start) // INTERVAL
        quality = self._readings.quality[place.readings, column]
        missing = np.flatnonzero(quality == MISSING)
        if len(missing):
            raise SourceError(f"the dataset has no reading of {place.points[missing[0]].code}")
        net = self._readings.exported_wh[place.readings, column] - self._readings.imported_wh[place.readings, column]
        estimated = bool((quality == QUALITY_CODE["estimated"]).any())
        return Inputs(start, place, prices, self._fee_table(place, start), net, estimated)

    def _place(self, day: date) -> _Place:
        if day not in self._of_day:
            data = self._dataset
            holders = {row.participant for row in data.contracts if row.scheme == P2P and _on(row, day)}
            points = tuple(
                sorted(
                    (p for p in data.metering_points if p.role == MEMBER and p.participant in holders and _on(p, day)),
                    key=lambda point: point.code,
                )
            )
            settings = [each for each in data.settings if each.valid_from <= day]
            if not settings:
                raise SourceError(f"the dataset has no settings for {day}")
            keys_from = max((key.valid_from for key in data.static_keys if key.valid_from <= day), default=None)
            discounts = data.book.discounts_on(day, settings[-1].sharing_discount)
            key = (points, settings[-1].valid_from, tuple(discounts.items()), keys_from)
            if key not in self._places:
                self._places[key] = self._new_place(points, settings[-1], discounts, keys_from)
            self._of_day[day] = self._places[key]
        return self._of_day[day]

    def _new_place(
        self,
        points: Sequence[MeteringPointRecord],
        settings: SettingsRecord,
        discounts: Mapping[str, Decimal],
        keys_from: date | None,
    ) -> _Place:
        data = self._dataset
        nodes = {row.node: GridNode(row.parent, row.level) for row in data.grid_nodes}
        keys = {row.participant: to_micro(row.share) for row in data.static_keys if row.valid_from == keys_from}
        holders = [point.participant or "" for point in points]
        members = prepare(
            build_pools(nodes, discounts),
            [point.code for point in points],
            [point.grid_node for point in points],
            list(range(len(points))),
            holders,
            [keys.get(holder, 0) for holder in holders],
        )
        row_of = {code: row for row, code in enumerate(self._readings.codes)}
        rules = Rules(
            allocation=Allocation(settings.allocation),
            price_rule=PriceRule(settings.price_rule),
            price_share=Fraction(settings.price_share),
            fixed_price=to_micro(settings.fixed_price_pln_kwh) if settings.fixed_price_pln_kwh is not None else 0,
            residual=Residual(settings.residual),
        )
        readings = np.array([row_of[point.code] for point in points], dtype=np.int64)
        return _Place(tuple(points), readings, discounts, rules, members)

    def _fee_table(self, place: _Place, start: datetime) -> FeeTable:
        local = start.astimezone(self._dataset.tz)
        when = (local.date(), local.hour * 60 + local.minute)
        if when not in self._slots:
            self._slots[when] = self._dataset.book.slot(*when)
        slot = self._slots[when]
        key = (id(place), slot)
        if key not in self._fees:
            profiles = [point.profile for point in place.points]
            levels = place.members.pools.levels
            table = grid_fees.fee_table(self._dataset.book, profiles, [slot], levels, place.discounts)
            self._fees[key] = fee_table(table.external[:, 0], table.local[:, 0, :])
        return self._fees[key]


def _on(row: MeteringPointRecord | ContractRecord, day: date) -> bool:
    return row.valid_from <= day and (row.valid_to is None or day < row.valid_to)
