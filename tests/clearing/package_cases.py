"""Small settlement packages that obey every law, made without the engine and without a database."""

import hashlib
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clearing.package.laws import Interval, pooled_equalisation
from clearing.package.lines import (
    COLUMNS,
    INTERVALS,
    MANIFEST,
    NO_DIGEST,
    POSITIONS,
    RUNS,
    TRADES,
    chain_digest,
    interval_line,
    interval_tail,
    position_lines,
    run_line,
    trade_lines,
)
from clearing.package.manifest import Manifest
from clearing.package.rows import PositionRow, parse_interval
from clearing.package.settled import SettledLines
from contracts.domain.money import divide_half_up
from metering.domain.calendar import format_instant

FIRST = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def seal(folder: Path, cluster: str, start: datetime, end: datetime) -> None:
    """(Re)write the manifest over the files as they are."""
    manifest = Manifest(
        cluster=cluster,
        start=format_instant(start),
        end=format_instant(end),
        software="1.0",
        solvers=("HiGHS 1.15.1",),
        files={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in COLUMNS},
    )
    (folder / MANIFEST).write_text(manifest.text(), encoding="utf-8")


def settle(rng: random.Random, start: str, points: list[str]) -> SettledLines:
    """An interval's lines: random positions, matched in order of their codes at one sharing level."""
    net = [rng.choice([0, rng.randint(-900, 900), rng.randint(-900, 900)]) for _ in points]
    fee = [rng.choice([246400, 319200, 33160]) if wh < 0 else None for wh in net]
    surplus, shortage = sum(wh for wh in net if wh > 0), -sum(wh for wh in net if wh < 0)
    matched = min(surplus, shortage)
    buy = rng.randint(-50_000, 900_000)
    sell = buy - 110_000 if rng.random() < 0.8 else buy + 7
    price = divide_half_up(buy + sell, 2)
    bought, sold = _local([-wh for wh in net], matched), _local(net, matched)
    outside_in = [max(-wh, 0) - own for wh, own in zip(net, bought, strict=True)]
    outside_out = [max(wh, 0) - own for wh, own in zip(net, sold, strict=True)]
    trades = _pairs(sold, bought)
    fees = [(fee[b] or 0) * 3 // 4 for _, b, _ in trades]
    cost = (
        sum(wh * rate for (_, _, wh), rate in zip(trades, fees, strict=True))
        + sum(wh * (buy + (rate or 0)) for wh, rate in zip(outside_in, fee, strict=True))
        - sum(wh * sell for wh in outside_out)
    )
    state = "balanced" if surplus == shortage else "surplus" if surplus > shortage else "shortage"
    head = interval_line(
        *(start, state, surplus, shortage, matched, shortage - matched, surplus - matched),
        *(price if matched else None, buy, sell, sell > buy, cost),
    )
    columns = zip(points, net, bought, sold, outside_in, outside_out, fee, strict=True)
    rows = [PositionRow(point, wh, b, s, i, o, rate, 0) for point, wh, b, s, i, o, rate in columns]
    row = parse_interval(head + interval_tail("final", 1, NO_DIGEST))
    equalisation = list(pooled_equalisation(Interval(row, rows, (), NO_DIGEST)).values())
    return SettledLines(
        head,
        position_lines(start, points, net, bought, sold, outside_in, outside_out, fee, equalisation),
        trade_lines(
            start,
            [points[s] for s, _, _ in trades],
            [points[b] for _, b, _ in trades],
            ["station"] * len(trades),
            [wh for _, _, wh in trades],
            price,
            fees,
        ),
    )


def _local(limits: list[int], matched: int) -> list[int]:
    """Give out `matched` to the first that have room."""
    given = []
    for limit in limits:
        given.append(min(max(limit, 0), matched))
        matched -= given[-1]
    return given


def _pairs(sold: list[int], bought: list[int]) -> list[tuple[int, int, int]]:
    sold, bought = list(sold), list(bought)
    trades = []
    for s in range(len(sold)):
        for b in range(len(bought)):
            wh = min(sold[s], bought[b])
            if wh:
                trades.append((s, b, wh))
                sold[s] -= wh
                bought[b] -= wh
    return trades


def write_package(folder: Path, seed: int, *, intervals: int = 6, members: int = 7) -> None:
    """A package of `intervals` quarter-hours."""
    rng = random.Random(seed)
    points = sorted(f"5900000000{rng.randrange(10**8):08d}" for _ in range(members))
    starts = [format_instant(FIRST + QUARTER * number) for number in range(intervals)]
    write_settled(folder, {start: settle(rng, start, points) for start in starts})
    reseal(folder, intervals)


def reseal(folder: Path, intervals: int = 6) -> None:
    """The manifest of `write_package` over the files as they are now."""
    seal(folder, "example", FIRST, FIRST + QUARTER * intervals)


def write_settled(folder: Path, settled: Mapping[str, SettledLines]) -> None:
    """The package's files but for the manifest. Its second interval, if any, was settled twice, with a run of another
    day in between that the chain needs."""
    starts = list(settled)
    content = {start: lines.content_digest() for start, lines in settled.items()}
    history = [(start, 1, content[start]) for start in starts]
    if len(starts) > 1:
        replaced = (starts[1], 1, chain_digest("replaced", "result"))
        another = (format_instant(FIRST + timedelta(days=30)), 1, chain_digest("another", "interval"))
        history[1:2] = [replaced, another, (starts[1], 2, content[starts[1]])]
    revision = {start: number for start, number, _ in history}
    runs, previous = [], NO_DIGEST
    for number, (start, rev, digest) in enumerate(history, 1):
        chained = chain_digest(previous, digest)
        runs.append(run_line(number, start, rev, digest, chained, previous))
        previous = chained
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (
        (INTERVALS, [settled[s].interval + interval_tail("final", revision[s], content[s]) for s in starts]),
        (POSITIONS, [line for s in starts for line in settled[s].positions]),
        (TRADES, [line for s in starts for line in settled[s].trades]),
        (RUNS, runs),
    ):
        (folder / name).write_text("\n".join([",".join(COLUMNS[name]), *lines]) + "\n", encoding="utf-8")
