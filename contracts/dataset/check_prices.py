"""Checks of the tariff book, the standard mechanism and the external prices."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from contracts.dataset import records as r
from contracts.dataset.check_members import check_unique
from contracts.dataset.clusterfile import FILE, ClusterFile
from contracts.dataset.faults import Faults
from contracts.dataset.spans import first_uncovered, span_problems
from contracts.dataset.tables import Tables
from contracts.domain.book_check import rate_problems
from contracts.domain.composition import Tariff, cut, stretches
from contracts.domain.zones import ANY_GROUP, FLAT, BookProblem, zone_problems
from metering.domain.calendar import INTERVAL, format_instant, local_day, local_midnight, time_zone


def check_prices(cluster: ClusterFile, tables: Tables, faults: Faults) -> None:
    """Tariff, zones, retail and external prices leave nothing open and nothing double."""
    tz = time_zone(cluster.cluster.timezone)
    whole = r.tariff_of(tables.rates.rows, tables.zones.rows, cluster.books)
    _check_books(tables, whole, faults)
    _check_groups(tables, faults)
    _check_phases(tables, faults)
    check_unique(tables.standard_sale, "month", [(row.legal_form, row.month) for row in tables.standard_sale], faults)
    _check_retail(tables, whole, faults)
    _check_external(tables.external_prices, tz, faults)
    days = sorted({local_day(row.interval_start, tz) for row in tables.external_prices})
    if days and cluster.settings[0].valid_from > days[0]:
        text = f"no settings are in force on {days[0]}, for which there are external prices; start earlier"
        faults.add(FILE, cluster.settings_lines[0], "settings.valid_from", text)
    _check_priced_days(tables, days, faults)


def _numbered(table: r.Table[r.Row]) -> Iterator[tuple[r.Row, int]]:
    return zip(table.rows, table.lines, strict=True)


def _check_books(tables: Tables, whole: Tariff, faults: Faults) -> None:
    """Each book by itself, on the days on which it holds; what is wrong in several of them is told once."""
    told: set[tuple[str, int, str, str]] = set()

    def tell(table: r.Table[Any], indexes: Sequence[int], problems: Iterable[BookProblem]) -> None:
        for problem in problems:
            fault = table.file, table.lines[indexes[problem.row]], problem.column, problem.text
            if fault not in told:
                told.add(fault)
                faults.add(*fault)

    for span in stretches(whole):
        rates, zones = cut(whole, span)
        tell(tables.zones, list(zones), zone_problems(list(zones.values())))
        tell(tables.rates, list(rates), rate_problems(list(rates.values()), list(zones.values())))


def _check_groups(tables: Tables, faults: Faults) -> None:
    """Groups of zones, retail prices and members' points are groups of the tariff."""
    groups = {rate.group for rate in tables.rates} - {ANY_GROUP}
    points = tables.metering_points
    uses = [
        *((tables.zones.file, line, "group", row.group) for row, line in _numbered(tables.zones)),
        *((tables.retail.file, line, "group", row.group) for row, line in _numbered(tables.retail)),
        *((points.file, line, "tariff_group", p.tariff_group) for p, line in _numbered(points) if p.role == r.MEMBER),
    ]
    for file, line, column, group in uses:
        if group not in groups and not (group == ANY_GROUP and file == tables.zones.file):
            known = ", ".join(sorted(groups))
            faults.add(file, line, column, f"the tariff has no group '{group}'; known are {known}")


def _check_phases(tables: Tables, faults: Faults) -> None:
    """Where the tariff names phases, every point's phases are among them."""
    named: dict[tuple[str, str], set[int | None]] = {}
    for rate in tables.rates:
        named.setdefault((rate.group, rate.component), set()).add(rate.phases)
    for point, line in _numbered(tables.metering_points):
        for (group, component), phases in named.items():
            if group in (ANY_GROUP, point.tariff_group) and not phases & {None, point.phases}:
                text = f"component '{component}' of group {group} has no rate for {point.phases} phases"
                faults.add(tables.metering_points.file, line, "phases", text)


