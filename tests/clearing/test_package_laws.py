"""What the verification of a package accepts and what it names when something was changed."""

import gzip
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from clearing.package.lines import FILES, INTERVALS, MANIFEST, POSITIONS, RUNS, TRADES
from clearing.package.verify import verify_package
from tests.clearing.package_cases import reseal, write_package

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_package_as_written_holds(tmp_path: Path, seed: int) -> None:
    write_package(tmp_path, seed)
    assert [str(finding) for finding in verify_package(tmp_path).kept] == []


def change_digit(path: Path, rng: random.Random) -> str:
    """Change one digit below the header; returns the changed line as it was."""
    text = path.read_text()
    places = [match.start() for match in re.finditer(r"[0-9]", text) if match.start() > text.index("\n")]
    place = rng.choice(places)
    digit = rng.choice([d for d in "0123456789" if d != text[place]])
    path.write_text(text[:place] + digit + text[place + 1 :])
    begin = text.rindex("\n", 0, place) + 1
    return text[begin : text.index("\n", place)]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("seed", SEEDS)
def test_any_changed_digit_is_found_and_its_interval_named(tmp_path: Path, name: str, seed: int) -> None:
    rng = random.Random(f"{name} {seed}")
    for _ in range(40):
        write_package(tmp_path, seed)
        line = change_digit(tmp_path / name, rng)
        now = (set((tmp_path / name).read_text().splitlines()) - {line}) or {line}
        column = 1 if name == RUNS else 0
        interval = line.split(",")[column]
        changed = {other.split(",")[column] for other in now}
        findings = verify_package(tmp_path).kept
        assert any(finding.file == name and "SHA-256" in finding.law for finding in findings)
        named = {finding.interval for finding in findings if finding.interval}
        assert interval in named or (name == RUNS and interval.startswith("2026-07") and named & changed), line


@pytest.mark.parametrize("name", [INTERVALS, POSITIONS, TRADES])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_changed_digit_is_found_even_if_the_manifest_is_forged(tmp_path: Path, name: str, seed: int) -> None:
    rng = random.Random(f"forged {name} {seed}")
    for _ in range(20):
        write_package(tmp_path, seed)
        line = change_digit(tmp_path / name, rng)
        reseal(tmp_path)
        assert line.split(",")[0] in {finding.interval for finding in verify_package(tmp_path).kept}, line


def test_any_changed_character_of_the_manifest_names_a_file(tmp_path: Path) -> None:
    write_package(tmp_path, 1)
    text = (tmp_path / MANIFEST).read_text()
    for place, character in enumerate(text):
        if character.isalnum():
            (tmp_path / MANIFEST).write_text(text[:place] + ("8" if character != "8" else "3") + text[place + 1 :])
            files = {finding.file for finding in verify_package(tmp_path).kept}
            assert MANIFEST in files, text[place - 20 : place + 20]


@pytest.mark.parametrize("name", (*FILES, MANIFEST))
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_package(tmp_path, 2)
    (tmp_path / name).unlink()
    assert f"{name}: the file is there: missing" in [str(finding) for finding in verify_package(tmp_path).kept]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("spoil", "law", "detail"),
    [
        (lambda text: "", "the columns are those of the format", "the file is empty"),
        (lambda text: text.replace("interval_start", "start"), "the columns are", "missing: interval_start"),
        (lambda text: text.replace(",interval_start", "").replace("interval_start,", ""), "the columns are", "missing"),
        (lambda text: text[:-9], "the last line is complete", "cut off"),
        (lambda text: text.replace("\n", "\r\n"), "the columns are", "unknown"),
        (lambda text: text.rsplit(",", 1)[0] + ",x\n", "lines are as the format says", "can't be 'x'"),
        (lambda text: text.rsplit(",", 1)[0] + "\n", "lines are as the format says", "columns instead of"),
        (lambda text: text + "\x00\ufffd,,\n", "lines are as the format says|its interval is in", ""),
        (lambda text: text + "\n", "lines are as the format says|its interval is in", ""),
    ],
)
def test_garbage_is_named_without_a_traceback(
    tmp_path: Path, name: str, spoil: Callable[[str], str], law: str, detail: str
) -> None:
    write_package(tmp_path, 3)
    path = tmp_path / name
    path.write_text(spoil(path.read_text()), newline="")
    reseal(tmp_path)
    found = [finding for finding in verify_package(tmp_path).kept if finding.file == name]
    assert any(re.search(law, finding.law) and detail in finding.detail for finding in found), found


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    for name in (*FILES, MANIFEST):
        write_package(tmp_path, 4)
        (tmp_path / name).write_bytes(b"\xff\xfe\x00" * 100)
        assert name in {finding.file for finding in verify_package(tmp_path).kept}


