"""The text of a package's lines, its digests, and reading it back."""

import hashlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearing.package.lines import (
    COLUMNS,
    NO_DIGEST,
    POSITIONS,
    TRADES,
    amount_text,
    chain_digest,
    content_digest,
    interval_line,
    interval_tail,
    position_line,
    position_lines,
    price_text,
    run_line,
    trade_line,
    trade_lines,
)
from clearing.package.rows import RowError, parse_interval, parse_position, parse_run, parse_trade

START = "2026-05-31T22:00:00Z"
energies = st.integers(0, 10**9)
prices = st.integers(-(10**10), 10**10)
amounts = st.integers(-(10**15), 10**15)


@given(prices)
def test_prices_have_six_decimals(micro: int) -> None:
    assert price_text(micro) == f"{Decimal(micro).scaleb(-6):.6f}"
    assert not (micro == 0 and price_text(micro).startswith("-"))


@given(amounts)
def test_amounts_have_nine_decimals(nano: int) -> None:
    assert amount_text(nano) == f"{Decimal(nano).scaleb(-9):.9f}"


@given(
    st.lists(st.tuples(st.integers(-(10**9), 10**9), energies, st.none() | prices, amounts), max_size=5),
)
def test_positions_read_back_and_blocks_equal_single_lines(rows: list[tuple[int, int, int | None, int]]) -> None:
    codes = [f"{number:018d}" for number in range(len(rows))]
    net, wh, fees, even = ([row[column] for row in rows] for column in range(4))
    lines = position_lines(START, codes, net, wh, wh, wh, wh, fees, even)
    for code, line, row in zip(codes, lines, rows, strict=True):
        values = (code, row[0], row[1], row[1], row[1], row[1], row[2], row[3])
        assert line == position_line(START, *values)
        assert parse_position(line) == values
        assert line.count(",") + 1 == len(COLUMNS[POSITIONS])


@given(st.lists(st.tuples(st.integers(1, 10**6), prices), max_size=5), prices)
def test_trades_read_back_and_their_amounts_are_exact(rows: list[tuple[int, int]], price: int) -> None:
    codes = [f"{number:018d}" for number in range(len(rows))]
    wh, fees = [row[0] for row in rows], [row[1] for row in rows]
    lines = trade_lines(START, codes, codes, ["station"] * len(rows), wh, price, fees)
    for code, line, energy, fee in zip(codes, lines, wh, fees, strict=True):
        assert line == trade_line(START, code, code, "station", energy, price, fee)
        assert parse_trade(line) == (code, code, "station", energy, price, fee, energy * price, energy * fee)
        amount = Decimal(line.split(",")[COLUMNS[TRADES].index("energy_pln")])
        assert amount == energy * Decimal(price).scaleb(-6) / 1000


@given(energies, st.none() | prices, prices, prices, st.booleans(), amounts)
def test_intervals_read_back(wh: int, local: int | None, buy: int, sell: int, inverted: bool, cost: int) -> None:
    head = interval_line(START, "surplus", wh, wh, wh, wh, wh, local, buy, sell, inverted, cost)
    row = parse_interval(head + interval_tail("final", 3, NO_DIGEST))
    assert row == (START, "surplus", wh, wh, wh, wh, wh, local, buy, sell, inverted, cost, "final", 3, NO_DIGEST, head)


def test_runs_read_back() -> None:
    assert parse_run(run_line(7, START, 2, "a" * 64, "b" * 64, "c" * 64)) == (7, START, 2, "a" * 64, "b" * 64, "c" * 64)


@pytest.mark.parametrize(
    "line",
    [
        f"{START},1,-0,0,0,0,0,,0.000000000",
        f"{START},1,01,0,0,0,0,,0.000000000",
        f"{START},1,+1,0,0,0,0,,0.000000000",
        f"{START},1,1_0,0,0,0,0,,0.000000000",
        f"{START},1,１,0,0,0,0,,0.000000000",
        f"{START},1, 1,0,0,0,0,,0.000000000",
        f"{START},1,1,0,0,0,0,0.1,0.000000000",
        f"{START},1,1,0,0,0,0,-0.000000,0.000000000",
        f"{START},1,1,0,0,0,0,,-0.000000000",
        f"{START},1,1,0,0,0,0,,0.00000000",
        f"{START},1,1,0,0,0,0,,0.000000000\r",
        f"{START},1,1,0,0,0,0,,nan",
        f"{START},1,1,0,0,0,0,",
        f'{START},"1",1,0,0,0,0,,0.000000000',
        "2026-05-31T22:07:00Z,1,1,0,0,0,0,,0.000000000",
        "",
    ],
)
def test_values_have_one_way_to_be_written(line: str) -> None:
    with pytest.raises(RowError):
        parse_position(line)


def test_digests_are_those_of_the_format() -> None:
    interval, positions, trades = "i", ["p1", "p2"], ["t"]
    content = content_digest(interval, positions, trades)
    assert content == hashlib.sha256(b"i\np1\np2\nt\n").hexdigest()
    assert content_digest("i", [], []) == hashlib.sha256(b"i\n").hexdigest()
    first = chain_digest(NO_DIGEST, content)
    assert first == hashlib.sha256(("0" * 64 + content).encode()).hexdigest()
    assert chain_digest(first, content) == hashlib.sha256((first + content).encode()).hexdigest()
