"""What is unlikely in a tariff book beside what holds so far. What is wrong by itself `book_check` tells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts.domain.book_difference import key_of, so_far
from contracts.domain.money import from_micro, half_up
from contracts.domain.tariff import PER_KWH, Rate
from contracts.domain.zones import ANY_GROUP

#: A rate that moves by more than this share of itself has to be confirmed.
UNLIKELY_SHARE = Decimal("0.5")
#: No net rate of distribution per kWh comes near [micro-PLN]; one given per MWh is a thousand times as high.
UNLIKELY_PER_KWH = 3_000_000
_TIMES = (1000, 100, 10)
#: How near to such a multiple counts as one.
_NEAR = Decimal("0.35")


@dataclass(frozen=True, slots=True)
class Finding:
    """`row` is the index of the rate, None: the book as a whole. A mistake stops the book, the rest is confirmed."""

    mistake: bool
    row: int | None
    column: str
    text: str


def book_findings(rates: Sequence[Rate], valid_from: date, last: Sequence[Rate]) -> tuple[Finding, ...]:
    """Findings on the rates of a book that is to hold from the local day `valid_from` on, mistakes first.

    `last` are the rates of all days that hold so far.
    """
    held = so_far(last, valid_from)
    found = [
        *_missing_components(rates, held),
        *_missing_groups(rates, held),
        *_unlikely_rates(rates, last),
        *_unlike_the_others(rates),
    ]
    found.sort(key=lambda finding: (not finding.mistake, -1 if finding.row is None else finding.row))
    return tuple(dict.fromkeys(found))


def _missing_groups(rates: Sequence[Rate], held: Sequence[Rate]) -> Iterator[Finding]:
    for group in sorted({rate.group for rate in held} - {rate.group for rate in rates} - {ANY_GROUP}):
        yield Finding(False, None, "group", f"group {group} of the book so far is missing; is it given up?")


def _missing_components(rates: Sequence[Rate], held: Sequence[Rate]) -> Iterator[Finding]:
    """What a group was charged so far and now has no row for; a charge that has become 0 is a row with rate 0."""
    now = _components(rates)
    first_row: dict[str, int] = {}
    for index, rate in enumerate(rates):
        first_row.setdefault(rate.group, index)
    for group, components in sorted(_components([rate for rate in held if rate.micro]).items()):
        if group == ANY_GROUP or group not in now:
            continue
        for component in sorted(components - now[group]):
            text = (
                f"component '{component}' of group {group} is missing; the book so far has it (give rate 0 if it ended)"
            )
            yield Finding(True, first_row[group], "component", text)


def _components(rates: Sequence[Rate]) -> dict[str, set[str]]:
    """Components by group, those of `*` in each."""
    common = {rate.component for rate in rates if rate.group == ANY_GROUP}
    found: dict[str, set[str]] = {}
    for rate in rates:
        found.setdefault(rate.group, set(common)).add(rate.component)
    return found


def _unlikely_rates(rates: Sequence[Rate], last: Sequence[Rate]) -> Iterator[Finding]:
    """Rates far from the one that held on their first day, or last before it."""
    before: dict[object, list[Rate]] = {}
    for rate in last:
        before.setdefault(key_of(rate), []).append(rate)
    for index, rate in enumerate(rates):
        held = [row for row in before.get(key_of(rate), ()) if row.valid_from <= rate.valid_from]
        old = max(held, key=lambda row: row.valid_from, default=None)
        text = _unlikely_alone(rate) if old is None else _unlikely_change(old, rate)
        if text:
            name = " ".join(part for part in (rate.group, rate.component, rate.zone) if part)
            yield Finding(False, index, "rate_net", f"{name}: {text}")


def _unlikely_alone(rate: Rate) -> str:
    if rate.unit == PER_KWH and rate.micro > UNLIKELY_PER_KWH:
        return f"{_plain(rate)} {rate.unit} is a lot; is it a rate per MWh? Divide it by 1000"
    return ""


def _unlikely_change(old: Rate, new: Rate) -> str:
    if old.unit != new.unit:
        return f"the unit was {old.unit} and is {new.unit} now; check both"
    change = f"from {_plain(old)} to {_plain(new)} {new.unit}"
    if not old.micro:
        return f"{change}: nothing was charged so far; check it" if new.micro else ""
    times = Decimal(new.micro) / Decimal(old.micro)
    for factor in _TIMES:
        if abs(times / factor - 1) <= _NEAR:
            return f"{change}: about {factor} times as much; is it another unit, such as per MWh?"
        if times and abs(times * factor - 1) <= _NEAR:
            return f"{change}: about a {factor}th of it; is it another unit?"
    if abs(times - 1) > UNLIKELY_SHARE:
        return f"{change}: {_percent(times - 1)}; check it"
    return ""


def _unlike_the_others(rates: Sequence[Rate]) -> Iterator[Finding]:
    """A component that all groups of a letter have but one: G12 without the subscription that G11 and G13 pay."""
    components = _components(rates)
    first_row = {rate.group: index for index, rate in reversed(list(enumerate(rates)))}
    families: dict[str, list[str]] = {}
    for group in components:
        if group != ANY_GROUP:
            families.setdefault(group[:1], []).append(group)
    for groups in families.values():
        if len(groups) < 3:
            continue
        for component in sorted(set().union(*(components[group] for group in groups))):
            without = [group for group in groups if component not in components[group]]
            if len(without) == 1:
                text = (
                    f"component '{component}' is priced for the other groups but not for {without[0]}; is it missing?"
                )
                yield Finding(False, first_row[without[0]], "component", text)


def _plain(rate: Rate) -> str:
    return f"{from_micro(rate.micro).normalize():f}"


def _percent(share: Decimal) -> str:
    return f"{half_up(share * 100, 0):+} %"
