"""Our figures of a month next to those on a partner's invoice: what differs, by quarter-hour."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from clearing.domain.supplier_file import SupplierLine
from contracts.domain.money import half_up

#: Wh × PLN/kWh is a thousandth of PLN.
_PLN = Decimal("0.001")
_KWH = Decimal("0.001")


class Ours(NamedTuple):
    """One quarter-hour as we settled it [Wh, PLN/kWh]."""

    wh: int
    price_pln_kwh: Decimal


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What is no difference yet: of a volume [Wh], a price [PLN/MWh], the amount of a line and the total [PLN]."""

    wh: int
    pln_mwh: Decimal
    pln: Decimal
    total_pln: Decimal


class Difference(NamedTuple):
    """`kind` is one of missing, extra, volume [Wh], price [PLN/kWh], amount, total [PLN]."""

    kind: str
    start: datetime | None
    ours: Decimal | None
    theirs: Decimal | None


def compare_lines(
    ours: Mapping[datetime, Ours], theirs: Iterable[SupplierLine], tolerances: Tolerances
) -> list[Difference]:
    """Differences of the quarter-hours, in order of time. Where both have no energy, nothing differs.

    A quarter-hour without energy may be left out on either side. A line's amount is compared with its own volume and
    price, or ours where it names none: a wrong volume or price is told once, not again as a wrong amount.
    """
    found: list[Difference] = []
    seen = set()
    for line in theirs:
        seen.add(line.start)
        own = ours.get(line.start)
        if own is None:
            if line.wh > tolerances.wh:
                found.append(Difference("extra", line.start, None, Decimal(line.wh)))
            continue
        if abs(line.wh - own.wh) > tolerances.wh:
            found.append(Difference("volume", line.start, Decimal(own.wh), Decimal(line.wh)))
        price = own.price_pln_kwh if line.price_pln_kwh is None else line.price_pln_kwh
        if abs(price - own.price_pln_kwh) > tolerances.pln_mwh * _KWH and (own.wh or line.wh):
            found.append(Difference("price", line.start, own.price_pln_kwh, price))
        if line.amount_pln is not None:
            expected = half_up(line.wh * price * _PLN, 9)
            if abs(line.amount_pln - expected) > tolerances.pln:
                found.append(Difference("amount", line.start, expected, line.amount_pln))
    found += [
        Difference("missing", start, Decimal(own.wh), None)
        for start, own in ours.items()
        if start not in seen and own.wh > tolerances.wh
    ]
    return sorted(found, key=lambda each: (each.start, each.kind))


def compare_totals(ours_pln: Decimal, theirs_pln: Decimal, tolerances: Tolerances) -> list[Difference]:
    """The net totals, if they differ."""
    if abs(ours_pln - theirs_pln) <= tolerances.total_pln:
        return []
    return [Difference("total", None, ours_pln, theirs_pln)]
