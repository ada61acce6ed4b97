"""The example several times over, as a dataset of one cluster: villages alike, each with stations of its own."""

import csv
import gzip
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from stdnum.ean import calc_check_digit

SLUG = "villages"
#: Columns that name a metering point, a participant or a grid node.
_POINTS, _PEOPLE, _NODES = ("code",), ("id", "participant"), ("node", "parent", "grid_node")
_ROOT = "CLUSTER"


def make_villages(example: Path, folder: Path, villages: int) -> None:
    """Write the example's June as a dataset of `villages` times its members into the empty `folder`."""
    for file in ("external_prices", "retail", "standard_sale", "tariff", "tariff_zones"):
        shutil.copy(example / f"{file}.csv", folder)
    about = (example / "cluster.toml").read_text()
    (folder / "cluster.toml").write_text(re.sub(r'slug = ".*"', f'slug = "{SLUG}"', about))
    for name in ("grid_nodes", "participants", "metering_points", "contracts"):
        with (
            (example / f"{name}.csv").open(newline="") as source,
            (folder / f"{name}.csv").open("w", newline="") as out,
        ):
            rows = csv.DictReader(source)
            writer = csv.DictWriter(out, rows.fieldnames or ())
            writer.writeheader()
            for row in list(rows):
                writer.writerows(_copies(row, villages))
    _readings(example, folder, villages)


def _copies(row: dict[str, str], villages: int) -> Iterator[dict[str, str]]:
    if row.get("node") == _ROOT:
        yield row
        return
    for village in range(villages):
        copy = dict(row)
        for columns, renamed in ((_POINTS, point), (_PEOPLE, person), (_NODES, node)):
            copy |= {column: renamed(row[column], village) for column in columns if row.get(column)}
        yield copy


def point(code: str, village: int) -> str:
    """The code of the same metering point in another village, check digit included."""
    body = str(int(code[:-1]) + village * 1_000_000)
    return body + str(calc_check_digit(body))


def person(code: str, village: int) -> str:
    """The member of the same name in another village."""
    return f"{code[0]}{village:02d}{code[1:]}"


def node(name: str, village: int) -> str:
    """The grid node of another village; all villages hang on one root."""
    return name if name == _ROOT else f"{name}-{village:02d}"


def _readings(example: Path, folder: Path, villages: int) -> None:
    """A file for each village, like the example's."""
    (source,) = example.glob("readings-*.csv.gz")
    header, *lines = gzip.decompress(source.read_bytes()).splitlines(keepends=True)
    split = [line.split(b",", 1) for line in lines]
    codes = {code for code, _ in split}
    for village in range(villages):
        renamed = {code: point(code.decode(), village).encode() for code in codes}
        with gzip.open(folder / f"readings-2026-06-{village:02d}.csv.gz", "wb", compresslevel=1) as out:
            out.write(header)
            out.write(b"".join(renamed[code] + b"," + rest for code, rest in split))