def replace_field(folder: Path, name: str, column: int, value: str) -> str:
    """Set a field of the first line; returns its interval."""
    header, line, *rest = (folder / name).read_text().splitlines()
    fields = line.split(",")
    fields[column] = value
    (folder / name).write_text("\n".join([header, ",".join(fields), *rest]) + "\n")
    return fields[1 if name == RUNS else 0]


@pytest.mark.parametrize(
    ("name", "column", "value", "law"),
    [
        (INTERVALS, 1, "balanced", "the outside gets the net position only"),
        (INTERVALS, 7, "9.000000", "floor ≤ price ≤ cap"),
        (INTERVALS, 11, "1.000000000", "operating cost"),
        (POSITIONS, 2, "-5", "local bought + external bought = shortage"),
        (POSITIONS, 2, "9999", "local sold + external sold = surplus"),
        (POSITIONS, 8, "0.000000001", "Σ equalisation"),
        (TRADES, 4, "77777", "Σ trades = positions"),
        (TRADES, 5, "0.000001", "a trade is at the local price"),
        (TRADES, 8, "0.000000001", "grid_fee_pln = wh × fee"),
        (RUNS, 4, "0" * 64, "digest"),
    ],
)
def test_the_broken_law_is_named(tmp_path: Path, name: str, column: int, value: str, law: str) -> None:
    write_package(tmp_path, 10)
    interval = replace_field(tmp_path, name, column, value)
    found = {finding.law for finding in verify_package(tmp_path).kept if finding.interval == interval}
    assert any(law in each for each in found), found


def test_a_dropped_interval_is_missed(tmp_path: Path) -> None:
    write_package(tmp_path, 6)
    start = (tmp_path / INTERVALS).read_text().splitlines()[3].split(",")[0]
    for name in (INTERVALS, POSITIONS, TRADES):
        lines = (tmp_path / name).read_text().splitlines(keepends=True)
        (tmp_path / name).write_text("".join(line for line in lines if not line.startswith(start)))
    reseal(tmp_path)
    assert [(f.interval, f.detail) for f in verify_package(tmp_path).kept] == [(start, "is missing")]


def test_swapped_lines_are_named(tmp_path: Path) -> None:
    write_package(tmp_path, 7)
    header, *lines = (tmp_path / POSITIONS).read_text().splitlines()
    lines[0], lines[-1] = lines[-1], lines[0]
    (tmp_path / POSITIONS).write_text("\n".join([header, *lines]) + "\n")
    reseal(tmp_path)
    named = {finding.interval for finding in verify_package(tmp_path).kept}
    assert {lines[0].split(",")[0], lines[-1].split(",")[0]} <= named


def test_findings_are_limited_and_counted(tmp_path: Path) -> None:
    write_package(tmp_path, 8)
    path = tmp_path / POSITIONS
    path.write_text(re.sub(r",(\d{18}),-?\d+,", r",\1,123456,", path.read_text()))
    findings = verify_package(tmp_path, limit=3)
    assert len(findings.kept) == 3 < findings.total


def test_the_number_of_an_only_run_is_protected_too(tmp_path: Path) -> None:
    write_package(tmp_path, 9, intervals=1)
    assert verify_package(tmp_path).total == 0
    text = (tmp_path / RUNS).read_text()
    (tmp_path / RUNS).write_text(text.replace("\n1,", "\n7,"))
    assert "2026-06-01T10:00:00Z" in {finding.interval for finding in verify_package(tmp_path).kept}


def test_files_may_be_gzipped(tmp_path: Path) -> None:
    write_package(tmp_path, 9)
    for name in FILES:
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
        (tmp_path / name).unlink()
    assert verify_package(tmp_path).total == 0
    cut = (tmp_path / f"{TRADES}.gz").read_bytes()[:-20]
    (tmp_path / f"{TRADES}.gz").write_bytes(cut)
    [finding] = verify_package(tmp_path).kept
    assert (finding.file, finding.law) == (TRADES, "the file can be read")
    (tmp_path / TRADES).write_text("")
    assert "there is also trades.csv.gz" in str(verify_package(tmp_path).kept[0])
