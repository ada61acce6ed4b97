"""Energy by direction becomes readings: sums, order, what is missing, what contradicts, and memory."""

import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.domain.readings import MAX_WH, QUALITIES
from metering.formats import shelf
from metering.formats.assemble import Batch, Generation, assemble
from metering.formats.base import Energy, Fault
from tests.metering.meter_files import POINT, QUARTER, Readings, read_file, sample

START = datetime(2026, 10, 24, 22, tzinfo=UTC)
OTHER = "590322400000000027"
ALWAYS = {POINT: [(START - timedelta(days=365), START + timedelta(days=365))]}
ENERGIES = st.integers(0, MAX_WH)


def readings(found: Iterable[Energy], generation: Generation | None = None) -> tuple[Readings, list[Fault]]:
    rows: Readings = {}
    faults = []
    for item in assemble(found, generation or {}, batch_rows=7):
        if isinstance(item, Fault):
            faults.append(item)
            continue
        lines = item.rows.decode().splitlines()
        assert 0 < len(lines) == len(item.import_lines) == len(item.export_lines) <= 7
        for line in lines:
            point, start, imported, exported, quality = line.split(",")
            rows[point, datetime.fromisoformat(start)] = int(imported), int(exported), quality
    return rows, faults


def import_(line: int, wh: int, start: datetime = START, minutes: int = 15, point: str = POINT) -> Energy:
    return Energy(line, point, start, minutes, "import", wh, "measured")


def export(line: int, wh: int, start: datetime = START, minutes: int = 15, point: str = POINT) -> Energy:
    return import_(line, wh, start, minutes, point)._replace(direction="export")


@given(ENERGIES, ENERGIES)
def test_hours_are_split_exactly_and_marked(drawn: int, fed_in: int) -> None:
    rows, faults = readings([import_(2, drawn, minutes=60), export(3, fed_in, minutes=60)])
    assert faults == [] and list(rows) == [(POINT, START + QUARTER * number) for number in range(4)]
    for place, whole in ((0, drawn), (1, fed_in)):
        parts = [int(row[place]) for row in rows.values()]
        assert sum(parts) == whole
        assert parts == sorted(parts, reverse=True) and parts[0] - parts[-1] <= 1
    assert {quality for _, _, quality in rows.values()} == {"split"}


@given(st.sampled_from(QUALITIES), st.sampled_from(QUALITIES), st.sampled_from([15, 60]))
def test_the_weaker_quality_holds(first: str, second: str, minutes: int) -> None:
    energies = [
        import_(2, 1, minutes=minutes)._replace(quality=first),
        export(3, 1, minutes=minutes)._replace(quality=second),
    ]
    weaker = max(QUALITIES.index(first), QUALITIES.index(second))
    expected = QUALITIES[max(weaker, 1)] if minutes == 60 else QUALITIES[weaker]
    rows, _ = readings(energies)
    assert {quality for _, _, quality in rows.values()} == {expected}


@st.composite
def files(draw: st.DrawFn) -> tuple[list[Energy], Readings]:
    """What a file holds, with repetitions, and the readings that it means."""
    energies, expected = [], {}
    numbers = draw(st.sets(st.tuples(st.sampled_from([POINT, OTHER]), st.integers(0, 9000)), max_size=30))
    for point, number in sorted(numbers):
        start = START + QUARTER * number
        drawn, fed_in = draw(ENERGIES), draw(ENERGIES)
        energies += [import_(0, drawn, start, 15, point), export(0, fed_in, start, 15, point)]
        expected[point, start] = (drawn, fed_in, "measured")
    energies += [energy for energy in energies if draw(st.integers(0, 9)) == 0]
    order = draw(st.permutations(energies))
    return [energy._replace(line=line) for line, energy in enumerate(order, start=2)], expected


@given(files(), st.sampled_from([shelf.RECORD.itemsize * 5, 1 << 20]))
def test_any_order_in_memory_or_on_disk(file: tuple[list[Energy], Readings], limit: int) -> None:
    energies, expected = file
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "_FULL_BYTES", limit)
        rows, faults = readings(energies)
        lines = [item.import_lines.tolist() for item in assemble(energies, {}) if isinstance(item, Batch)]
        again = [item.import_lines.tolist() for item in assemble(energies, {}) if isinstance(item, Batch)]
    assert rows == expected
    assert [fault for fault in faults if fault.line] == []
    # A resumed import counts on the same rows in the same order.
    assert lines == again


