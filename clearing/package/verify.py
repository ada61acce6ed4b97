"""Verification of a settlement package with no database: only its own files, and if given the dataset it came from."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from clearing.package.chain import check_chain, check_revisions, in_range, read_runs, unproven_runs
from clearing.package.files import SORTED, LineFile, all_lines
from clearing.package.findings import Findings
from clearing.package.laws import Interval, check_interval, read_interval
from clearing.package.lines import FILES, INTERVALS, POSITIONS, RUNS, TRADES
from clearing.package.manifest import FILE_DIGEST, Manifest, check_manifest
from clearing.package.rows import IntervalRow, RowError, parse_interval

Progress = Callable[[list[IntervalRow]], Iterable[IntervalRow]]


class Source(Protocol):
    """What the package is compared with, beyond its own laws."""

    def check(self, interval: Interval, findings: Findings) -> None:
        """Report where the interval differs from what the source's data lead to."""


def verify_package(
    folder: Path,
    sources: Callable[[Manifest], Iterable[Source]] = lambda manifest: (),
    *,
    limit: int = 100,
    progress: Progress = iter,
) -> Findings:
    """Check file digests, lines, content digests, chain and laws; empty findings mean that all hold.

    `sources` makes what intervals are compared with, for the manifest's range. Nothing is raised for a bad package.
    """
    findings = Findings(limit)
    manifest = check_manifest(folder, findings)
    if manifest is None or not all((folder / name).is_file() for name in FILES):
        return findings
    runs = read_runs(folder, findings)
    intervals = _read_intervals(folder, manifest, findings)
    check_chain(runs, findings)
    check_revisions(runs, {row.start: row for row in intervals}, manifest, findings)
    if any(f.file == RUNS for f in findings.kept) and not any(f.file == RUNS and f.interval for f in findings.kept):
        for run in unproven_runs(runs, manifest):
            detail = f"run {run.run}: only the SHA-256 of the file vouches for its interval, and that is broken"
            findings.add(RUNS, FILE_DIGEST, detail, interval=run.start)
    with LineFile(folder / POSITIONS, findings) as positions, LineFile(folder / TRADES, findings) as trades:
        if not (positions.usable and trades.usable):
            return findings
        known = {row.start for row in intervals}
        for file in (positions, trades):
            for start in file.starts():
                if start not in known:
                    findings.add(file.name, f"its interval is in {INTERVALS}", "is not", interval=start[:40])
        compared = list(sources(manifest))
        for row in progress(intervals):
            interval = read_interval(row, positions.lines(row.start), trades.lines(row.start), findings)
            if interval is None:
                continue
            check_interval(interval, findings)
            for source in compared:
                source.check(interval, findings)
    return findings


def _read_intervals(folder: Path, manifest: Manifest, findings: Findings) -> list[IntervalRow]:
    rows = []
    for number, line in enumerate(all_lines(folder / INTERVALS, findings), 2):
        try:
            rows.append(parse_interval(line))
        except RowError as error:
            start = line.partition(",")[0][:40]
            findings.add(INTERVALS, "lines are as the format says", f"line {number} {error}", interval=start)
    for before, row in pairwise(rows):
        if row.start <= before.start:
            findings.add(INTERVALS, SORTED, f"{row.start} follows {before.start}", interval=row.start)
    for row in rows:
        if not in_range(row.start, manifest):
            detail = f"the range is {manifest.start} to {manifest.end}"
            findings.add(INTERVALS, "intervals lie in the manifest's range", detail, interval=row.start)
    return rows
