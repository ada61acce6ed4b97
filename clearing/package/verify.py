"""Verification of a settlement package with no database: its own files and, if given, the dataset it came from."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from clearing.domain.errors import ClearingError
from clearing.package.chain import check_chain, check_revisions, in_range, read_runs, unproven_runs
from clearing.package.comparison import compare
from clearing.package.files import SORTED, LineFile, all_lines
from clearing.package.findings import Findings
from clearing.package.laws import Interval, check_interval, read_interval
from clearing.package.lines import INTERVALS, MANIFEST, POSITIONS, RUNS, TRADES
from clearing.package.manifest import FILE_DIGEST, Manifest, check_manifest
from clearing.package.rows import IntervalRow, RowError, parse_interval
from clearing.package.source import Source, SourceError
from contracts.dataset.folder import read_dataset
from contracts.domain.tariff import TariffError
from metering.domain.calendar import INTERVAL, CalendarError, format_instant, parse_instant

Progress = Callable[[list[IntervalRow]], Iterable[IntervalRow]]


def verify_package(
    folder: Path, dataset: Path | None = None, *, limit: int = 100, progress: Progress = iter
) -> Findings:
    """Check file digests, lines, content digests, chain and laws; no findings mean that all hold.

    With a dataset also positions, prices, fees, least cost and the exact result. A bad package is reported, never
    raised; a dataset that can't be used raises DatasetError.
    """
    findings = Findings(limit)
    checked = check_manifest(folder, findings)
    if checked is None:
        return findings
    manifest, files = checked
    intervals = _read_intervals(files[INTERVALS], manifest, findings)
    _check_runs(files[RUNS], intervals, manifest, findings)
    with (
        LineFile(files[POSITIONS], POSITIONS, findings) as positions,
        LineFile(files[TRADES], TRADES, findings) as trades,
    ):
        if not (positions.usable and trades.usable):
            return findings
        _check_strays((positions, trades), intervals, findings)
        source = None if dataset is None else _source(dataset, manifest, intervals, findings)
        for row in progress(intervals):
            interval = read_interval(row, positions.lines(row.start), trades.lines(row.start), findings)
            if interval is None:
                continue
            check_interval(interval, findings)
            if source is not None:
                _check_against(source, interval, findings)
    return findings


def _read_intervals(path: Path, manifest: Manifest, findings: Findings) -> list[IntervalRow]:
    rows = []
    for number, line in enumerate(all_lines(path, INTERVALS, findings), 2):
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


def _check_runs(path: Path, intervals: Sequence[IntervalRow], manifest: Manifest, findings: Findings) -> None:
    runs = read_runs(path, findings)
    before = findings.total
    check_chain(runs, findings)
    check_revisions(runs, {row.start: row for row in intervals}, manifest, findings)
    changed = any(finding.file == RUNS and finding.law == FILE_DIGEST for finding in findings.kept)
    if changed and findings.total == before:
        for run in unproven_runs(runs, manifest):
            detail = f"run {run.run}: nothing but the digest of the file vouches for its interval"
            findings.add(RUNS, FILE_DIGEST, detail, interval=run.start)


def _check_strays(files: Sequence[LineFile], intervals: Sequence[IntervalRow], findings: Findings) -> None:
    known = {row.start for row in intervals}
    for file in files:
        for start in file.starts():
            if start not in known:
                findings.add(file.name, f"its interval is in {INTERVALS}", "is not", interval=start[:40])


def _source(folder: Path, manifest: Manifest, intervals: Sequence[IntervalRow], findings: Findings) -> Source:
    """The dataset over the span of those intervals that it has prices of."""
    dataset = read_dataset(folder)
    if dataset.cluster.slug != manifest.cluster:
        detail = f"is {manifest.cluster}, the dataset is of {dataset.cluster.slug}"
        findings.add(MANIFEST, "the cluster is the dataset's", detail)
    starts = {row.start for row in intervals}
    priced = [price.interval_start for price in dataset.external_prices]
    wanted = [start for start in priced if format_instant(start) in starts] or priced[:1]
    return Source(dataset, min(wanted), max(wanted) + INTERVAL)


def _check_against(source: Source, interval: Interval, findings: Findings) -> None:
    start = interval.row.start
    try:
        compare(interval, source.inputs(parse_instant(start)), findings)
    except (SourceError, ClearingError, TariffError, CalendarError) as error:
        findings.add(INTERVALS, "settled from the dataset", str(error), interval=start)