@given(files(), st.sampled_from([shelf.RECORD.itemsize * 5, 1 << 20]))
def test_each_row_comes_from_its_lines(file: tuple[list[Energy], Readings], limit: int) -> None:
    energies, _ = file
    by_line = {energy.line: energy for energy in energies}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "_FULL_BYTES", limit)
        for batch in assemble(energies, ALWAYS):
            assert isinstance(batch, Batch) or not energies
            for number, text in enumerate(batch.rows.decode().splitlines() if isinstance(batch, Batch) else []):
                point, start, imported, exported, _ = text.split(",")
                for column, direction, wh in (("imported_wh", "import", imported), ("exported_wh", "export", exported)):
                    source = by_line[batch.line_of(number, column)]  # type: ignore[union-attr]
                    assert (source.point, source.direction, source.wh) == (point, direction, int(wh))
                    assert source.start == datetime.fromisoformat(start)


def test_without_generation_no_export_is_zero() -> None:
    assert readings([import_(2, 5)]) == ({(POINT, START): (5, 0, "measured")}, [])


def test_with_generation_no_export_is_missing() -> None:
    until = {POINT: [(START - timedelta(days=1), START + 2 * QUARTER)]}
    rows, faults = readings([import_(n + 2, 5, START + QUARTER * n) for n in range(4)], until)
    assert [start for _, start in rows] == [START + 2 * QUARTER, START + 3 * QUARTER]
    assert [(fault.line, fault.text) for fault in faults] == [
        (
            2,
            f"{POINT} has generation, but from 2026-10-24T22:00:00Z to 2026-10-24T22:30:00Z there is no export; "
            "deliver both directions together",
        )
    ]
    both = [import_(2, 5), export(3, 0)]
    assert readings(both, ALWAYS) == ({(POINT, START): (5, 0, "measured")}, [])


def test_missing_export_is_told_once_a_run() -> None:
    numbers = [*range(96), *range(200, 300)]
    rows, faults = readings([import_(n + 2, 5, START + QUARTER * n) for n in numbers], ALWAYS)
    assert rows == {} and [fault.line for fault in faults] == [2, 202]


def test_export_without_import_is_missing() -> None:
    rows, faults = readings([export(2, 5), import_(3, 1, START + QUARTER), export(4, 1, START + QUARTER)])
    assert rows == {(POINT, START + QUARTER): (1, 1, "measured")}
    assert [fault.line for fault in faults] == [2] and "there is no import" in faults[0].text


def test_more_points_than_a_cluster_can_have_end_the_reading() -> None:
    energies = (import_(line, 1, point=f"59{line:016d}") for line in range(2, 200_000))
    rows, faults = readings(energies)
    assert len(rows) == 100_000
    assert [(fault.line, fault.text) for fault in faults] == [
        (100_002, "there are more than 100000 metering points; deliver them in several files")
    ]


def test_a_part_of_a_large_file_has_all_points_of_its_hours() -> None:
    """Otherwise an interval would be noted as changed as often as there are parts."""
    found: dict[str, set[int]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "_FULL_BYTES", 1 << 12)
        energies = [
            import_(2 + number, 1, START + QUARTER * (number % 96), point=f"59{number // 96:016d}")
            for number in range(96 * 50)
        ]
        for place, batch in enumerate(assemble(energies, {})):
            assert isinstance(batch, Batch)
            for row in batch.rows.decode().splitlines():
                found.setdefault(row.split(",")[1], set()).add(place)
    assert len(found) == 96 and all(len(places) == 1 for places in found.values())


def test_the_same_value_twice_counts_once() -> None:
    assert readings([import_(2, 5), import_(3, 5)]) == ({(POINT, START): (5, 0, "measured")}, [])


