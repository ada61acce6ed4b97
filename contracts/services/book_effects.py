"""What a new tariff book means for the clusters on the grid: whether it suits them, and what it changes there."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from contracts.dataset.bookfile import BookTables
from contracts.dataset.faults import Faults
from contracts.dataset.records import Table
from contracts.domain.composition import Book, Tariff
from contracts.domain.fees import EXTERNAL, discount_problems, level_fee
from contracts.domain.tariff import Profile, Rate, Slot, TariffBook, TariffError
from contracts.domain.zones import ANY_GROUP, ZoneRow
from contracts.models import ClusterSettings, Contract
from contracts.selectors.book import composed, discounts, tariff
from contracts.services.touched import DaySpan, instants
from metering.domain.calendar import local_day, time_zone
from metering.models import GridNode, PointAssignment
from metering.services.inputs import known_intervals, touch_intervals
from metering.services.locks import lock_readings
from participants.models import Cluster, Dso
from participants.tenancy.scope import scope


@dataclass(frozen=True, slots=True)
class Effect:
    """What a book changed in a cluster: quarter-hours to be settled anew, and the days that are billed otherwise."""

    cluster: Cluster
    quarter_hours: int
    billed_anew: tuple[DaySpan, ...]


@dataclass(frozen=True)
class _Use:
    """How a cluster uses the tariff: its points with their days, and its own discounts by the day they hold from."""

    points: tuple[tuple[date, date | None, Profile], ...]
    levels: tuple[str, ...]
    own: tuple[tuple[date, Mapping[str, Decimal]], ...]

    @property
    def days(self) -> set[date]:
        """The days on which points or discounts change."""
        ends = {end for _, end, _ in self.points if end is not None}
        return {first for first, _, _ in self.points} | ends | {first for first, _ in self.own}

    def profiles(self, day: date) -> list[Profile]:
        """Of the points that are settled on a local day."""
        return [profile for first, end, profile in self.points if first <= day and (end is None or day < end)]

    def discounts(self, book: TariffBook, day: date) -> Mapping[str, Decimal]:
        """Those of the levels of the grid that hold on a local day."""
        own = [shares for first, shares in self.own if first <= day]
        found = book.discounts_on(day, own[-1] if own else {})
        return {level: share for level, share in found.items() if level in self.levels}


def check_use(dso: Dso, tables: BookTables, valid_from: date, end: date | None, faults: Faults) -> None:
    """Whether the book, on its days from `valid_from` up to `end`, has what the clusters on the grid need."""
    book = tables.book(valid_from)
    for cluster in _clusters(dso):
        with scope(cluster.pk):
            _check_groups(cluster, book, end, tables.rates, faults)
            for text in _discount_problems(cluster, book, end):
                faults.add(tables.discounts.file, 0, "discount", f"{cluster}: {text}")


def _check_groups(cluster: Cluster, book: Book, end: date | None, table: Table[Rate], faults: Faults) -> None:
    """The groups and phases of the cluster's points are in the book; told at the first row concerned, if any."""
    lines = list(zip(table.rows, table.lines, strict=True))
    told: set[tuple[int, str, str]] = set()
    for row in PointAssignment.objects.filter(cluster=cluster, role=PointAssignment.Role.MEMBER).order_by(
        "tariff_group"
    ):
        first = max(row.valid_from, book.valid_from)
        if (row.valid_to is not None and row.valid_to <= first) or (end is not None and end <= first):
            continue
        own = [rate for rate in book.rates if rate.group == row.tariff_group]
        reach = [rate.valid_to for rate in book.rates if rate.valid_to is not None]
        if len(reach) == len(book.rates) and first >= max(reach):
            continue
        if not any(rate.on(first) for rate in own):
            line = next((line for rate, line in lines if rate.group == row.tariff_group), 0)
            text = f"group {row.tariff_group}, which points in {cluster} have, has no rate on {first}; add it"
            told.add((line, "valid_from" if line else "group", text))
        named: dict[str, set[int | None]] = {}
        for rate in own:
            named.setdefault(rate.component, set()).add(rate.phases)
        for component, phases in named.items():
            if not phases & {None, row.phases}:
                key = (row.tariff_group, component)
                line = next(line for rate, line in lines if (rate.group, rate.component) == key)
                text = (
                    f"component '{component}' of group {row.tariff_group} has no rate for {row.phases} phases, which "
                    f"points in {cluster} have; add it"
                )
                told.add((line, "phases", text))
    for line, column, text in sorted(told):
        faults.add(table.file, line, column, text)


def _discount_problems(cluster: Cluster, book: Book, end: date | None) -> list[str]:
    """With the book's discounts in place of those that the cluster's settings leave out, none grows with distance."""
    nodes = list(GridNode.objects.filter(cluster=cluster).values_list("code", "parent__code", "level"))
    parents, levels = {code: parent for code, parent, _ in nodes}, {code: level for code, _, level in nodes}
    own = _own_discounts(cluster)
    before = composed(tariff(cluster.dso), cluster)
    days = {book.valid_from, *(day for day, _ in own if day > book.valid_from and (end is None or day < end))}
    told: set[str] = set()
    for day in sorted(days):
        mine = [shares for first, shares in own if first <= day]
        after = {**book.discounts, **(mine[-1] if mine else {})}
        if after != before.discounts_on(day, mine[-1] if mine else {}):
            told.update(map(str, discount_problems(parents, levels, after)))
    return sorted(told)


