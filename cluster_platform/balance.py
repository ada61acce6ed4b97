"""What the page on the physical balance shows of a grid node: its plots, its table and what lies below it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from billing.numbers import kwh, signed
from cluster_platform.portal.charts import BarChart, day_chart, month_chart
from cluster_platform.portal.energy import Flow
from cluster_platform.portal.periods import Span
from metering.domain.calendar import each_day, next_month
from metering.domain.plausibility import STATION_LEAST_WH, STATION_TOLERANCE
from metering.models import GridNode
from metering.selectors.balance import Balance, Balances, NodePoints, balances

HEIGHT = 60.0
NOTHING = Balance()


@dataclass(frozen=True)
class Line:
    """A day or a quarter-hour in the table."""

    key: Any
    name: str
    balance: Balance
    #: The difference is greater than what meters may be wrong by.
    over: bool


@dataclass(frozen=True)
class Difference:
    """A bar of the plot of differences: above the line more came in than the members counted."""

    x: str
    y: str
    height: str
    over: bool
    label: str


@dataclass(frozen=True)
class Below:
    """A node one step down the tree."""

    node: GridNode
    balance: Balance
    points: NodePoints
    over: bool


@dataclass(frozen=True)
class Shown:
    """A node over a month by day, or over a day by quarter-hour."""

    node: GridNode
    path: list[GridNode]
    span: Span
    by_day: bool
    total: Balance
    points: NodePoints
    over: bool
    lines: list[Line]
    chart: BarChart
    differences: list[Difference]
    most_wh: int
    below: list[Below]

    @property
    def half(self) -> float:
        return HEIGHT / 2


def show(cluster_id: int, node: GridNode, nodes: Sequence[GridNode], span: Span, tz: ZoneInfo, by_day: bool) -> Shown:
    """Of the tree `nodes`, `node` in the month or on the day of `span`. Needs the scope."""
    children = [each for each in nodes if each.parent_id == node.pk]
    days = list(each_day(span.first, next_month(span.first))) if by_day else [span.first]
    found = balances(cluster_id, [node.pk, *(child.pk for child in children)], days, tz, by_day)
    own = found.by_time.get(node.pk, {})
    keys: Sequence[Any] = days if by_day else span.quarter_hours
    flows = {key: _flow(balance) for key, balance in own.items()}
    chart = month_chart(flows, days) if by_day else day_chart(flows, span.quarter_hours, tz)
    lines = [Line(key, bar.name, own.get(key, NOTHING), is_over(own.get(key, NOTHING))) for key, bar in
             zip(keys, chart.bars, strict=True)]  # fmt: skip
    bars = [replace(bar, label=_label(line)) for bar, line in zip(chart.bars, lines, strict=True)]
    total = found.total(node.pk)
    return Shown(
        node, _path(node, nodes), span, by_day, total, found.most(node.pk), is_over(total), lines,
        replace(chart, bars=bars), _differences(lines), max(abs(line.balance.difference_wh or 0) for line in lines),
        [_below(child, found) for child in children],
    )  # fmt: skip


def is_over(balance: Balance) -> bool:
    """Whether the difference is greater than what meters may be wrong by, as in the findings."""
    difference = balance.difference_wh
    if difference is None:
        return False
    return abs(difference) > STATION_LEAST_WH and abs(difference) > balance.compared_wh * Decimal(STATION_TOLERANCE)


def percent(share: float | None) -> str:
    """With one decimal and its sign; nothing where there is nothing to compare with."""
    return "–" if share is None else f"{signed(share * 100, 1)}\N{NO-BREAK SPACE}%"


def _flow(balance: Balance) -> Flow:
    return Flow(balance.inside_wh, balance.drawn_wh, balance.inside_wh, balance.given_wh)


def _label(line: Line) -> str:
    balance = line.balance
    if not balance.readings:
        return f"{line.name}: {_('no readings')}"
    parts = [
        _("fed in %(energy)s") % {"energy": kwh(balance.generation_wh)},
        _("drawn %(energy)s") % {"energy": kwh(balance.demand_wh)},
        _("of it inside %(energy)s") % {"energy": kwh(balance.inside_wh)},
    ]
    if balance.difference_wh is not None:
        parts.append(_("difference %(energy)s") % {"energy": _signed_kwh(balance.difference_wh)})
    if balance.estimated_wh:
        parts.append(_("estimated %(energy)s") % {"energy": kwh(balance.estimated_wh)})
    return f"{line.name}: {', '.join(parts)}"


def _signed_kwh(wh: int) -> str:
    return f"{'+' if wh > 0 else ''}{kwh(wh)}"


def _differences(lines: Sequence[Line]) -> list[Difference]:
    most = max((abs(line.balance.difference_wh or 0) for line in lines), default=0) or 1
    found = []
    for index, line in enumerate(lines):
        wh = line.balance.difference_wh
        if wh is None:
            continue
        height = abs(wh) / most * HEIGHT / 2
        top = HEIGHT / 2 - (height if wh > 0 else 0)
        label = f"{line.name}: {_signed_kwh(wh)} ({percent(line.balance.difference_share)})"
        found.append(Difference(f"{index + 0.07:.3f}", f"{top:.3f}", f"{height:.3f}", line.over, label))
    return found


def _below(child: GridNode, found: Balances) -> Below:
    total = found.total(child.pk)
    return Below(child, total, found.most(child.pk), is_over(total))


def _path(node: GridNode, nodes: Sequence[GridNode]) -> list[GridNode]:
    """From the root down to just above the node."""
    by_id: Mapping[int, GridNode] = {each.pk: each for each in nodes}
    path: list[GridNode] = []
    above = node.parent_id
    while above is not None and len(path) < len(nodes):
        path.insert(0, by_id[above])
        above = by_id[above].parent_id
    return path
