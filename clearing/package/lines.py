"""The text lines of a `settlement-package/1` and the digests taken over them.

Everything here works on integers: energy in watt-hours, unit prices in micro-PLN/kWh, amounts in nano-PLN
(a watt-hour times a micro-PLN/kWh is exactly one nano-PLN). Lines carry no line end.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import repeat

FORMAT = "settlement-package/1"
INTERVALS = "intervals.csv"
POSITIONS = "positions.csv"
TRADES = "trades.csv"
RUNS = "runs.csv"
MANIFEST = "manifest.json"
FILES = (INTERVALS, POSITIONS, TRADES, RUNS)

COLUMNS = {
    INTERVALS: (
        "interval_start",
        "state",
        "surplus_wh",
        "shortage_wh",
        "matched_wh",
        "external_import_wh",
        "external_export_wh",
        "local_price_pln_kwh",
        "buy_pln_kwh",
        "sell_pln_kwh",
        "inverted",
        "operating_cost_pln",
        "status",
        "revision",
        "content_digest",
    ),
    POSITIONS: (
        "interval_start",
        "metering_point",
        "net_wh",
        "local_bought_wh",
        "local_sold_wh",
        "external_bought_wh",
        "external_sold_wh",
        "external_grid_fee_pln_kwh",
        "equalisation_pln",
    ),
    TRADES: (
        "interval_start",
        "seller",
        "buyer",
        "sharing_level",
        "wh",
        "energy_pln_kwh",
        "grid_fee_pln_kwh",
        "energy_pln",
        "grid_fee_pln",
    ),
    RUNS: ("run", "interval_start", "revision", "content_digest", "digest", "previous_digest"),
}

NO_DIGEST = "0" * 64
"""Stands for the digest before a cluster's first run."""

_MICRO = 10**6
_NANO = 10**9


def price_text(micro: int | None) -> str:
    """A unit price of whole micro-PLN/kWh with 6 decimals; empty where there is none.

    >>> price_text(446980), price_text(-1), price_text(0), price_text(None)
    ('0.446980', '-0.000001', '0.000000', '')
    """
    if micro is None:
        return ""
    if micro < 0:
        return f"-{-micro // _MICRO}.{-micro % _MICRO:06d}"
    return f"{micro // _MICRO}.{micro % _MICRO:06d}"


def amount_text(nano: int) -> str:
    """An amount of whole nano-PLN with 9 decimals.

    >>> amount_text(12), amount_text(-1_500_000_000), amount_text(0)
    ('0.000000012', '-1.500000000', '0.000000000')
    """
    if nano < 0:
        return f"-{-nano // _NANO}.{-nano % _NANO:09d}"
    return f"{nano // _NANO}.{nano % _NANO:09d}"


def interval_line(
    start: str,
    state: str,
    surplus_wh: int,
    shortage_wh: int,
    matched_wh: int,
    external_import_wh: int,
    external_export_wh: int,
    local_price_micro: int | None,
    buy_micro: int,
    sell_micro: int,
    inverted: bool,
    operating_cost_nano: int,
) -> str:
    """The line of intervals.csv up to operating_cost_pln, which is the part that the content digest covers.

    `start` as `metering.domain.calendar.format_instant` writes it; `state` is surplus, shortage or balanced; no local
    price where nothing is matched.
    """
    return (
        f"{start},{state},{surplus_wh},{shortage_wh},{matched_wh},{external_import_wh},{external_export_wh},"
        f"{price_text(local_price_micro)},{price_text(buy_micro)},{price_text(sell_micro)},"
        f"{'yes' if inverted else 'no'},{amount_text(operating_cost_nano)}"
    )


def interval_tail(status: str, revision: int, digest: str) -> str:
    """What follows `interval_line` in intervals.csv, with its leading comma. `digest` is the content digest."""
    return f",{status},{revision},{digest}"