def _check_retail(tables: Tables, whole: Tariff, faults: Faults) -> None:
    """Each zone of each group that a member uses has one retail price, without gap, and all zones for the same days."""
    retail = tables.retail
    for index, text in span_problems(retail.rows, lambda i: (retail.rows[i].group, retail.rows[i].zone), gaps=True):
        row = retail.rows[index]
        faults.add(retail.file, retail.lines[index], "valid_from", f"group {row.group}, zone {row.zone}: {text}")
    parts = _zones_by_days(whole)
    spans: dict[str, dict[str, tuple[date, date]]] = {}
    for row, line in _numbered(retail):
        names = {name for _, _, zones in parts for name in zones.get(row.group, {FLAT})}
        if row.zone not in names:
            known = ", ".join(sorted(names))
            faults.add(retail.file, line, "zone", f"group {row.group} has no zone '{row.zone}'; known are {known}")
        first, end = spans.setdefault(row.group, {}).get(row.zone, (row.valid_from, date.min))
        spans[row.group][row.zone] = (min(first, row.valid_from), max(end, row.valid_to or date.max))
    used = {point.tariff_group for point in tables.metering_points if point.role == r.MEMBER}
    for group in sorted(used | spans.keys()):
        for column, text in dict.fromkeys(_retail_gaps(group, spans.get(group, {}), parts)):
            faults.add(retail.file, 0, column, f"gap: {text}")


def _zones_by_days(whole: Tariff) -> list[tuple[date, date, dict[str, set[str]]]]:
    """First day, end and each group's own zones, for every stretch of days with the same book; the first is open."""
    parts: list[tuple[date, date, dict[str, set[str]]]] = []
    for span in stretches(whole):
        zones: dict[str, set[str]] = {}
        for zone in cut(whole, span)[1].values():
            zones.setdefault(zone.group, set()).add(zone.zone)
        parts.append((span.first if parts else date.min, span.end or date.max, zones))
    return parts


def _retail_gaps(
    group: str, priced: dict[str, tuple[date, date]], parts: list[tuple[date, date, dict[str, set[str]]]]
) -> Iterator[tuple[str, str]]:
    """Column and text of zones without a price on days on which the group has one at all."""
    first = min((first for first, _ in priced.values()), default=date.min)
    end = max((end for _, end in priced.values()), default=date.max)
    for start, stop, zones in parts:
        days = max(first, start), min(end, stop)
        if days[0] >= days[1]:
            continue
        needed = zones.get(group, {FLAT})
        for name in sorted(needed - priced.keys()):
            yield "zone", f"group {group} has no retail price in zone {name}; add it"
        if any(priced[name][0] > days[0] or priced[name][1] < days[1] for name in needed & priced.keys()):
            yield "valid_from", f"the zones of group {group} are priced for different days"


def _check_external(prices: r.Table[r.ExternalPriceRecord], tz: ZoneInfo, faults: Faults) -> None:
    """Each quarter-hour once; whole local months may be left out between two of them, but nothing less."""
    check_unique(prices, "interval_start", [row.interval_start for row in prices], faults)
    ordered = sorted((row.interval_start, line) for row, line in _numbered(prices))
    for (before, _), (start, line) in pairwise(ordered):
        missing = before + INTERVAL
        if missing < start and not (_starts_month(missing, tz) and _starts_month(start, tz)):
            text = f"gap: no prices from {format_instant(missing)} to {format_instant(start)}; add them"
            faults.add(prices.file, line, "interval_start", text)


def _starts_month(instant: datetime, tz: ZoneInfo) -> bool:
    day = local_day(instant, tz)
    return day.day == 1 and local_midnight(day, tz) == instant


def _check_priced_days(tables: Tables, days: Sequence[date], faults: Faults) -> None:
    """On each day with external prices, the groups that members use then have rates and retail prices."""
    in_force: dict[str, set[date]] = {}
    for point in tables.metering_points:
        if point.role == r.MEMBER:
            on = (day for day in days if point.valid_from <= day and (point.valid_to is None or day < point.valid_to))
            in_force.setdefault(point.tariff_group, set()).update(on)
    for group, used in sorted(in_force.items()):
        rates = [rate for rate in tables.rates if rate.group == group]
        if rates and (day := first_uncovered(rates, sorted(used))):
            text = f"gap: group {group} has no rate on {day}, for which there are external prices; add it"
            faults.add(tables.rates.file, 0, "valid_from", text)
        retail = [row for row in tables.retail if row.group == group]
        if retail and (day := first_uncovered(retail, sorted(used))):
            text = f"gap: group {group} has no retail price on {day}, for which there are external prices; add it"
            faults.add(tables.retail.file, 0, "valid_from", text)
