"""A second way to a bill: interval by interval, straight from the CSV files of a dataset and a settlement package.

Shares no code with the product and knows neither slots nor sums of the database. Amounts are exact fractions of PLN.
"""

import csv
import gzip
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays

WARSAW = ZoneInfo("Europe/Warsaw")
FREE_DAYS = holidays.country_holidays("PL")
Row = dict[str, str]
#: (metering point, component, zone, sharing level) → [quantity, amount].
Bill = dict[tuple[str, str, str, str], list[Fraction]]


def rows(path: Path) -> list[Row]:
    """A CSV file, gzipped or not."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def half_up(value: Fraction, places: int) -> Fraction:
    """Rounds half away from zero."""
    scaled = abs(value) * 10**places
    whole = Fraction(int(scaled + Fraction(1, 2)), 10**places)
    return whole if value >= 0 else -whole


def in_force(row: Row, day: date) -> bool:
    return row["valid_from"] <= day.isoformat() and (not row["valid_to"] or day.isoformat() < row["valid_to"])


class Month:
    """The dataset's bills of one month; `package` holds what was cleared."""

    def __init__(self, dataset: Path, package: Path, first: date, settings: dict[str, Any]) -> None:
        self.first = first
        self.end = (first + timedelta(days=32)).replace(day=1)
        self.days = [first + timedelta(days=n) for n in range((self.end - first).days)]
        self.dataset, self.settings = dataset, settings
        self.tables = {name: rows(dataset / f"{name}.csv") for name in (
            "participants", "metering_points", "contracts", "tariff", "tariff_zones", "retail", "standard_sale",
        )}  # fmt: skip
        inside = (self._instant(self.first), self._instant(self.end))
        self.package = {
            name: [row for row in rows(package / f"{name}.csv") if inside[0] <= row["interval_start"] < inside[1]]
            for name in ("intervals", "positions", "trades")
        }
        self.prices = {row["interval_start"]: row for row in self.package["intervals"]}
        self._zones = cache(self._zones_of)

    def _instant(self, day: date) -> str:
        midnight = datetime.combine(day, time(), WARSAW).astimezone(UTC)
        return midnight.strftime("%Y-%m-%dT%H:%M:%SZ")

    def local(self, start: str) -> datetime:
        return datetime.fromisoformat(start).astimezone(WARSAW)

    def on_p2p(self, participant: str, day: date) -> bool:
        return any(
            row["participant"] == participant and row["scheme"] == "p2p" and in_force(row, day)
            for row in self.tables["contracts"]
        )

    def points(self, participant: str, day: date) -> list[Row]:
        return [
            row for row in self.tables["metering_points"] if row["participant"] == participant and in_force(row, day)
        ]

    def zones(self, group: str, start: str) -> set[str]:
        """`flat`, the group's own zone and the surcharges of `*` at an instant."""
        local = self.local(start)
        return self._zones(group, local.date(), local.hour * 60 + local.minute)

    def _zones_of(self, group: str, day: date, minute: int) -> set[str]:
        free = day.weekday() >= 5 or day in FREE_DAYS
        own, otherwise, found = None, None, {"flat"}
        for row in self.tables["tariff_zones"]:
            first, _, last = row["months"].partition("-")
            a, b = int(first), int(last or first)
            in_months = a <= day.month <= b if a <= b else day.month >= a or day.month <= b
            if row["group"] not in (group, "*") or not in_months:
                continue
            if row["day_type"] == "otherwise":
                otherwise = row["zone"]
                continue
            begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in (row["from"], row["to"]))
            hit = begin <= minute < end if begin < end else minute >= begin or minute < end
            if hit and row["day_type"] in ("all", "free" if free else "workday"):
                if row["group"] == "*":
                    found.add(row["zone"])
                else:
                    own = row["zone"]
        return found | {own or otherwise or "flat"}

    def own_zone(self, group: str, start: str) -> str:
        surcharges = {row["zone"] for row in self.tables["tariff_zones"] if row["group"] == "*"}
        (zone,) = self.zones(group, start) - surcharges - {"flat"} or {"flat"}
        return zone

    def rates(self, point: Row, day: date, per_kwh: bool) -> list[Row]:
        use = int(point["yearly_use_kwh"])
        return [
            row for row in self.tables["tariff"]
            if row["group"] in (point["tariff_group"], "*") and row["phases"] in ("", point["phases"])
            and (not row["use_from_kwh"] or int(row["use_from_kwh"]) <= use)
            and (not row["use_to_kwh"] or use < int(row["use_to_kwh"]))
            and (row["unit"] == "PLN/kWh") == per_kwh and in_force(row, day)
        ]  # fmt: skip

    def kwh_rates(self, point: Row, start: str, level: str) -> list[tuple[str, str, Fraction]]:
        """(component, zone, price) of a kWh from outside or over a sharing level."""
        found = []
        zones = self.zones(point["tariff_group"], start)
        for row in self.rates(point, self.local(start).date(), per_kwh=True):
            if row["zone"] not in zones:
                continue
            price = Fraction(row["rate_net"])
            if row["component"] == "capacity":
                price = half_up(price * Fraction(point["capacity_factor"]), 6)
            if level != "external" and row["local_treatment"] == "waived":
                price = Fraction(0)
            if level != "external" and row["local_treatment"] == "discounted":
                price = half_up(price * (1 - Fraction(self.settings["sharing_discount"][level])), 6)
            found.append((row["component"], row["zone"], price))
        return found

    def monthly(self, participant: str) -> Bill:
        """Monthly rates by the days of contract, each row of the tariff rounded to 9 decimals."""
        days: dict[tuple[str, str, str, str, str], int] = defaultdict(int)
        for day in self.days:
            if self.on_p2p(participant, day):
                for point in self.points(participant, day):
                    for row in self.rates(point, day, per_kwh=False):
                        power = point["contracted_power_kw"] if row["unit"] == "PLN/kW/month" else "1"
                        days[point["code"], row["component"], row["zone"], row["rate_net"], power] += 1
        bill: Bill = {}
        for (code, component, zone, rate, power), count in days.items():
            share = Fraction(count, len(self.days)) * Fraction(power)
            bill[code, component, zone, ""] = [half_up(share, 9), half_up(share * Fraction(rate), 9)]
        return bill

    def bill(self, participant: str) -> Bill:
        """Everything but assurance."""
        bill: Bill = defaultdict(lambda: [Fraction(0), Fraction(0)])

        def add(key: tuple[str, str, str, str], kwh: Fraction, amount: Fraction) -> None:
            bill[key][0] += kwh
            bill[key][1] += amount

        def add_purchase(point: Row, start: str, level: str, kwh: Fraction) -> None:
            add((point["code"], "excise", "flat", level), kwh, kwh * Fraction(self.settings["excise"]))
            add((point["code"], "service_fee", "flat", level), kwh, kwh * Fraction(self.settings["buyer_fee"]))
            for component, zone, price in self.kwh_rates(point, start, level):
                add((point["code"], component, zone, level), kwh, kwh * price)

        mine = {row["code"] for day in self.days for row in self.points(participant, day)}
        for row in self.package["positions"]:
            if row["metering_point"] not in mine:
                continue
            start, code = row["interval_start"], row["metering_point"]
            point = self._point(participant, code, start)
            zone, price = self.own_zone(point["tariff_group"], start), self.prices[start]
            bought = Fraction(row["external_bought_wh"]) / 1000
            sold = Fraction(row["external_sold_wh"]) / 1000
            if bought:
                add((code, "external_energy", zone, "external"), bought, bought * Fraction(price["buy_pln_kwh"]))
                add_purchase(point, start, "external", bought)
            if sold:
                add((code, "external_energy_sold", zone, "external"), sold, -sold * Fraction(price["sell_pln_kwh"]))
            add((code, "equalisation", zone, ""), Fraction(0), Fraction(row["equalisation_pln"]))
        for row in self.package["trades"]:
            kwh, start, level = Fraction(row["wh"]) / 1000, row["interval_start"], row["sharing_level"]
            if row["buyer"] in mine:
                point = self._point(participant, row["buyer"], start)
                zone = self.own_zone(point["tariff_group"], start)
                add((row["buyer"], "local_energy", zone, level), kwh, kwh * Fraction(row["energy_pln_kwh"]))
                add_purchase(point, start, level, kwh)
            if row["seller"] in mine:
                point = self._point(participant, row["seller"], start)
                zone = self.own_zone(point["tariff_group"], start)
                add((row["seller"], "local_energy_sold", zone, level), kwh, -kwh * Fraction(row["energy_pln_kwh"]))
        bill.update(self.monthly(participant))
        return dict(bill)

    def sold_equalisation(self, participant: str) -> Fraction:
        """Equalisation of the intervals in which the participant sold; only who sells may have any there."""
        mine = {row["code"] for day in self.days for row in self.points(participant, day)}
        return sum(
            (
                Fraction(row["equalisation_pln"]) for row in self.package["positions"]
                if row["metering_point"] in mine and int(row["net_wh"]) > 0
            ),
            Fraction(0),
        )  # fmt: skip

    def _point(self, participant: str, code: str, start: str) -> Row:
        day = self.local(start).date()
        (point,) = (row for row in self.points(participant, day) if row["code"] == code)
        assert self.on_p2p(participant, day), f"{code} traded at {start} without a P2P contract"
        return point

    def standard(self, participants: set[str], hourly: bool) -> dict[str, tuple[Fraction, Fraction]]:
        """What the standard mechanism would have cost and paid, net, from the readings; monthly rates included."""
        owners = {row["code"]: row for row in self.tables["metering_points"] if row["participant"] in participants}
        net: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
        for row in rows(self.dataset / f"readings-{self.first:%Y-%m}.csv.gz"):
            start, point = row["interval_start"], owners.get(row["metering_point"])
            if point is None or start not in self.prices:
                continue
            if self.on_p2p(point["participant"], self.local(start).date()):
                together = start[:13] if hourly else start
                net[point["code"], together].append((start, int(row["exported_wh"]) - int(row["imported_wh"])))
        cost, fed_in = defaultdict[str, Fraction](Fraction), defaultdict[str, Fraction](Fraction)
        retail = {(row["group"], row["zone"]): Fraction(row["energy_pln_kwh"]) for row in self.tables["retail"]}
        for (code, _), parts in net.items():
            point, (start, _), kwh = owners[code], min(parts), Fraction(sum(wh for _, wh in parts), 1000)
            if kwh > 0:
                fed_in[point["participant"]] += kwh
            elif kwh < 0:
                fees = sum(price for _, _, price in self.kwh_rates(point, start, "external"))
                group = point["tariff_group"]
                cost[point["participant"]] += -kwh * (retail[group, self.own_zone(group, start)] + fees)
        found = {}
        for row in self.tables["participants"]:
            if row["id"] in participants:
                (sale,) = (
                    each for each in self.tables["standard_sale"]
                    if each["legal_form"] == row["legal_form"] and each["month"] == f"{self.first:%Y-%m}"
                )  # fmt: skip
                monthly = sum((amount for _, amount in self.monthly(row["id"]).values()), Fraction(0))
                price = Fraction(sale["pln_mwh"]) * Fraction(sale["factor"]) / 1000
                found[row["id"]] = cost[row["id"]] + monthly, -fed_in[row["id"]] * price
        return found

    def total_before_assurance(self) -> Fraction:
        """What all members together owe: external purchase less sale, grid fees, excise, service fees."""
        total = Fraction(0)
        for row in self.package["intervals"]:
            total += Fraction(row["external_import_wh"]) / 1000 * Fraction(row["buy_pln_kwh"])
            total -= Fraction(row["external_export_wh"]) / 1000 * Fraction(row["sell_pln_kwh"])
            bought, sold_locally = Fraction(row["shortage_wh"]) / 1000, Fraction(row["matched_wh"]) / 1000
            total += bought * (Fraction(self.settings["excise"]) + Fraction(self.settings["buyer_fee"]))
            total += sold_locally * Fraction(self.settings["seller_fee"])
        for row in self.package["positions"]:
            if int(row["external_bought_wh"]):
                total += Fraction(row["external_bought_wh"]) / 1000 * Fraction(row["external_grid_fee_pln_kwh"])
        total += sum(Fraction(row["grid_fee_pln"]) for row in self.package["trades"])
        for participant in self.tables["participants"]:
            total += sum(amount for _, amount in self.monthly(participant["id"]).values())
        return total
