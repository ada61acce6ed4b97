"""The chain of runs: every run's digest names the one before, so that none can be changed, dropped or slipped in."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from clearing.package.files import all_lines
from clearing.package.findings import Findings
from clearing.package.lines import INTERVALS, NO_DIGEST, RUNS, chain_digest
from clearing.package.manifest import Manifest
from clearing.package.rows import IntervalRow, RowError, RunRow, parse_run


def read_runs(path: Path, findings: Findings) -> list[RunRow]:
    """The lines of runs.csv that can be read."""
    runs = []
    for number, line in enumerate(all_lines(path, RUNS, findings), 2):
        try:
            runs.append(parse_run(line))
        except RowError as error:
            interval = line.split(",")[1] if line.count(",") else ""
            findings.add(RUNS, "lines are as the format says", f"line {number} {error}", interval=interval)
    return runs


def check_chain(runs: Sequence[RunRow], findings: Findings) -> None:
    """Run numbers without gaps, each digest = SHA-256 of the digest before and the content digest."""
    for run in runs:
        if run.digest != chain_digest(run.previous_digest, run.content_digest):
            detail = f"run {run.run}: digest is not the SHA-256 of previous_digest and content_digest"
            findings.add(RUNS, "digest", detail, interval=run.start)
        if (run.run == 1) != (run.previous_digest == NO_DIGEST):
            findings.add(RUNS, "the first run follows none", f"run {run.run}", interval=run.start)
    for before, run in pairwise(runs):
        if run.run != before.run + 1:
            for each in (before, run):
                detail = f"run {run.run} follows run {before.run}"
                findings.add(RUNS, "runs are numbered without gaps", detail, interval=each.start)
        if run.previous_digest != before.digest:
            for each in (before, run):
                detail = f"run {run.run}: previous_digest is not the digest of run {before.run}"
                findings.add(RUNS, "chain", detail, interval=each.start)


def check_revisions(
    runs: Sequence[RunRow], intervals: Mapping[str, IntervalRow], manifest: Manifest, findings: Findings
) -> None:
    """Revisions of an interval count from 1; the last one is what intervals.csv holds."""
    last: dict[str, RunRow] = {}
    for run in runs:
        before = last.get(run.start)
        expected = before.revision + 1 if before else 1
        if run.revision != expected and (before or in_range(run.start, manifest)):
            detail = f"run {run.run}: revision {run.revision}, expected {expected}"
            findings.add(RUNS, "revisions count from 1", detail, interval=run.start)
        last[run.start] = run
    for start, row in intervals.items():
        final = last.get(start)
        if final is None:
            findings.add(RUNS, "every interval has its run", "has none", interval=start)
        elif (final.revision, final.content_digest) != (row.revision, row.content_digest):
            detail = (
                f"run {final.run} is revision {final.revision} with content {final.content_digest}, {INTERVALS} says "
                f"revision {row.revision} with {row.content_digest}"
            )
            findings.add(RUNS, "the last revision is the one in force", detail, interval=start)
    for start in last:
        if in_range(start, manifest) and start not in intervals:
            findings.add(INTERVALS, "every interval with a run is there", "is missing", interval=start)


def unproven_runs(runs: Sequence[RunRow], manifest: Manifest) -> Iterator[RunRow]:
    """Runs of intervals outside the package's range (the only run, if there is no such): nothing but the SHA-256 of
    the file vouches for their interval and revision.

    Those that do not continue their neighbours' sequence of intervals come first.
    """
    strangers = [run for run in runs if not in_range(run.start, manifest)]
    starts = ["", *(run.start for run in runs), "9"]
    rising = {
        run.run for run, before, after in zip(runs, starts, starts[2:], strict=False) if before < run.start < after
    }
    yield from sorted(strangers or runs[:1], key=lambda run: run.run in rising)


def in_range(start: str, manifest: Manifest) -> bool:
    """Whether an interval start lies in the manifest's range; both are written alike, so text order is time order."""
    return manifest.start <= start < manifest.end
