"""Lines of a package as numbers, strictly: only the one way in which the format writes a value is read.

Numbers are the integers of `clearing.package.lines`: watt-hours, micro-PLN/kWh, nano-PLN.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from clearing.package.lines import COLUMNS, INTERVALS, POSITIONS, RUNS, TRADES

_WHOLE = r"0|-?[1-9]\d{0,15}"
_COUNT = r"[1-9]\d{0,15}"
_PRICE = r"(?!-0\.0{6})-?(?:0|[1-9]\d{0,11})\.\d{6}"
_AMOUNT = r"(?!-0\.0{9})-?(?:0|[1-9]\d{0,15})\.\d{9}"
_DIGEST = r"[0-9a-f]{64}"
_START = r"\d{4}-\d\d-\d\dT\d\d:(?:00|15|30|45):00Z"
_TEXT = r"[^,\"\r\n]+"

_PATTERNS = {
    INTERVALS: (
        *(_START, "surplus|shortage|balanced", _WHOLE, _WHOLE, _WHOLE, _WHOLE, _WHOLE),
        *(f"(?:{_PRICE})?", _PRICE, _PRICE, "yes|no", _AMOUNT, "final|provisional", _COUNT, _DIGEST),
    ),
    POSITIONS: (_START, _TEXT, _WHOLE, _WHOLE, _WHOLE, _WHOLE, _WHOLE, f"(?:{_PRICE})?", _AMOUNT),
    TRADES: (_START, _TEXT, _TEXT, _TEXT, _WHOLE, _PRICE, _PRICE, _AMOUNT, _AMOUNT),
    RUNS: (_COUNT, _START, _COUNT, _DIGEST, _DIGEST, _DIGEST),
}
_LINES = {
    name: re.compile(",".join(f"({pattern})" for pattern in patterns), re.ASCII) for name, patterns in _PATTERNS.items()
}


class RowError(ValueError):
    """A line that is not as the format says; the text names the column."""


class IntervalRow(NamedTuple):
    """A line of intervals.csv; `head` is the part that the content digest covers."""

    start: str
    state: str
    surplus_wh: int
    shortage_wh: int
    matched_wh: int
    external_import_wh: int
    external_export_wh: int
    local_price_micro: int | None
    buy_micro: int
    sell_micro: int
    inverted: bool
    operating_cost_nano: int
    status: str
    revision: int
    content_digest: str
    head: str


class PositionRow(NamedTuple):
    """A line of positions.csv without its interval."""

    point: str
    net_wh: int
    local_bought_wh: int
    local_sold_wh: int
    external_bought_wh: int
    external_sold_wh: int
    external_grid_fee_micro: int | None
    equalisation_nano: int


class TradeRow(NamedTuple):
    """A line of trades.csv without its interval."""

    seller: str
    buyer: str
    sharing_level: str
    wh: int
    energy_micro: int
    grid_fee_micro: int
    energy_nano: int
    grid_fee_nano: int


class RunRow(NamedTuple):
    """A line of runs.csv."""

    run: int
    start: str
    revision: int
    content_digest: str
    digest: str
    previous_digest: str


def parse_interval(line: str) -> IntervalRow:
    """A line of intervals.csv; raises RowError."""
    start, state, *energy, local, buy, sell, inverted, cost, status, revision, digest = _fields(INTERVALS, line)
    surplus, shortage, matched, bought, sold = map(int, energy)
    return IntervalRow(
        *(
            start,
            state,
            surplus,
            shortage,
            matched,
            bought,
            sold,
            _decimal_or_none(local),
            _decimal(buy),
            _decimal(sell),
        ),
        *(inverted == "yes", _decimal(cost), status, int(revision), digest, line.rsplit(",", 3)[0]),
    )


def parse_position(line: str) -> PositionRow:
    """A line of positions.csv; raises RowError."""
    _, point, net, bought, sold, outside_in, outside_out, fee, equalisation = _fields(POSITIONS, line)
    return PositionRow(
        *(point, int(net), int(bought), int(sold), int(outside_in), int(outside_out)),
        *(_decimal_or_none(fee), _decimal(equalisation)),
    )


def parse_trade(line: str) -> TradeRow:
    """A line of trades.csv; raises RowError."""
    _, seller, buyer, level, wh, price, fee, energy_amount, fee_amount = _fields(TRADES, line)
    return TradeRow(
        *(seller, buyer, level, int(wh), _decimal(price), _decimal(fee), _decimal(energy_amount), _decimal(fee_amount))
    )


def parse_run(line: str) -> RunRow:
    """A line of runs.csv; raises RowError."""
    run, start, revision, content, digest, previous = _fields(RUNS, line)
    return RunRow(int(run), start, int(revision), content, digest, previous)


def _fields(name: str, line: str) -> tuple[str, ...]:
    match = _LINES[name].fullmatch(line)
    if match is None:
        raise RowError(_what_is_wrong(name, line))
    return match.groups()


def _what_is_wrong(name: str, line: str) -> str:
    fields = line.split(",")
    if len(fields) != len(COLUMNS[name]):
        return f"has {len(fields)} columns instead of {len(COLUMNS[name])}: {line[:120]!r}"
    for column, pattern, text in zip(COLUMNS[name], _PATTERNS[name], fields, strict=True):
        if not re.fullmatch(pattern, text, re.ASCII):
            return f"{column} can't be {text[:80]!r}"
    return f"is not as the format writes it: {line[:120]!r}"


def _decimal(text: str) -> int:
    return int(text.replace(".", ""))


@lru_cache(4096)
def _decimal_or_none(text: str) -> int | None:
    return _decimal(text) if text else None
