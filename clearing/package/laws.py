"""The laws of one interval that need nothing but the package (design, section 4)."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

from clearing.package.findings import Findings
from clearing.package.lines import INTERVALS, POSITIONS, TRADES, amount_text, content_digest, price_text
from clearing.package.rows import IntervalRow, PositionRow, RowError, TradeRow, parse_position, parse_trade
from contracts.domain.money import divide_half_up

_Row = TypeVar("_Row")


class Interval(NamedTuple):
    """All that a package says about one interval; `digest` is the content digest of its lines as they are."""

    row: IntervalRow
    positions: Sequence[PositionRow]
    trades: Sequence[TradeRow]
    digest: str

    @property
    def local_price(self) -> int:
        """micro-PLN/kWh; 0 where nothing is matched."""
        return self.row.local_price_micro or 0


def read_interval(
    row: IntervalRow, position_lines: Sequence[str], trade_lines: Sequence[str], findings: Findings
) -> Interval | None:
    """The interval's rows, once its content digest is checked; None if a line can't be read."""
    digest = content_digest(row.head, position_lines, trade_lines)
    if digest != row.content_digest:
        detail = f"its lines give {digest}, {INTERVALS} says {row.content_digest}"
        findings.add(INTERVALS, "content digest", detail, interval=row.start)
    positions = _parsed(parse_position, POSITIONS, row.start, position_lines, findings)
    trades = _parsed(parse_trade, TRADES, row.start, trade_lines, findings)
    return None if positions is None or trades is None else Interval(row, positions, trades, digest)


def _parsed(
    parse: Callable[[str], _Row], file: str, start: str, lines: Sequence[str], findings: Findings
) -> list[_Row] | None:
    rows = []
    for line in lines:
        try:
            rows.append(parse(line))
        except RowError as error:
            findings.add(file, "lines are as the format says", str(error), interval=start)
    return rows if len(rows) == len(lines) else None


def check_interval(interval: Interval, findings: Findings) -> None:
    """Check every law of one interval."""
    before = findings.total
    for check in (_totals, _price, _points, _sums, _trades, _trade_sums, _cost):
        check(interval, findings)
    # Where energy or price is wrong already, everybody's share of the blended price would be, too.
    if findings.total == before:
        _blended_price(interval, findings)
    _equalisation_sums(interval, findings)


def _totals(interval: Interval, findings: Findings) -> None:
    """M = min(S, D), I = D − M, E = S − M, and the state says which of S and D is larger."""
    row = interval.row
    matched = min(row.surplus_wh, row.shortage_wh)
    state = "balanced"
    if row.surplus_wh != row.shortage_wh:
        state = "surplus" if row.surplus_wh > row.shortage_wh else "shortage"
    for column, value, expected in (
        ("state", row.state, state),
        ("matched_wh", row.matched_wh, matched),
        ("external_import_wh", row.external_import_wh, row.shortage_wh - matched),
        ("external_export_wh", row.external_export_wh, row.surplus_wh - matched),
    ):
        if value != expected:
            detail = f"{column} is {value}, expected {expected}"
            findings.add(INTERVALS, "the outside gets the net position only", detail, interval=row.start)


def _price(interval: Interval, findings: Findings) -> None:
    """floor ≤ price ≤ cap unless inverted, then their mean; no local price without local energy."""
    row = interval.row
    price, floor, cap = row.local_price_micro, row.sell_micro, row.buy_micro
    if row.inverted != (floor > cap):
        detail = f"inverted is {'yes' if row.inverted else 'no'}, sell {price_text(floor)}, buy {price_text(cap)}"
        findings.add(INTERVALS, "inverted where sell > buy", detail, interval=row.start)
    if (price is None) != (row.matched_wh == 0):
        detail = f"price '{price_text(price)}', matched {row.matched_wh} Wh"
        findings.add(INTERVALS, "a local price where there is local energy", detail, interval=row.start)
    if price is None:
        return
    if floor <= cap and not floor <= price <= cap:
        detail = f"{price_text(price)} is not within {price_text(floor)} and {price_text(cap)}"
        findings.add(INTERVALS, "floor ≤ price ≤ cap", detail, interval=row.start)
    if floor > cap and price != divide_half_up(floor + cap, 2):
        detail = f"{price_text(price)} is not the mean of {price_text(floor)} and {price_text(cap)}"
        findings.add(INTERVALS, "an inverted interval's price is the mean", detail, interval=row.start)


def _points(interval: Interval, findings: Findings) -> None:
    """local bought + external bought = shortage, local sold + external sold = surplus, of each point."""
    start = interval.row.start
    for one, other in pairwise(interval.positions):
        if one.point >= other.point:
            detail = f"{other.point} follows {one.point}"
            findings.add(POSITIONS, "sorted by metering point", detail, interval=start, point=other.point)
    for p in interval.positions:
        shortage, surplus = max(-p.net_wh, 0), max(p.net_wh, 0)
        if p.local_bought_wh < 0 or p.external_bought_wh < 0 or p.local_bought_wh + p.external_bought_wh != shortage:
            detail = f"{p.local_bought_wh} + {p.external_bought_wh} Wh, shortage {shortage} Wh"
            law = "local bought + external bought = shortage"
            findings.add(POSITIONS, law, detail, interval=start, point=p.point)
        if p.local_sold_wh < 0 or p.external_sold_wh < 0 or p.local_sold_wh + p.external_sold_wh != surplus:
            detail = f"{p.local_sold_wh} + {p.external_sold_wh} Wh, surplus {surplus} Wh"
            law = "local sold + external sold = surplus"
            findings.add(POSITIONS, law, detail, interval=start, point=p.point)
        if (p.external_grid_fee_micro is not None) != (p.net_wh < 0):
            detail = f"net {p.net_wh} Wh, fee '{price_text(p.external_grid_fee_micro)}'"
            findings.add(POSITIONS, "an external grid fee of every buyer", detail, interval=start, point=p.point)


def _sums(interval: Interval, findings: Findings) -> None:
    """Σ surplus = S, Σ shortage = D, Σ local bought = Σ local sold = M, Σ external bought = I, Σ external sold = E."""
    row, positions = interval.row, interval.positions
    for what, found, expected in (
        ("surplus", sum(p.net_wh for p in positions if p.net_wh > 0), row.surplus_wh),
        ("shortage", -sum(p.net_wh for p in positions if p.net_wh < 0), row.shortage_wh),
        ("local bought", sum(p.local_bought_wh for p in positions), row.matched_wh),
        ("local sold", sum(p.local_sold_wh for p in positions), row.matched_wh),
        ("external bought", sum(p.external_bought_wh for p in positions), row.external_import_wh),
        ("external sold", sum(p.external_sold_wh for p in positions), row.external_export_wh),
    ):
        if found != expected:
            detail = f"Σ {what} of the points is {found} Wh, of the interval {expected} Wh"
            findings.add(POSITIONS, "Σ points = interval", detail, interval=row.start)


def _trades(interval: Interval, findings: Findings) -> None:
    """Each trade: energy above 0 at the interval's price, amounts = wh × price, a fee not above the external one."""
    start = interval.row.start
    fees = {p.point: p.external_grid_fee_micro for p in interval.positions}
    level_fees: dict[tuple[str, str], int] = {}
    for one, other in pairwise(interval.trades):
        if one[:3] >= other[:3]:
            detail = f"{' '.join(other[:3])} follows {' '.join(one[:3])}"
            findings.add(TRADES, "sorted by seller, buyer, level", detail, interval=start, point=other.seller)
    for t in interval.trades:
        for law, holds in (
            ("a trade has energy", t.wh > 0),
            ("a trade is at the local price", t.energy_micro == interval.row.local_price_micro),
            ("energy_pln = wh × price", t.energy_nano == t.wh * t.energy_micro),
            ("grid_fee_pln = wh × fee", t.grid_fee_nano == t.wh * t.grid_fee_micro),
            ("the local grid fee is at most the external one", t.grid_fee_micro <= (fees.get(t.buyer) or 0)),
            (
                "one grid fee for a buyer and level",
                t.grid_fee_micro == level_fees.setdefault((t.buyer, t.sharing_level), t.grid_fee_micro),
            ),
        ):
            if not holds:
                detail = (
                    f"seller {t.seller}, {t.sharing_level}: {t.wh} Wh at {price_text(t.energy_micro)} = "
                    f"{amount_text(t.energy_nano)}, fee {price_text(t.grid_fee_micro)} = {amount_text(t.grid_fee_nano)}"
                )
                findings.add(TRADES, law, detail, interval=start, point=t.buyer)