@pytest.mark.parametrize(
    "second", [import_(9, 6), import_(9, 5)._replace(quality="estimated"), import_(9, 21, START, 60)]
)
def test_different_values_for_the_same_time_are_both_refused(second: Energy) -> None:
    kept = [import_(3, 7, START + QUARTER * 8), export(4, 1, START)]
    rows, faults = readings([import_(2, 5), *kept, second])
    assert rows == {(POINT, START + QUARTER * 8): (7, 0, "measured")}
    assert (faults[0].line, faults[0].text) == (
        9, f"line 2 has another value for {POINT} at this time; leave one of them"
    )  # fmt: skip


def test_an_hour_that_contradicts_is_refused_as_a_whole() -> None:
    """250 and 251 Wh differ in one of their quarters only."""
    rows, faults = readings([import_(2, 250, minutes=60), import_(3, 251, minutes=60)])
    assert rows == {} and [fault.line for fault in faults] == [3]


def test_the_own_format_comes_back_as_it_went() -> None:
    data = sample("own_readings.csv")
    head, *lines = data.decode().splitlines(keepends=True)
    rows, faults = read_file(data)
    assert faults == [] and len(rows) == 192
    written = [
        f"{point},{start:%Y-%m-%dT%H:%M:%SZ},{imported},{exported},{quality}\n"
        for (point, start), (imported, exported, quality) in rows.items()
    ]
    assert written == lines
    assert read_file((head + "".join(reversed(lines))).encode())[0] == rows
    columns = (",".join(reversed(line.rstrip("\n").split(","))) + "\n" for line in chain([head], lines))
    assert read_file("".join(columns).encode()) == (rows, [])


def test_files_put_together_are_one() -> None:
    """Import and export often come in files of their own."""
    drawn = sample("canonical_15min_2026-10-25.csv")
    fed_in = drawn.replace(b"1-0:1.8.0", b"1-0:2.8.0")
    assert read_file(fed_in)[0] == {}
    rows, faults = read_file(drawn + b"\xef\xbb\xbf" + fed_in, generation=ALWAYS)
    assert faults == [] and len(rows) == 100
    assert all(imported == exported for imported, exported, _ in rows.values())


def test_one_faulty_line_among_many() -> None:
    text = sample("own_readings.csv").decode()
    for was, becomes, column in (
        (",50,0,measured", ",5o,0,measured", "imported_wh"),
        (",50,0,measured", ",50,,measured", "exported_wh"),
        (",50,0,measured", ",50.5,0,measured", "imported_wh"),
        (",50,0,measured", ",50,0,guessed", "quality"),
        ("2026-06-14T22:00:00Z", "2026-06-14T22:00:00", "interval_start"),
        ("2026-06-14T22:00:00Z", "2026-06-14T22:01:00Z", "interval_start"),
        ("590322400000000010,", "PPE10,", "metering_point"),
    ):
        rows, faults = read_file(text.replace(was, becomes, 1).encode())
        assert [(fault.line, fault.column) for fault in faults] == [(2, column)]
        assert len(rows) == 191


_PEAK = """
import resource, sys
from zoneinfo import ZoneInfo
from metering.formats.assemble import Batch, assemble
from metering.formats.base import Context
from metering.formats.registry import FORMATS
with open(sys.argv[1], "rb") as file:
    found = assemble(FORMATS["canonical"].read(file, Context(ZoneInfo("Europe/Warsaw"))), {})
    count = sum(len(item.import_lines) for item in found if isinstance(item, Batch))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """All imports first, then all exports: nothing can be joined before the end."""
    peaks = []
    for days in (20, 80):
        path = tmp_path / f"{days}.csv"
        with path.open("w") as file:
            file.write("ppe,start_utc,end_utc,local_label,obis,kwh,quality\n")
            for obis in ("1.8.0", "2.8.0"):
                for number in range(days * 96):
                    start = START + QUARTER * number
                    times = f"{start.isoformat()},{(start + QUARTER).isoformat()},00:00,1-0:{obis}"
                    file.writelines(f"59{point:016d},{times},0.{number % 1000:03d},CK0031\n" for point in range(40))
        run = [sys.executable, "-c", _PEAK, str(path)]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
        count, peak = map(int, done.stdout.split())
        assert count == days * 96 * 40
        peaks.append(peak)
    # Four times as large, 60 MB more to read.
    assert peaks[1] - peaks[0] < 24 * 1024
