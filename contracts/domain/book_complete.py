"""What a tariff that a distributor publishes must price for every group, as Polish tariffs and levies have it."""

from collections.abc import Iterator, Sequence
from datetime import date

from contracts.domain.tariff import Rate
from contracts.domain.zones import ANY_GROUP, BookProblem

#: A charge that a group does not bear is a row with rate 0, so that a row left out is never taken for one.
USUAL = ("network_variable", "network_fixed", "subscription", "quality", "res", "cogeneration", "capacity")


def missing_components(rates: Sequence[Rate]) -> Iterator[BookProblem]:
    """Groups that lack a usual component, at their first row."""
    first: dict[str, int] = {}
    priced: dict[str, set[str]] = {}
    for index, rate in enumerate(rates):
        first.setdefault(rate.group, index)
        priced.setdefault(rate.group, set()).add(rate.component)
    for group in sorted(first.keys() - {ANY_GROUP}):
        for component in USUAL:
            if component not in priced[group] | priced.get(ANY_GROUP, set()):
                text = f"group {group} has no component '{component}'; add it (give rate 0 if nothing is charged)"
                yield BookProblem(first[group], "component", text)


def late_start(rates: Sequence[Rate], valid_from: date) -> Iterator[BookProblem]:
    """The earliest row, if even that begins after the first day of the book."""
    earliest = min(range(len(rates)), key=lambda index: rates[index].valid_from, default=None)
    if earliest is not None and rates[earliest].valid_from > valid_from:
        text = f"gap: no rate from {valid_from}, the first day of the book, to {rates[earliest].valid_from}"
        yield BookProblem(earliest, "valid_from", text)