def position_line(
    start: str,
    metering_point: str,
    net_wh: int,
    local_bought_wh: int,
    local_sold_wh: int,
    external_bought_wh: int,
    external_sold_wh: int,
    external_grid_fee_micro: int | None,
    equalisation_nano: int,
) -> str:
    """A line of positions.csv. The grid fee is a buyer's (net_wh < 0), None for everybody else."""
    return (
        f"{start},{metering_point},{net_wh},{local_bought_wh},{local_sold_wh},{external_bought_wh},{external_sold_wh},"
        f"{price_text(external_grid_fee_micro)},{amount_text(equalisation_nano)}"
    )


def trade_line(
    start: str, seller: str, buyer: str, sharing_level: str, wh: int, energy_micro: int, grid_fee_micro: int
) -> str:
    """A line of trades.csv; both amounts are wh × unit price, exact."""
    return (
        f"{start},{seller},{buyer},{sharing_level},{wh},{price_text(energy_micro)},{price_text(grid_fee_micro)},"
        f"{amount_text(wh * energy_micro)},{amount_text(wh * grid_fee_micro)}"
    )


def run_line(run: int, start: str, revision: int, content: str, digest: str, previous: str) -> str:
    """A line of runs.csv; `run` is the number of the run in the cluster's chain, from 1, without gaps."""
    return f"{run},{start},{revision},{content},{digest},{previous}"


def position_lines(
    start: str,
    metering_points: Sequence[str],
    net_wh: Sequence[int],
    local_bought_wh: Sequence[int],
    local_sold_wh: Sequence[int],
    external_bought_wh: Sequence[int],
    external_sold_wh: Sequence[int],
    external_grid_fee_micro: Sequence[int | None],
    equalisation_nano: Sequence[int],
) -> list[str]:
    """`position_line` for each point of one interval, in the order given, which has to be that of the points' codes.

    All sequences have one entry per point, of plain integers.
    """
    fees = {fee: price_text(fee) for fee in set(external_grid_fee_micro)}
    return [
        f"{start},{point},{net},{bought},{sold},{outside_in},{outside_out},{fees[fee]},{amount_text(equalisation)}"
        for point, net, bought, sold, outside_in, outside_out, fee, equalisation in zip(
            metering_points,
            net_wh,
            local_bought_wh,
            local_sold_wh,
            external_bought_wh,
            external_sold_wh,
            external_grid_fee_micro,
            equalisation_nano,
            strict=True,
        )
    ]


def trade_lines(
    start: str,
    sellers: Sequence[str],
    buyers: Sequence[str],
    sharing_levels: Sequence[str],
    wh: Sequence[int],
    energy_micro: int | Sequence[int],
    grid_fee_micro: Sequence[int],
) -> list[str]:
    """`trade_line` for each trade of one interval, in the order given, which has to be by seller, buyer, level.

    All sequences have one entry per trade; `energy_micro` may be the one price of the interval.
    """
    fees = {fee: price_text(fee) for fee in set(grid_fee_micro)}
    prices: Iterable[int] = repeat(energy_micro, len(wh)) if isinstance(energy_micro, int) else energy_micro
    return [
        f"{start},{seller},{buyer},{level},{energy},{price_text(price)},{fees[fee]},"
        f"{amount_text(energy * price)},{amount_text(energy * fee)}"
        for seller, buyer, level, energy, price, fee in zip(
            sellers, buyers, sharing_levels, wh, prices, grid_fee_micro, strict=True
        )
    ]


def content_digest(interval: str, positions: Iterable[str], trades: Iterable[str]) -> str:
    """SHA-256 (hex) of an interval's lines: its `interval_line`, then its positions by metering point, then its trades
    by seller, buyer and level, each LF-ended. Equal whenever the same is settled."""
    return hashlib.sha256(("\n".join((interval, *positions, *trades)) + "\n").encode()).hexdigest()


def chain_digest(previous: str, content: str) -> str:
    """SHA-256 (hex) of the digest of the cluster's run before (`NO_DIGEST` for the first) and this run's content
    digest, both as hex text, joined without a separator."""
    return hashlib.sha256((previous + content).encode("ascii")).hexdigest()
