"""A package against the dataset that it was made from."""

import random
from pathlib import Path

import pytest

from clearing.package.findings import Findings
from clearing.package.lines import MANIFEST, NO_DIGEST, RUNS
from clearing.package.verify import verify_package
from contracts.dataset.faults import DatasetError
from tests.clearing.dataset_cases import gsrn, write_dataset, write_package_of

FIRST = "2026-06-15T20:00:00Z"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "dataset")
    return tmp_path / "dataset"


@pytest.fixture
def package(tmp_path: Path, dataset: Path) -> Path:
    write_package_of(dataset, tmp_path / "package")
    return tmp_path / "package"


def laws(findings: Findings) -> set[str]:
    return {finding.law for finding in findings.kept}


@pytest.mark.parametrize("seed", range(6))
def test_what_the_engine_makes_of_a_dataset_holds(tmp_path: Path, seed: int) -> None:
    write_dataset(tmp_path / "dataset", seed, members=3 + 4 * seed)
    write_package_of(tmp_path / "dataset", tmp_path / "package")
    findings = verify_package(tmp_path / "package", tmp_path / "dataset")
    assert [str(finding) for finding in findings.kept] == []


def change(folder: Path, name: str, before: str, after: str) -> None:
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after))


@pytest.mark.parametrize(
    ("name", "before", "after", "law"),
    [
        ("cluster.toml", 'price_share = "0.5"', 'price_share = "0.6"', "price rule"),
        ("cluster.toml", 'residual = "pooled"', 'residual = "individual"', "equalisation"),
        ("cluster.toml", 'allocation = "min_cost"', 'allocation = "pro_rata"', "least cost"),
        ("cluster.toml", 'station = "0.25"', 'station = "0.24"', "local grid fee"),
        ("grid_nodes.csv", "ST-3,CLUSTER", "ST-3,GPZ-A", "trade"),
        ("tariff.csv", "0.2464", "0.2465", "external grid fee"),
        ("tariff.csv", "0.00730,waived", "0.00730,full", "local grid fee"),
        ("tariff_zones.csv", "23:00", "22:30", "external grid fee"),
        ("metering_points.csv", "2000,0.50", "2000,0.83", "external grid fee"),
        ("contracts.csv", "P1,p2p,2026-06-16", "P1,p2p,2026-06-17", "only points under contract have a position"),
        ("contracts.csv", "P2,standard", "P2,p2p", "every point under contract has a position"),
        ("readings.csv", f"{gsrn(3)},{FIRST},", f"{gsrn(3)},{FIRST},1", "net = exported − imported"),
        ("external_prices.csv", "2026-06-15T21:00:00Z,", "2026-06-15T21:00:00Z,1", "external prices"),
        ("readings.csv", "measured", "estimated", "status"),
    ],
)  # fmt: skip
def test_each_difference_is_named_by_its_law(
    dataset: Path, package: Path, name: str, before: str, after: str, law: str
) -> None:
    change(dataset, name, before, after)
    findings = verify_package(package, dataset)
    assert law in laws(findings)
    assert all(finding.interval for finding in findings.kept)


def test_the_interval_and_the_point_are_named(dataset: Path, package: Path) -> None:
    line = f"{gsrn(3)},2026-06-15T20:15:00Z,"
    change(dataset, "readings.csv", line, line + "1")
    [finding] = verify_package(package, dataset).kept
    assert (finding.interval, finding.point) == ("2026-06-15T20:15:00Z", gsrn(3))


def test_missing_readings_and_prices_are_named(dataset: Path, package: Path) -> None:
    lines = (dataset / "readings.csv").read_text().splitlines(keepends=True)
    without = [line for line in lines if not line.startswith(f"{gsrn(3)},2026-06-15T20:15:00Z")]
    (dataset / "readings.csv").write_text("".join(without))
    prices = (dataset / "external_prices.csv").read_text().splitlines(keepends=True)
    (dataset / "external_prices.csv").write_text("".join(prices[:-1]))
    found = {finding.interval: finding.detail for finding in verify_package(package, dataset).kept}
    assert found == {
        "2026-06-15T20:15:00Z": f"the dataset has no reading of {gsrn(3)}",
        "2026-06-15T23:45:00Z": "the dataset has no external price",
    }


def test_another_clusters_dataset_is_refused(dataset: Path, package: Path) -> None:
    change(dataset, "cluster.toml", 'slug = "small-cluster"', 'slug = "other"')
    assert {finding.file for finding in verify_package(package, dataset).kept} == {MANIFEST}


def test_a_dataset_that_cannot_be_read_is_an_error_of_its_own(dataset: Path, package: Path) -> None:
    (dataset / "tariff.csv").unlink()
    with pytest.raises(DatasetError, match=r"tariff\.csv"):
        verify_package(package, dataset)


def spoilt(content: bytes, rng: random.Random) -> bytes:
    """The bytes with something wrong in them."""
    lines, place = content.split(b"\n"), rng.randrange(len(content))
    line = rng.choice(lines)
    return rng.choice(
        [
            content[:place],
            content[:place] + content[place + rng.randrange(1, 200) :],
            content[:place] + rng.randbytes(rng.randrange(1, 30)) + content[place:],
            content[:place] + rng.choice([b",", b"\n", b"\r", b"-", b'"', b"9" * 400]) + content[place + 1 :],
            b"\n".join(rng.sample(lines, len(lines))),
            b"\n".join([*lines[:-1], line, b""]),
            b"\n".join([lines[0], *(other for other in lines[1:] if other != line)]),
            rng.choice([b"\n", b"null", b"[" * 10**5, b"1e999", bytes(100)]),
        ]
    )


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_wrong_is_reported_and_never_raised(dataset: Path, package: Path, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        path = rng.choice(sorted(package.iterdir()))
        content = path.read_bytes()
        path.write_bytes(spoilt(content, rng))
        assert path.read_bytes() == content or verify_package(package, dataset).total > 0
        path.write_bytes(content)


def test_an_empty_package_of_a_dataset_does_not_hold(dataset: Path, package: Path) -> None:
    for path in package.glob("*.csv"):
        path.write_text(path.read_text().splitlines()[0] + "\n")
    assert not verify_package(package, dataset).total == 0
    assert NO_DIGEST not in (package / RUNS).read_text()
