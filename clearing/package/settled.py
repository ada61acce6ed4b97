"""A cleared interval as the lines that a package holds of it."""

from typing import NamedTuple

from clearing.domain.members import Members
from clearing.domain.result import Cleared, ExternalPrices
from clearing.package.lines import content_digest, interval_line, position_lines, trade_lines


class SettledLines(NamedTuple):
    """The interval's line up to operating_cost_pln, its positions by metering point, its trades."""

    interval: str
    positions: list[str]
    trades: list[str]

    def content_digest(self) -> str:
        """SHA-256 (hex) over these lines."""
        return content_digest(self.interval, self.positions, self.trades)


def settled_lines(start: str, members: Members, prices: ExternalPrices, cleared: Cleared) -> SettledLines:
    """The lines of a cleared interval; `start` as `metering.domain.calendar.format_instant` writes it."""
    order = members.order
    net = cleared.net_wh[order].tolist()
    fees = cleared.external_fee[order].tolist()
    trades = cleared.trades
    given = dict(zip(order.tolist(), members.codes, strict=True))
    levels = members.pools.levels
    return SettledLines(
        interval_line(
            start,
            cleared.state,
            cleared.surplus_wh,
            cleared.shortage_wh,
            cleared.matched_wh,
            cleared.external_import_wh,
            cleared.external_export_wh,
            cleared.local_price,
            prices.buy,
            prices.sell,
            cleared.inverted,
            cleared.operating_cost,
        ),
        position_lines(
            start,
            members.codes,
            net,
            cleared.local_bought[order].tolist(),
            cleared.local_sold[order].tolist(),
            cleared.external_bought[order].tolist(),
            cleared.external_sold[order].tolist(),
            [fee if wh < 0 else None for fee, wh in zip(fees, net, strict=True)],
            cleared.equalisation[order].tolist(),
        ),
        trade_lines(
            start,
            [given[seller] for seller in trades.seller.tolist()],
            [given[buyer] for buyer in trades.buyer.tolist()],
            [levels[level] for level in trades.level.tolist()],
            trades.wh.tolist(),
            cleared.local_price or 0,
            trades.grid_fee.tolist(),
        ),
    )
