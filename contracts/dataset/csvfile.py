"""Opens the CSV files of a folder, plain or gzipped, and checks their shape."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, TypeVar, cast

from contracts.dataset.faults import Faults
from contracts.dataset.fields import Fields
from contracts.dataset.records import Table

Row = TypeVar("Row")
NOTHING: Mapping[str, str] = MappingProxyType({})


def open_binary(path: Path) -> BinaryIO:
    """The bytes of a `.csv` or of what a `.csv.gz` holds."""
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def find_file(folder: Path, name: str, faults: Faults, *, required: bool = True) -> Path | None:
    """`name` or `name.gz` in the folder; both or (if required) none is a mistake."""
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
    if len(found) == 2:
        faults.add(name, 0, "", f"there is also {name}.gz; keep one of them")
    if not found and required:
        faults.add(name, 0, "", "the file is missing")
    return found[0] if len(found) == 1 else None


def check_header(
    header: Sequence[str], columns: Sequence[str], file: str, faults: Faults, optional: Container[str] = ()
) -> bool:
    """Whether the header names each column once, an optional one at most once; every other or lacking one is told."""
    right = True
    for place, column in enumerate(header):
        if column not in columns:
            faults.add(file, 1, column, f"unknown column; the columns are {', '.join(columns)}")
        elif column in header[:place]:
            faults.add(file, 1, column, "the column appears twice; remove one")
        else:
            continue
        right = False
    for column in columns:
        if column not in header and column not in optional:
            faults.add(file, 1, column, "the column is missing; add it")
            right = False
    return right


def read_table(
    path: Path | None,
    name: str,
    columns: Sequence[str],
    parse: Callable[[Fields], Row | None],
    faults: Faults,
    optional: Mapping[str, str] = NOTHING,
) -> Table[Row]:
    """All rows of a file, parsed one by one (None: nothing could be made of it); without a path an empty table.

    `optional`: columns that may be left out, each with the value that its rows then have.
    """
    rows: list[Row] = []
    lines: list[int] = []
    if path is not None:
        for line, values in _records(path, columns, faults, optional):
            row = parse(Fields(faults, path.name, line, values))
            if row is not None:
                rows.append(row)
                lines.append(line)
    return Table(path.name if path else name, tuple(rows), tuple(lines))


def _records(
    path: Path, columns: Sequence[str], faults: Faults, optional: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, str]]]:
    file = path.name
    try:
        with open_binary(path) as stream, io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
            reader = csv.reader(text, strict=True)
            try:
                header = next(reader, [])
                if not check_header(header, columns, file, faults, optional):
                    return
                line = reader.line_num + 1
                for values in reader:
                    if len(values) == len(header):
                        yield line, {**optional, **dict(zip(header, values, strict=True))}
                    else:
                        wrong = f"there are {len(values)} values for {len(header)} columns"
                        faults.add(file, line, "", wrong if values else "the line is empty; remove it")
                    line = reader.line_num + 1
            except csv.Error as error:
                faults.add(file, reader.line_num, "", f"this is no valid CSV: {error}")
            except UnicodeDecodeError:
                faults.add(file, reader.line_num + 1, "", "from about here the file is not UTF-8; save it as UTF-8")
    except (OSError, EOFError, zlib.error) as error:
        faults.add(file, 0, "", f"the file can't be read: {error}")
