"""Bills of Polish tariff groups, worked out by hand: interval by interval, with the rates and hours of 2026 typed in.

Shares no code with the product and reads none of its tariff files. It takes from the product only who got how much
local energy over which sharing level; prices, fees, zones, days and rounding are its own.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

WARSAW = ZoneInfo("Europe/Warsaw")
D = Decimal
#: Public holidays of 2026 on workdays and weekends, as the law lists them.
HOLIDAYS = {
    date(2026, month, day)
    for month, day in (
        (1, 1), (1, 6), (4, 5), (4, 6), (5, 1), (5, 3), (5, 24), (6, 4), (8, 15), (11, 1), (11, 11), (12, 24),
        (12, 25), (12, 26),
    )
}  # fmt: skip
#: PLN/kWh by group and zone.
VARIABLE = {
    "G11": {"flat": D("0.2464")},
    "G12": {"day": D("0.2841"), "night": D("0.0558")},
    "G12w": {"peak": D("0.3298"), "offpeak": D("0.0512")},
    "G13": {"morning": D("0.2203"), "afternoon": D("0.3898"), "rest": D("0.0392")},
    "C13": {"morning": D("0.2155"), "afternoon": D("0.3192"), "rest": D("0.1527")},
    "B21": {"flat": D("0.07114")},
    "B22": {"peak": D("0.07243"), "offpeak": D("0.05042")},
    "B23": {"morning": D("0.04964"), "afternoon": D("0.05610"), "rest": D("0.03748")},
}
#: Made up for the tests where the sources have none: one phase of G11, and all of the B groups.
MADE = {"one phase": D("7.20"), "B": D("14.35"), "B subscription": D("12.50")}
SUBSCRIPTION = {"G": D("4.56"), "C": D("2.28"), "B": MADE["B subscription"]}
LEVIES = {"quality": D("0.03316"), "res": D("0.0073"), "cogeneration": D("0.003")}
CAPACITY = D("0.2194")
CAPACITY_FLAT = ((500, D("4.29")), (1200, D("10.31")), (2800, D("17.18")), (10**9, D("24.05")))
DISCOUNT = {"station": D("0.25"), "cluster": D("0.05")}
EXCISE, FEE = D("0.005"), D("0.02")


class Point:
    """A member's metering point: code, group, phases, contracted kW, yearly use, coefficient A."""

    def __init__(self, code: str, group: str, phases: int, power: str, use: int, factor: str) -> None:
        self.code, self.group, self.phases, self.use = code, group, phases, use
        self.power, self.factor = D(power), D(factor)


#: (component, zone, sharing level, first day, end) → [kWh or share of months, PLN].
Lines = dict[tuple[str, str, str, str, str], list[Decimal]]
#: (group, day) → another variable rate by zone, or another monthly network rate, from that day on.
Changes = Mapping[str, tuple[date, dict[str, Decimal], Decimal]]


def is_free(day: date) -> bool:
    return day.weekday() >= 5 or day in HOLIDAYS


def zone_of(group: str, at: datetime) -> str:
    """The zone of a local time, by the distributors' published hours."""
    hour, day = at.hour + at.minute / 60, at.date()
    summer = 4 <= day.month <= 9
    if group in ("G11", "B21"):
        return "flat"
    if group == "G12":
        return "night" if hour >= 22 or hour < 6 or 13 <= hour < 15 else "day"
    if group == "G12w":
        return "offpeak" if is_free(day) or hour >= 22 or hour < 6 or 13 <= hour < 15 else "peak"
    if group == "B22":
        evening = 20 <= hour < 21 if summer else 17 <= hour < 21
        return "peak" if 8 <= hour < 11 or evening else "offpeak"
    if is_free(day):
        return "rest"
    if 7 <= hour < 13:
        return "morning"
    return "afternoon" if (19 <= hour < 22 if summer else 16 <= hour < 21) else "rest"


def half_up(value: Decimal, places: int) -> Decimal:
    return value.quantize(D(1).scaleb(-places), ROUND_HALF_UP)


