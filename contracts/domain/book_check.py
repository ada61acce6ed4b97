"""What is wrong with the rates of a tariff book, row by row.

Every (group, component, zone) must be priced exactly once for every phase and yearly use, on every day on which its
group has rates at all; a charge that is not due is a row with rate 0, never a missing row.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from contracts.domain.tariff import FULL, HOURLY, PER_KWH, RELIEF_ENDING, TREATMENTS, UNITS, Rate
from contracts.domain.zones import ANY_GROUP, FLAT, BookProblem, ZoneRow

Key = tuple[str, str, str]
#: With its ending it still is the name of a component, of 40 characters at most.
LONGEST_RELIEVED = 40 - len(RELIEF_ENDING)


def rate_problems(rates: Sequence[Rate], zones: Sequence[ZoneRow]) -> Iterator[BookProblem]:
    """Rows that make no sense, gaps and overlaps in dates and brackets, and zones that are not all priced."""
    broken = [*_row_problems(rates), *_zone_name_problems(rates, zones)]
    yield from broken
    if broken:
        return
    keys: dict[Key, list[int]] = {}
    for index, rate in enumerate(rates):
        keys.setdefault((rate.group, rate.component, rate.zone), []).append(index)
    for key, indexes in keys.items():
        yield from _coverage_problems(rates, key, indexes)
    yield from _priced_everywhere(rates, zones, keys)
    yield from _waived_by_two_rules(rates)
    for group, component, zone in keys:
        if group != ANY_GROUP and (ANY_GROUP, component, zone) in keys:
            text = f"component '{component}' of group {group} is also priced for *; remove one of them"
            yield BookProblem(keys[group, component, zone][0], "group", text)


def _row_problems(rates: Sequence[Rate]) -> Iterator[BookProblem]:
    for index, rate in enumerate(rates):
        if rate.unit not in UNITS:
            yield BookProblem(index, "unit", f"unit '{rate.unit}' is not one of {', '.join(UNITS)}")
        if rate.treatment not in TREATMENTS:
            text = f"local treatment '{rate.treatment}' is not one of {', '.join(TREATMENTS)}"
            yield BookProblem(index, "local_treatment", text)
        elif rate.unit != PER_KWH and rate.treatment != FULL:
            yield BookProblem(index, "local_treatment", "a monthly rate can only be 'full': it has no local part")
        if rate.component.endswith(RELIEF_ENDING):
            text = f"a component can't end in '{RELIEF_ENDING}': that is what statements call what is relieved of it"
            yield BookProblem(index, "component", text)
        elif rate.treatment == HOURLY and len(rate.component) > LONGEST_RELIEVED:
            text = f"the name of an '{HOURLY}' component has at most {LONGEST_RELIEVED} characters"
            yield BookProblem(index, "component", text)
        if rate.unit == PER_KWH and not rate.zone:
            yield BookProblem(index, "zone", "a rate per kWh needs a zone; give 'flat' if it is always the same")
        if rate.unit in UNITS and rate.unit != PER_KWH and rate.zone:
            yield BookProblem(index, "zone", "a monthly rate has no zone; leave it empty")
        if rate.micro < 0:
            yield BookProblem(index, "rate_net", "a rate can't be negative")
        if rate.valid_to is not None and rate.valid_to <= rate.valid_from:
            yield BookProblem(index, "valid_to", "valid_to must lie after valid_from; it is exclusive")
        if rate.use_to_kwh is not None and rate.use_to_kwh <= (rate.use_from_kwh or 0):
            yield BookProblem(index, "use_to_kwh", "use_to_kwh must be greater than use_from_kwh; it is exclusive")


def _zone_name_problems(rates: Sequence[Rate], zones: Sequence[ZoneRow]) -> Iterator[BookProblem]:
    names: dict[str, set[str]] = {}
    for row in zones:
        names.setdefault(row.group, set()).add(row.zone)
    surcharges = names.get(ANY_GROUP, set())
    for index, rate in enumerate(rates):
        known = surcharges | {FLAT} | names.get(rate.group, set())
        if rate.unit == PER_KWH and rate.zone and rate.zone not in known:
            text = f"group {rate.group} has no zone '{rate.zone}'; known are {', '.join(sorted(known))}"
            yield BookProblem(index, "zone", text)


def _coverage_problems(rates: Sequence[Rate], key: Key, indexes: Sequence[int]) -> Iterator[BookProblem]:
    """Days and brackets of one (group, component, zone) that have no row, or several."""
    name = f"component '{key[1]}' of group {key[0]}" + (f" in zone {key[2]}" if key[2] else "")
    first, end = _extent(rates, key[0])
    edges = {first, *(rates[i].valid_from for i in indexes)}
    edges |= {day for i in indexes if (day := rates[i].valid_to) is not None}
    days = sorted(edges)
    told: set[str] = set()
    for position, day in enumerate(days):
        if end is not None and day >= end:
            continue
        until = days[position + 1] if position + 1 < len(days) else end
        active = [i for i in indexes if rates[i].on(day)]
        for index, text in _bracket_problems(rates, active or indexes[:1], empty=not active):
            if text not in told:
                told.add(text)
                yield BookProblem(index, "valid_from", f"{name}: {text} from {day} to {until or 'the end'}")


def _bracket_problems(rates: Sequence[Rate], active: Sequence[int], *, empty: bool) -> Iterator[tuple[int, str]]:
    """Faults of the rows in force on one day: every phase that is named must find one row for every yearly use."""
    if empty:
        yield active[0], "gap, no rate (give rate 0 if nothing is charged)"
        return
    named = {rates[i].phases for i in active}
    for phases in sorted(named, key=str):
        rows = sorted(
            (i for i in active if rates[i].phases in (None, phases)), key=lambda i: (rates[i].use_from_kwh or 0, i)
        )
        covered: int | None = 0
        for i in rows:
            start = rates[i].use_from_kwh or 0
            if covered is None or start < covered:
                yield i, "overlap, two rates apply" + (f" to a yearly use of {start} kWh" if start else "")
                break
            if start > covered:
                yield (
                    i,
                    f"gap, no rate for a yearly use of {covered} to {start} kWh (give rate 0 if nothing is charged)",
                )
                break
            covered = rates[i].use_to_kwh
        else:
            if covered is not None:
                yield rows[-1], f"gap, no rate for a yearly use of {covered} kWh and more"


def _priced_everywhere(
    rates: Sequence[Rate], zones: Sequence[ZoneRow], keys: dict[Key, list[int]]
) -> Iterator[BookProblem]:
    """A component priced in one of a group's own zones is priced in all, for the same phases, and not `flat`."""
    own: dict[str, set[str]] = {}
    for row in zones:
        if row.group != ANY_GROUP:
            own.setdefault(row.group, set()).add(row.zone)
    priced: dict[tuple[str, str], dict[str, int]] = {}
    for (group, component, zone), indexes in keys.items():
        if zone in own.get(group, ()):
            priced.setdefault((group, component), {})[zone] = indexes[0]
    for (group, component), found in priced.items():
        first = next(iter(found))
        for zone in sorted(own[group] - set(found)):
            text = f"component '{component}' of group {group} is priced in zone {first} but not in zone {zone}; add it"
            yield BookProblem(found[first], "zone", text)
        if (group, component, FLAT) in keys:
            text = f"component '{component}' of group {group} is priced both flat and in zones; use one of them"
            yield BookProblem(keys[group, component, FLAT][0], "zone", text)
        phases = {zone: {rates[i].phases for i in keys[group, component, zone]} for zone in found}
        for zone, index in found.items():
            if phases[zone] != phases[first]:
                text = f"component '{component}' of group {group} names other phases in zone {zone} than in {first}"
                yield BookProblem(index, "phases", text)