def _trade_sums(interval: Interval, findings: Findings) -> None:
    """Σ trades = positions."""
    bought: defaultdict[str, int] = defaultdict(int)
    sold: defaultdict[str, int] = defaultdict(int)
    for t in interval.trades:
        bought[t.buyer] += t.wh
        sold[t.seller] += t.wh
    for p in interval.positions:
        for what, found, expected in (
            ("bought", bought.pop(p.point, 0), p.local_bought_wh),
            ("sold", sold.pop(p.point, 0), p.local_sold_wh),
        ):
            if found != expected:
                detail = f"trades {found} Wh, position {expected} Wh locally {what}"
                findings.add(TRADES, "Σ trades = positions", detail, interval=interval.row.start, point=p.point)
    for point in sorted({*bought, *sold}):
        findings.add(TRADES, "Σ trades = positions", "has no position", interval=interval.row.start, point=point)


def _cost(interval: Interval, findings: Findings) -> None:
    """Operating cost = Σ trades' grid fees + Σ external bought × (buy + fee) − Σ external sold × sell."""
    row = interval.row
    cost = (
        sum(t.wh * t.grid_fee_micro for t in interval.trades)
        + sum(p.external_bought_wh * (row.buy_micro + (p.external_grid_fee_micro or 0)) for p in interval.positions)
        - sum(p.external_sold_wh * row.sell_micro for p in interval.positions)
    )
    if cost != row.operating_cost_nano:
        detail = f"its lines give {amount_text(cost)}, {INTERVALS} says {amount_text(row.operating_cost_nano)}"
        findings.add(INTERVALS, "operating cost", detail, interval=row.start)