def touch_changed(dso: Dso, before: Tariff, after: Tariff, first: date, end: date | None) -> tuple[Effect, ...]:
    """Note a change of each quarter-hour of the days `[first, end)` that clearing would settle otherwise now."""
    effects = []
    for cluster in _clusters(dso):
        with scope(cluster.pk):
            lock_readings(cluster)
            old, new, use = composed(before, cluster), composed(after, cluster), _use(cluster)
            known = known_intervals(cluster.pk, *instants([(first, end)], time_zone(cluster.timezone))[0])
            touched = _settled_otherwise(old, new, use, sorted(known), cluster)
            touch_intervals(cluster.pk, touched)
            effects.append(Effect(cluster, len(touched), _billed_otherwise(old, new, use, first, end)))
    return tuple(effects)


def _settled_otherwise(
    old: TariffBook, new: TariffBook, use: _Use, starts: Sequence[datetime], cluster: Cluster
) -> list[datetime]:
    """The quarter-hours in which some point's grid fee per kWh, or a sharing level's discount, is not what it was."""
    tz = time_zone(cluster.timezone)
    slots_before, slots_after = old.slot_index(starts, tz), new.slot_index(starts, tz)
    days = sorted({*use.days, *old.discount_days, *new.discount_days})
    profiles: dict[int, list[Profile]] = {}
    known: dict[tuple[int, int, int], bool] = {}
    touched = []
    for start, one, other in zip(starts, slots_before.of.tolist(), slots_after.of.tolist(), strict=True):
        day = local_day(start, tz)
        step = bisect_right(days, day)
        if step not in profiles:
            profiles[step] = _kinds(old, new, use.profiles(day))
        if (step, one, other) not in known:
            shares = use.discounts(old, day), use.discounts(new, day)
            slots = slots_before.slots[one], slots_after.slots[other]
            known[step, one, other] = shares[0] != shares[1] or any(
                _fees(old, profile, slots[0], shares[0]) != _fees(new, profile, slots[1], shares[1])
                for profile in profiles[step]
            )
        if known[step, one, other]:
            touched.append(start)
    return touched


def _kinds(old: TariffBook, new: TariffBook, profiles: Iterable[Profile]) -> list[Profile]:
    """One point of each kind that pays the same per kWh, before and after."""
    return list({(old.kwh_class(profile), new.kwh_class(profile)): profile for profile in profiles}.values())


def _fees(book: TariffBook, profile: Profile, slot: Slot, shares: Mapping[str, Decimal]) -> list[int] | None:
    """Grid fees per kWh from outside and over each level; None where the book has none."""
    try:
        components = book.kwh_components(profile, slot)
    except TariffError:
        return None
    return [level_fee(components, level, shares) for level in (EXTERNAL, *shares)]


def _billed_otherwise(
    old: TariffBook, new: TariffBook, use: _Use, first: date, end: date | None
) -> tuple[DaySpan, ...]:
    """The days on which a rate, zone or discount for the cluster's points is another one, adjacent ones joined."""
    days = {*use.days, *old.change_days, *new.change_days, *old.discount_days, *new.discount_days, first}
    ordered = sorted(day for day in days if first <= day and (end is None or day < end))
    spans: list[DaySpan] = []
    for day, until in zip(ordered, [*ordered[1:], end], strict=True):
        groups = {profile.group for profile in use.profiles(day)} | {ANY_GROUP}
        if _said_on(old, use, groups, day) != _said_on(new, use, groups, day):
            if spans and spans[-1][1] == day:
                spans[-1] = spans[-1][0], until
            else:
                spans.append((day, until))
    return tuple(spans)


def _said_on(book: TariffBook, use: _Use, groups: set[str], day: date) -> tuple[object, ...]:
    rates: Iterable[Rate] = (rate for rate in book.rates if rate.group in groups and rate.on(day))
    zones: Iterable[ZoneRow] = (row for row in book.zones if row.group in groups and row.in_force(day))
    return _without_days(rates), _without_days(zones), use.discounts(book, day)


def _without_days(rows: Iterable[Rate | ZoneRow]) -> set[tuple[object, ...]]:
    return {
        tuple(getattr(row, name) for name in row.__dataclass_fields__ if name not in ("valid_from", "valid_to"))
        for row in rows
    }


def _clusters(dso: Dso) -> list[Cluster]:
    return list(Cluster.objects.filter(dso=dso).select_related("dso").order_by("pk"))


def _own_discounts(cluster: Cluster) -> tuple[tuple[date, Mapping[str, Decimal]], ...]:
    rows = ClusterSettings.objects.filter(cluster=cluster).order_by("valid_from")
    return tuple((row.valid_from, discounts(row.sharing_discount)) for row in rows)


def _use(cluster: Cluster) -> _Use:
    contracts: dict[int | None, list[Contract]] = {}
    for contract in Contract.objects.filter(cluster=cluster, scheme=Contract.Scheme.P2P):
        contracts.setdefault(contract.participant_id, []).append(contract)
    points = []
    for row in PointAssignment.objects.filter(cluster=cluster, role=PointAssignment.Role.MEMBER):
        profile = Profile(
            row.tariff_group, row.phases, row.yearly_use_kwh, row.capacity_factor, row.contracted_power_kw
        )
        for contract in contracts.get(row.participant_id, []):
            first = max(row.valid_from, contract.valid_from)
            ends = [day for day in (row.valid_to, contract.valid_to) if day is not None]
            if not ends or first < min(ends):
                points.append((first, min(ends) if ends else None, profile))
    levels = tuple(sorted(set(GridNode.objects.filter(cluster=cluster).values_list("level", flat=True))))
    return _Use(tuple(points), levels, _own_discounts(cluster))