def _waived_by_two_rules(rates: Sequence[Rate]) -> Iterator[BookProblem]:
    """A component per kWh that is relieved by the hour in some rows and treated by the trade in others."""
    by_component: dict[str, list[int]] = {}
    for index, rate in enumerate(rates):
        if rate.unit == PER_KWH:
            by_component.setdefault(rate.component, []).append(index)
    for component, indexes in by_component.items():
        hourly = [i for i in indexes if rates[i].treatment == HOURLY]
        for i in (i for i in indexes if rates[i].treatment != HOURLY):
            if any(_meet(rates[i], rates[j]) for j in hourly):
                text = (
                    f"component '{component}' is '{rates[i].treatment}' here and '{HOURLY}' in other rows of the same "
                    "days; a component is relieved by one rule only, by the trade or by the hour"
                )
                yield BookProblem(i, "local_treatment", text)
                break


def _meet(one: Rate, other: Rate) -> bool:
    """Whether both are in force on some day."""
    return (other.valid_to is None or one.valid_from < other.valid_to) and (
        one.valid_to is None or other.valid_from < one.valid_to
    )


def _extent(rates: Sequence[Rate], group: str) -> tuple[date, date | None]:
    """First day and end of all rates of the group; of the whole book for `*`."""
    rows = [rate for rate in rates if group in (ANY_GROUP, rate.group)]
    ends = [rate.valid_to for rate in rows if rate.valid_to is not None]
    return min(rate.valid_from for rate in rows), max(ends) if len(ends) == len(rows) else None