def _blended_price(interval: Interval, findings: Findings) -> None:
    """Equalisation is nothing (individual) or exactly what the blended price adds (pooled)."""
    found = {p.point: p.equalisation_nano for p in interval.positions}
    pooled = pooled_equalisation(interval)
    if any(found.values()) and found != pooled:
        for point, nano in found.items():
            if nano != pooled[point]:
                detail = f"is {amount_text(nano)}, the blended price gives {amount_text(pooled[point])}"
                findings.add(POSITIONS, "equalisation", detail, interval=interval.row.start, point=point)


def _equalisation_sums(interval: Interval, findings: Findings) -> None:
    """Σ equalisation = 0 over buyers and over sellers: energy paid by buyers is then energy received by sellers +
    external purchase − external sale."""
    for side, total in (
        ("buyers", sum(p.equalisation_nano for p in interval.positions if p.net_wh < 0)),
        ("sellers", sum(p.equalisation_nano for p in interval.positions if p.net_wh >= 0)),
    ):
        if total != 0:
            law = f"Σ equalisation of {side} = 0"
            findings.add(POSITIONS, law, f"is {amount_text(total)}", interval=interval.row.start)


def pooled_equalisation(interval: Interval) -> dict[str, int]:
    """What the blended price of buyers, (p·M + buy·I)/D, and of sellers, (p·M + sell·E)/S, adds to each point's own
    energy cost [nano-PLN by point]; shares by largest remainder, ties by metering point code."""
    row, price = interval.row, interval.local_price
    result = {p.point: 0 for p in interval.positions}
    buyers = [p for p in interval.positions if p.net_wh < 0]
    paid = [p.local_bought_wh * price + p.external_bought_wh * row.buy_micro for p in buyers]
    for p, own, share in zip(buyers, paid, _split(sum(paid), [-p.net_wh for p in buyers]), strict=True):
        result[p.point] = share - own
    sellers = [p for p in interval.positions if p.net_wh > 0]
    received = [p.local_sold_wh * price + p.external_sold_wh * row.sell_micro for p in sellers]
    for p, own, share in zip(sellers, received, _split(sum(received), [p.net_wh for p in sellers]), strict=True):
        result[p.point] = own - share
    return result


def _split(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in proportion to `weights` by largest remainder, ties to the earlier one."""
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares
