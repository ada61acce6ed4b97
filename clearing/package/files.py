"""Reading a package's files as lines, one interval at a time, whatever state they are in.

Any file may be gzipped; its name in findings and in the manifest, and its digest, are those of the plain file.
"""

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from clearing.package.findings import Findings
from clearing.package.lines import COLUMNS
from contracts.dataset.csvfile import open_binary

HEADER = "the columns are those of the format"
COMPLETE = "the last line is complete"
SORTED = "lines are sorted by interval"
READABLE = "the file can be read"
PRESENT = "the file is there"


def find_file(folder: Path, name: str, findings: Findings) -> Path | None:
    """`name` or `name.gz` in the folder."""
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
    if len(found) != 1:
        findings.add(name, PRESENT, f"there is also {name}.gz; keep one of them" if found else "missing")
        return None
    return found[0]


def file_digest(path: Path, name: str, findings: Findings) -> str | None:
    """SHA-256 (hex) of what a file holds; None if it can't be read."""
    try:
        with open_binary(path) as stream:
            digest = hashlib.sha256()
            while block := stream.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()
    except (OSError, EOFError, zlib.error) as error:
        findings.add(name, READABLE, str(error))
        return None


class _Span(NamedTuple):
    offset: int
    length: int


class LineFile:
    """A CSV file of the package whose lines start with their interval, indexed by it.

    Only the index is held: `lines(start)` reads an interval's lines when they are asked for, so a file of a year
    needs no more memory than its longest interval. `usable` is False if the columns are not those of the format.
    """

    def __init__(self, path: Path, name: str, findings: Findings) -> None:
        self.name = name
        self._stream = open_binary(path)
        self._spans: dict[str, list[_Span]] = {}
        self.usable = check_header(self.name, self._stream.readline(), findings)
        if self.usable:
            self._index(findings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def starts(self) -> list[str]:
        """The interval starts that the file has lines of, in the order in which they first appear."""
        return list(self._spans)

    def lines(self, start: str) -> list[str]:
        """The lines of one interval without their ends; none if the file has none."""
        parts = []
        for span in self._spans.get(start, ()):
            self._stream.seek(span.offset)
            parts.append(self._stream.read(span.length))
        return decode(b"".join(parts)).split("\n")[:-1] if parts else []

    def _index(self, findings: Findings) -> None:
        offset = begin = self._stream.tell()
        current = b""
        line = b"\n"
        for line in self._stream:
            start = line.partition(b",")[0]
            if start != current:
                self._keep(current, begin, offset, start, findings)
                current, begin = start, offset
            offset += len(line)
        self._keep(current, begin, offset, b"", findings)
        if not line.endswith(b"\n"):
            findings.add(self.name, COMPLETE, "the file is cut off", interval=decode(current))

    def _keep(self, start: bytes, begin: int, end: int, following: bytes, findings: Findings) -> None:
        if end > begin:
            self._spans.setdefault(decode(start).strip("\n"), []).append(_Span(begin, end - begin))
            if following and following < start:
                detail = f"{decode(following)} follows {decode(start)}"
                findings.add(self.name, SORTED, detail, interval=decode(start))


def check_header(name: str, line: bytes, findings: Findings) -> bool:
    """Whether the first line names the file's columns; reports which are missing or unknown."""
    expected = COLUMNS[name]
    found = decode(line).rstrip("\n").split(",")
    if found == list(expected):
        return True
    missing = [column for column in expected if column not in found]
    unknown = [column for column in found if column not in expected]
    if not line.strip():
        detail = "the file is empty"
    elif missing or unknown:
        detail = "; ".join(
            f"{what}: {', '.join(columns)[:200]}"
            for what, columns in (("missing", missing), ("unknown", unknown))
            if columns
        )
    else:
        detail = f"expected the order {','.join(expected)}"
    findings.add(name, HEADER, detail)
    return False


def all_lines(path: Path, name: str, findings: Findings) -> Iterator[str]:
    """The lines of a file below its header, without their ends; none if the columns are not those of the format."""
    with open_binary(path) as stream:
        if not check_header(name, stream.readline(), findings):
            return
        line = b"\n"
        for line in stream:
            yield decode(line).removesuffix("\n")
        if not line.endswith(b"\n"):
            findings.add(name, COMPLETE, "the file is cut off")


def decode(raw: bytes) -> str:
    """Text of a line; what is no UTF-8 shows as a replacement character, and fails where the line is read."""
    return raw.decode("utf-8", errors="replace")
