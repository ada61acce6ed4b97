"""One interval of a package against what its dataset leads to."""

from collections.abc import Sequence

from clearing.package.findings import Findings
from clearing.package.laws import Interval
from clearing.package.lines import INTERVALS, NO_DIGEST, POSITIONS, TRADES, amount_text, interval_tail, price_text
from clearing.package.rows import PositionRow, TradeRow, parse_interval, parse_position, parse_trade
from clearing.package.settled import SettledLines
from clearing.package.source import Inputs

FINAL, PROVISIONAL = "final", "provisional"


def compare(interval: Interval, inputs: Inputs, findings: Findings) -> None:
    """Report where the interval is not what its readings, contracts, prices, tariffs and settings lead to.

    What it was settled from comes first; only if that is right are its results compared with settling it again.
    Raises a ClearingError if the dataset's terms can't be cleared.
    """
    if not _same_inputs(interval, inputs, findings):
        return
    settled = inputs.settle()
    if settled.content_digest() != interval.digest:
        _report_results(interval, settled, findings)


def _same_inputs(interval: Interval, inputs: Inputs, findings: Findings) -> bool:
    before, start = findings.total, interval.row.start
    row, prices = interval.row, inputs.prices
    if (row.buy_micro, row.sell_micro) != prices:
        detail = (
            f"buy {price_text(row.buy_micro)}, sell {price_text(row.sell_micro)}; the dataset says "
            f"{price_text(prices.buy)} and {price_text(prices.sell)}"
        )
        findings.add(INTERVALS, "external prices", detail, interval=start)
    status = PROVISIONAL if inputs.estimated else FINAL
    if row.status != status:
        findings.add(INTERVALS, "status", f"is {row.status}, its readings say {status}", interval=start)
    net = dict(zip(inputs.codes, inputs.net_wh.tolist(), strict=True))
    fees = dict(zip(inputs.codes, inputs.external_fee_micro(), strict=True))
    found = {p.point: p for p in interval.positions}
    for point in sorted(net.keys() - found.keys()):
        findings.add(POSITIONS, "every point under contract has a position", "has none", interval=start, point=point)
    for point, p in found.items():
        if point not in net:
            findings.add(POSITIONS, "only points under contract have a position", interval=start, point=point)
        elif p.net_wh != net[point]:
            detail = f"is {p.net_wh}, the readings give {net[point]}"
            findings.add(POSITIONS, "net = exported − imported", detail, interval=start, point=point)
        elif p.net_wh < 0 and p.external_grid_fee_micro != fees[point]:
            detail = f"is {price_text(p.external_grid_fee_micro)}, the tariff gives {price_text(fees[point])}"
            findings.add(POSITIONS, "external grid fee", detail, interval=start, point=point)
    return findings.total == before


def _report_results(interval: Interval, settled: SettledLines, findings: Findings) -> None:
    before, start, row = findings.total, interval.row.start, interval.row
    right = parse_interval(settled.interval + interval_tail(FINAL, 1, NO_DIGEST))
    if row.local_price_micro != right.local_price_micro:
        detail = f"is {price_text(row.local_price_micro)}, the rule gives {price_text(right.local_price_micro)}"
        findings.add(INTERVALS, "price rule", detail, interval=start)
    if row.operating_cost_nano != right.operating_cost_nano:
        detail = f"is {amount_text(row.operating_cost_nano)}, the least is {amount_text(right.operating_cost_nano)}"
        findings.add(INTERVALS, "least cost", detail, interval=start)
    _report_positions(start, interval.positions, [parse_position(line) for line in settled.positions], findings)
    _report_trades(start, interval.trades, [parse_trade(line) for line in settled.trades], findings)
    if findings.total == before:
        findings.add(INTERVALS, "same input, same output", "settling it again gives other lines", interval=start)


def _report_positions(
    start: str, found: Sequence[PositionRow], right: Sequence[PositionRow], findings: Findings
) -> None:
    known = {position.point: position for position in right}
    for one in found:
        other = known[one.point]
        shares = (one.local_bought_wh, one.local_sold_wh)
        expected = (other.local_bought_wh, other.local_sold_wh)
        if shares != expected:
            detail = f"bought {shares[0]}, sold {shares[1]} Wh; the rule gives {expected[0]} and {expected[1]}"
            findings.add(POSITIONS, "share of local energy", detail, interval=start, point=one.point)
        elif one.equalisation_nano != other.equalisation_nano:
            detail = f"is {amount_text(one.equalisation_nano)}, the rule gives {amount_text(other.equalisation_nano)}"
            findings.add(POSITIONS, "equalisation", detail, interval=start, point=one.point)


def _report_trades(start: str, found: Sequence[TradeRow], right: Sequence[TradeRow], findings: Findings) -> None:
    known = {trade[:3]: trade for trade in right}
    for trade in found:
        other = known.pop(trade[:3], None)
        if other is None:
            detail = f"from {trade.seller} over {trade.sharing_level}: is not what the rule gives"
            findings.add(TRADES, "trade", detail, interval=start, point=trade.buyer)
        elif trade.wh != other.wh:
            detail = f"from {trade.seller} over {trade.sharing_level}: {trade.wh} Wh, the rule gives {other.wh}"
            findings.add(TRADES, "trade", detail, interval=start, point=trade.buyer)
        elif trade.grid_fee_micro != other.grid_fee_micro:
            detail = (
                f"over {trade.sharing_level} is {price_text(trade.grid_fee_micro)}, "
                f"the tariff gives {price_text(other.grid_fee_micro)}"
            )
            findings.add(TRADES, "local grid fee", detail, interval=start, point=trade.buyer)
    for seller, buyer, level in known:
        findings.add(TRADES, "trade", f"from {seller} over {level} is missing", interval=start, point=buyer)