def quarter_hours(first: date, end: date) -> Iterator[datetime]:
    """UTC starts of the quarter-hours of the local days [first, end)."""
    at, stop = (datetime.combine(day, time(), WARSAW).astimezone(UTC) for day in (first, end))
    while at < stop:
        yield at
        at += timedelta(minutes=15)


def bill(
    point: Point,
    month: date,
    bought: Mapping[datetime, Mapping[str, int]],
    prices: Mapping[datetime, tuple[Decimal, Decimal]],
    changes: Changes | None = None,
) -> Lines:
    """The lines of a buyer's month. `bought`: Wh by UTC start and level; `prices` [PLN/kWh]: buying and selling."""
    end = (month + timedelta(days=32)).replace(day=1)
    lines: Lines = defaultdict(lambda: [D(0), D(0)])
    changed, other_variable, other_monthly = (changes or {}).get(point.group, (end, {}, D(0)))
    whole = month.isoformat(), end.isoformat()

    def add(component: str, zone: str, level: str, kwh: Decimal, price: Decimal, days: tuple[str, str] = whole) -> None:
        entry = lines[component, zone, level, *days]
        entry[0] += kwh
        entry[1] += kwh * price

    for start, levels in bought.items():
        local = start.astimezone(WARSAW)
        zone = zone_of(point.group, local)
        late = local.date() >= changed
        variable, days = VARIABLE[point.group][zone], whole
        if zone in other_variable:
            variable = other_variable[zone] if late else variable
            days = (changed.isoformat(), whole[1]) if late else (whole[0], changed.isoformat())
        buy, sell = prices[start]
        for level, wh in levels.items():
            kwh, local_energy = D(wh) / 1000, level != "external"
            if not wh:
                continue
            if local_energy:
                add("local_energy", zone, level, kwh, half_up((buy + sell) / 2, 6))
                add("network_variable", zone, level, kwh, half_up(variable * (1 - DISCOUNT[level]), 6), days)
            else:
                add("external_energy", zone, level, kwh, buy)
                add("network_variable", zone, level, kwh, variable, days)
            add("excise", "flat", level, kwh, EXCISE)
            add("service_fee", "flat", level, kwh, FEE)
            for levy, rate in LEVIES.items():
                add(levy, "flat", level, kwh, D(0) if local_energy and levy != "quality" else rate)
            if point.group[0] != "G" and not is_free(local.date()) and 7 <= local.hour < 22:
                add("capacity", "capacity_hours", level, kwh, half_up(CAPACITY * point.factor, 6))
    for component, rate, by_power in _monthly(point):
        parts = [(month, end, rate)]
        if component == "network_fixed" and changed < end:
            parts = [(month, changed, rate), (changed, end, other_monthly)]
        for first, stop, price in parts:
            share = D((stop - first).days) / D((end - month).days) * (point.power if by_power else 1)
            entry = lines[component, "", "", first.isoformat(), stop.isoformat()]
            entry[0], entry[1] = half_up(share, 9), half_up(share * price, 9)
    return dict(lines)


def _monthly(point: Point) -> Iterator[tuple[str, Decimal, bool]]:
    kind = point.group[0]
    if kind == "G":
        yield "network_fixed", D("10.86") if point.phases == 3 else MADE["one phase"], False
        yield "capacity", next(fee for below, fee in CAPACITY_FLAT if point.use < below), False
    else:
        yield "network_fixed", D("5.73") if kind == "C" else MADE["B"], True
    yield "subscription", SUBSCRIPTION[kind], False


def exported(statements: Path) -> dict[str, dict[tuple[str, str, str, str, str], tuple[Decimal, Decimal, Decimal]]]:
    """The product's statements: participant → line → quantity, exact amount, grosze."""
    found: dict[str, dict[tuple[str, str, str, str, str], tuple[Decimal, Decimal, Decimal]]] = defaultdict(dict)
    with (statements / "statements.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            key = row["component"], row["zone"], row["sharing_level"], row["rate_from"], row["rate_to"]
            assert key not in found[row["participant"]]
            found[row["participant"]][key] = D(row["quantity"]), D(row["amount_exact_pln"]), D(row["net_pln"])
    return found
