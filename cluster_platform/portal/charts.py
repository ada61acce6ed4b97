"""Geometry of the plots. Lengths are written with a point, whatever the reader's language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.numbers import kwh, price
from clearing.models import ClearingRun
from cluster_platform.portal.energy import ZERO, Flow
from metering.domain.calendar import INTERVAL

HEIGHT = 100.0
GAP = 0.14


@dataclass(frozen=True)
class Piece:
    """A rectangle with its meaning: `local`, `outside` or `sold`."""

    meaning: str
    y: str
    height: str


@dataclass(frozen=True)
class Bar:
    """One quarter-hour or day: pieces above the line for what was fed in, below for what was drawn."""

    x: str
    label: str
    name: str
    flow: Flow
    pieces: list[Piece]


@dataclass(frozen=True)
class Tick:
    """A word on the time axis; `anchor` keeps the first and last one inside."""

    x: str
    label: str
    anchor: str


@dataclass(frozen=True)
class BarChart:
    """Bars over and under one line; coordinates in bars wide and 100 high."""

    bars: list[Bar]
    ticks: list[Tick]
    line_y: str
    most_fed_wh: int
    most_drawn_wh: int
    by_day: bool

    @property
    def width(self) -> int:
        return len(self.bars)

    @property
    def bar_width(self) -> str:
        return _length(1 - GAP)

    @property
    def meanings(self) -> set[str]:
        return {piece.meaning for bar in self.bars for piece in bar.pieces}

    @property
    def empty(self) -> bool:
        return not self.meanings


def day_chart(flows: dict[Any, Flow], starts: Sequence[datetime], tz: ZoneInfo) -> BarChart:
    """The quarter-hours of one local day: 92, 96 or 100 bars."""
    names = [quarter_hour_name(start, tz) for start in starts]
    return _bar_chart(names, [flows.get(start, Flow()) for start in starts], _hour_ticks(starts, tz), by_day=False)


def month_chart(flows: dict[Any, Flow], days: Sequence[date]) -> BarChart:
    """The days of one local month."""
    names = [date_format(day, "MONTH_DAY_FORMAT") for day in days]
    weekly = [index for index, day in enumerate(days) if day.day % 7 == 1]
    ticks = [_tick((index + 0.5) / len(days), str(days[index].day)) for index in weekly]
    return _bar_chart(names, [flows.get(day, Flow()) for day in days], ticks, by_day=True)


def local_time(instant: datetime, tz: ZoneInfo) -> str:
    return f"{instant.astimezone(tz):%H:%M}"


def quarter_hour_name(start: datetime, tz: ZoneInfo) -> str:
    return f"{local_time(start, tz)}–{local_time(start + INTERVAL, tz)}"


def _bar_chart(names: list[str], flows: list[Flow], ticks: list[Tick], by_day: bool) -> BarChart:
    most_fed = max((flow.fed_wh for flow in flows), default=0)
    most_drawn = max((flow.drawn_wh for flow in flows), default=0)
    scale = HEIGHT / ((most_fed + most_drawn) or 1)
    line = most_fed * scale if most_fed + most_drawn else HEIGHT
    bars = [
        Bar(_length(index + GAP / 2), _bar_label(name, flow), name, flow, _pieces(flow, line, scale))
        for index, (name, flow) in enumerate(zip(names, flows, strict=True))
    ]
    return BarChart(
        bars=bars,
        ticks=ticks,
        line_y=_length(line),
        most_fed_wh=most_fed,
        most_drawn_wh=most_drawn,
        by_day=by_day,
    )


def _pieces(flow: Flow, line: float, scale: float) -> list[Piece]:
    up_local, up_sold = flow.fed_local_wh * scale, flow.fed_outside_wh * scale
    down_local, down_outside = flow.drawn_local_wh * scale, flow.drawn_outside_wh * scale
    stacked = [
        ("local", line - up_local, up_local),
        ("sold", line - up_local - up_sold, up_sold),
        ("local", line, down_local),
        ("outside", line + down_local, down_outside),
    ]
    return [Piece(meaning, _length(y), _length(height)) for meaning, y, height in stacked if height > 0]


def _bar_label(name: str, flow: Flow) -> str:
    """The exact numbers of one bar in words."""
    parts = [
        text % {"energy": kwh(wh)}
        for text, wh in (
            (_("to neighbours %(energy)s"), flow.fed_local_wh),
            (_("sold outside %(energy)s"), flow.fed_outside_wh),
            (_("from neighbours %(energy)s"), flow.drawn_local_wh),
            (_("from outside %(energy)s"), flow.drawn_outside_wh),
        )
        if wh
    ]
    return f"{name}: {', '.join(parts) or _('nothing')}"


def _hour_ticks(starts: Sequence[datetime], tz: ZoneInfo) -> list[Tick]:
    local = [start.astimezone(tz) for start in starts]
    ticks = [
        _tick(index / len(local), f"{time:%H:%M}")
        for index, time in enumerate(local)
        if time.hour % 6 == 0 and time.minute == 0
    ]
    return [*ticks, _tick(1, "24:00")]


def _tick(share: float, label: str) -> Tick:
    anchor = "start" if share < 0.02 else "end" if share > 0.98 else "middle"
    return Tick(_length(share * 100), label, anchor)


@dataclass(frozen=True)
class PricePoint:
    """A quarter-hour of the price plot."""

    x: str
    label: str
    name: str
    run: ClearingRun


@dataclass(frozen=True)
class PriceChart:
    """The local price between what is paid and got outside, as steps; coordinates in intervals wide and 100 high."""

    width: int
    buy: str
    sell: str
    local: str
    points: list[PricePoint]
    ticks: list[Tick]
    zero_y: str
    highest: Decimal
    lowest: Decimal


def price_chart(runs: Sequence[ClearingRun], starts: Sequence[datetime], tz: ZoneInfo) -> PriceChart | None:
    """The prices of one local day; None where nothing is settled."""
    if not runs:
        return None
    prices = [value for run in runs for value in (run.buy_pln_kwh, run.sell_pln_kwh)]
    top, bottom = max([*prices, ZERO]), min([*prices, ZERO])
    scale = HEIGHT / float((top - bottom) or 1)
    index = {start: number for number, start in enumerate(starts)}

    def height(value: Decimal) -> float:
        return float(top - value) * scale

    def steps(values: list[tuple[int, Decimal | None]]) -> str:
        path, last = [], None
        for at, value in values:
            if value is None:
                continue
            joined = last == at
            path.append(f"{'L' if joined else 'M'}{at} {_length(height(value))}H{at + 1}")
            last = at + 1
        return "".join(path)

    places = [(index[run.interval_start], run) for run in runs]
    names = {run.pk: quarter_hour_name(run.interval_start, tz) for run in runs}
    return PriceChart(
        width=len(starts),
        buy=steps([(at, run.buy_pln_kwh) for at, run in places]),
        sell=steps([(at, run.sell_pln_kwh) for at, run in places]),
        local=steps([(at, run.local_price_pln_kwh) for at, run in places]),
        points=[PricePoint(str(at), _price_label(names[run.pk], run), names[run.pk], run) for at, run in places],
        ticks=_hour_ticks(starts, tz),
        zero_y=_length(height(ZERO)),
        highest=max(prices),
        lowest=min(prices),
    )


def _price_label(name: str, run: ClearingRun) -> str:
    parts = [_("bought outside %(price)s") % {"price": price(run.buy_pln_kwh)}]
    if run.local_price_pln_kwh is not None:
        parts.insert(0, _("neighbours %(price)s") % {"price": price(run.local_price_pln_kwh)})
    parts.append(_("sold outside %(price)s") % {"price": price(run.sell_pln_kwh)})
    return f"{name}: {', '.join(parts)}"


@dataclass(frozen=True)
class Share:
    """A piece of a stacked bar: percentages of its width."""

    meaning: str
    x: str
    width: str


def shares(*parts: tuple[str, int]) -> list[Share]:
    """One stacked bar of (meaning, amount)."""
    whole = sum(amount for _meaning, amount in parts) or 1
    found, x = [], 0.0
    for meaning, amount in parts:
        width = 100 * amount / whole
        if amount:
            found.append(Share(meaning, f"{x:.3f}%", f"{width:.3f}%"))
        x += width
    return found


def _length(value: float) -> str:
    return f"{value:.3f}"
