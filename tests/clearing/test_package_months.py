"""The example's two months: what they come to, and that their packages are proved right or wrong."""

import random
from datetime import date
from pathlib import Path

from clearing.package.lines import INTERVALS, POSITIONS, RUNS, TRADES
from clearing.package.rows import parse_interval
from clearing.package.settled import SettledLines
from clearing.package.source import Source
from clearing.package.verify import verify_package
from contracts.dataset.folder import read_dataset
from metering.domain.calendar import format_instant, interval_starts, local_day, month_bounds
from tests.clearing.package_cases import seal, write_settled

ROOT = Path(__file__).parents[2]


def totals(settled: list[SettledLines]) -> tuple[int, ...]:
    """Surplus, shortage, matched, imported, exported (Wh)."""
    columns = zip(*(line.interval.split(",")[2:7] for line in settled), strict=True)
    return tuple(sum(map(int, column)) for column in columns)


def test_june_comes_to_its_known_totals_and_its_package_holds(tmp_path: Path) -> None:
    folder = ROOT / "demo" / "three-stations"
    dataset = read_dataset(folder)
    start, end = month_bounds("2026-06", dataset.tz)
    source = Source(dataset, start, end)
    settled = {format_instant(each): source.inputs(each).settle() for each in interval_starts(start, end)}
    assert len(settled) == 2880
    assert totals(list(settled.values())) == (33_814_572, 55_257_406, 23_607_963, 31_649_443, 10_206_609)

    write_settled(tmp_path, settled)
    seal(tmp_path, dataset.cluster.slug, start, end)
    assert [str(finding) for finding in verify_package(tmp_path, folder).kept] == []

    rng = random.Random(6)
    changed = {change_digit(tmp_path / name, rng) for name in (INTERVALS, POSITIONS, TRADES, RUNS)}
    assert changed <= {finding.interval for finding in verify_package(tmp_path).kept}


def change_digit(path: Path, rng: random.Random) -> str:
    """Change a digit somewhere; returns the interval of its line."""
    text = path.read_text()
    place = rng.randrange(10**5, len(text))
    while not text[place].isdigit():
        place -= 1
    path.write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])
    line = text[text.rindex("\n", 0, place) + 1 : text.index("\n", place)]
    return line.split(",")[1 if path.name == RUNS else 0]


def test_october_comes_to_its_known_totals_with_a_day_of_a_hundred_intervals(tmp_path: Path) -> None:
    for path in (ROOT / "demo" / "three-stations").iterdir():
        if not path.name.startswith("readings"):
            (tmp_path / path.name).symlink_to(path)
    readings = "readings-2026-10.csv.gz"
    (tmp_path / readings).symlink_to(ROOT / "tests" / "data" / "three-stations" / readings)
    dataset = read_dataset(tmp_path)
    start, end = month_bounds("2026-10", dataset.tz)
    source = Source(dataset, start, end)
    starts = interval_starts(start, end)
    settled = [source.inputs(each).settle() for each in starts]
    assert len(settled) == 2980
    assert totals(settled)[2] == 16_386_960
    assert sum(local_day(each, dataset.tz) == date(2026, 10, 25) for each in starts) == 100
    assert {parse_interval(lines.interval + f",final,1,{'0' * 64}").inverted for lines in settled} == {False}
    # One member left at the local midnight of 11 October.
    members = [len(lines.positions) for lines in settled]
    left = starts.index(month_bounds("2026-10", dataset.tz)[0]) + 10 * 96
    assert members[left - 1] > members[left]
